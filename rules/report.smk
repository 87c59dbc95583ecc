"""What a run did.

results/{run}/counts/ -> results/{run}/stages.txt, stages.json    (rows read, written, dropped; checked)
"""


rule check_counts:
    """What each stage read, wrote and dropped; stops if rows are unaccounted for."""
    localrule: True
    input:
        rows="results/{run}/decontaminated.jsonl",
        code=code_of("check_counts"),
    output:
        text="results/{run}/stages.txt",
        json="results/{run}/stages.json",
    log:
        "results/{run}/logs/check_counts.log",
    params:
        starts_from="problems" if settings.starts_from_problems else "threads",
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/check_counts.py"
        " --run results/{wildcards.run}"
        " --starts-from {params.starts_from}"
        " --output {output.text}"
        " --json {output.json}"
        " 2>&1 | tee {log}"


rule check_recipe_counts:
    """What each stage of a recipe read, wrote and dropped; stops if rows are unaccounted for."""
    localrule: True
    input:
        problems="results/{run}/decontaminated.jsonl",
        rows="results/{run}/{recipe}/sft.jsonl",
        code=code_of("check_counts"),
    output:
        text="results/{run}/{recipe}/stages.txt",
        json="results/{run}/{recipe}/stages.json",
    log:
        "results/{run}/{recipe}/logs/check_recipe_counts.log",
    conda:
        "../envs/workflow.yaml"
    params:
        kept_by=code_recipes.kept_by,
    shell:
        "python scripts/check_counts.py"
        " --run results/{wildcards.run}"
        " --recipe {wildcards.recipe}"
        " --kept-by {params.kept_by}"
        " --output {output.text}"
        " --json {output.json}"
        " 2>&1 | tee {log}"
