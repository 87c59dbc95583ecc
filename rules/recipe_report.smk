"""What a recipe made of the threads, for someone who knows nothing of the run.

    results/{run}/counts/, contamination/report.json, planted/report.json, {recipe}/counts/, stages.json, figures/
    -> results/{run}/{recipe}/report.html

A whole run's pages wait for all its recipes, which they put beside each other; asked for by its path, a page comes as
soon as its own recipe is done. One page that needs no network; `snakemake --report` shows it.
"""

from omr.config.code import templates_of_report


rule write_report:
    """Funnel, answers, votes, pass rates, recipes, cost, decontamination, some rows and the prompts on one page."""
    input:
        # Whatever the page tells of earlier stages is there, and as it was, when these are.
        figures=products.figures,
        stages="results/{run}/{recipe}/stages.json",
        contamination="results/{run}/contamination/report.json",
        planted=settings.planted_report,
        prompts=products.prompts,
        # The pages of a whole run tell of all its recipes; a page that is asked for by its path needs no other recipe.
        beside=[] if named_run else expand(f"results/{settings.run}/{{recipe}}/stages.json", recipe=recipes.to_run),
        templates=templates_of_report(),
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
    params:
        code=code_of("write_report"),
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/write_report.py"
        " --run results/{wildcards.run}"
        " --recipe {wildcards.recipe}"
        " --config {resources.run_config}"
        " --prompts {input.prompts}"
        " --output {output}"
        " 2>&1 | tee {log}"
