"""What a run will take, before it asks a model anything.

    config, raw threads, counts of what has run -> results/{run}/estimate.txt, estimate.json      (snakemake estimate)

The Snakefile's `onstart` makes the same estimate where config has a `budget`, and stops a run that would exceed it: no
rule, because nothing must be made again when a budget changes.

Numbers of rows and tokens are those of stages that have run, else those of omr/runs/published_ratios.py.
"""


localrules:
    estimate,


rule estimate:
    """Print requests, tokens, disk, GPU-hours and money per stage. Made anew whenever it is asked for."""
    log:
        f"results/{settings.run}/logs/estimate.log",
    conda:
        "../envs/workflow.yaml"
    resources:
        run_config=settings.config_file,
    params:
        run=settings.run,
    shell:
        "python scripts/estimate.py"
        " --run results/{params.run}"
        " --config {resources.run_config}"
        " --output results/{params.run}/estimate.txt"
        " --json results/{params.run}/estimate.json"
        " 2>&1 | tee {log}"
