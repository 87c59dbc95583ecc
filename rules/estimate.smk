"""What a run will take, before it asks a model anything.

    config, raw threads, counts of what has run -> results/{run}/estimate.txt, estimate.json      (snakemake estimate)
    raw_aops_data.jsonl, `budget` in config -> results/{run}/budget.json                          (stops a run)

Numbers of rows and tokens are those of stages that have run, else those of omr/published_ratios.py.
"""

from omr.estimation import budget_digest


localrules:
    estimate,
    check_budget,


rule estimate:
    """Print requests, tokens, disk, GPU-hours and money per stage. Made anew whenever it is asked for."""
    log:
        f"results/{settings.run}/logs/estimate.log",
    conda:
        "../envs/workflow.yaml"
    params:
        run=settings.run,
    shell:
        "python scripts/estimate.py"
        " --run results/{params.run}"
        " --config results/{params.run}/config.yaml"
        " --output results/{params.run}/estimate.txt"
        " --json results/{params.run}/estimate.json"
        " 2>&1 | tee {log}"


rule check_budget:
    """Stops the run if its estimate exceeds `budget`. Stages that ask a model wait for its output."""
    input:
        threads="results/{run}/raw_aops_data.jsonl",
        code=["scripts/estimate.py", "scripts/omr/estimation.py", "scripts/omr/published_ratios.py"],
    output:
        "results/{run}/budget.json",
    log:
        "results/{run}/logs/check_budget.log",
    conda:
        "../envs/workflow.yaml"
    params:
        # Everything that an estimate depends on: another plan or budget is checked again.
        plan=budget_digest(config),
    shell:
        "python scripts/estimate.py"
        " --run results/{wildcards.run}"
        " --config results/{wildcards.run}/config.yaml"
        " --check"
        " --json {output}"
        " 2>&1 | tee {log}"
