"""What a recipe made of the threads, for someone who knows nothing of the run.

    results/{run}/counts/, contamination/report.json, planted/report.json, {recipe}/counts/, {recipe}/judged/, {recipe}/sft.jsonl
    -> results/{run}/{recipe}/report.html

One page that needs no network; `snakemake --report` shows it.
"""


rule write_report:
    """Funnel, answers, pass rates, cost, decontamination and some rows on one page."""
    input:
        # Whatever the page tells of earlier stages is there, and as it was, when these are.
        rows="results/{run}/{recipe}/sft.jsonl",
        contamination="results/{run}/contamination/report.json",
        planted=settings.planted_report,
        code=code_of("write_report"),
    output:
        report(
            "results/{run}/{recipe}/report.html",
            caption="../docs/captions/recipe_report.rst",
            category="Training data",
            labels={"recipe": "{recipe}", "what": "report"},
        ),
    log:
        "results/{run}/{recipe}/logs/write_report.log",
    resources:
        run_config=settings.config_file,
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/write_report.py"
        " --run results/{wildcards.run}"
        " --recipe {wildcards.recipe}"
        " --config {resources.run_config}"
        " --output {output}"
        " 2>&1 | tee {log}"
