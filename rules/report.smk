"""What a run did: rows read, written and dropped by each stage, checked. Cards, bounds and reports go by these tables.

results/{run}/counts/ -> results/{run}/stages.txt, stages.json
results/{run}/stages.json, {recipe}/counts/, {recipe}/figures/ -> {recipe}/stages.txt, stages.json
"""


rule check_counts:
    """What each stage read, wrote and dropped; stops if rows are unaccounted for."""
    localrule: True
    input:
        rows="results/{run}/decontaminated.jsonl",
    output:
        text="results/{run}/stages.txt",
        json="results/{run}/stages.json",
    log:
        "results/{run}/logs/check_counts.log",
    params:
        code=code_of("check_counts"),
        starts_from="problems" if settings.starts_from_problems else "threads",
        classifies="--classifies" if settings.starts_from_problems and settings.classifies else "",
        without="" if config["problems"]["use_converted_proofs"] else "--without parse_conversions parse_proofs",
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/check_counts.py"
        " --run results/{wildcards.run}"
        " --starts-from {params.starts_from}"
        " {params.classifies}"
        " {params.without}"
        " --output {output.text}"
        " --json {output.json}"
        " 2>&1 | tee {log}"


rule check_recipe_counts:
    """What each stage of a recipe read, wrote and dropped; stops if rows are unaccounted for."""
    localrule: True
    input:
        # The counts of all stages before are there, and as they were, when these are.
        problems="results/{run}/decontaminated.jsonl",
        stages="results/{run}/stages.json",
        figures=products.figures,
    output:
        text="results/{run}/{recipe}/stages.txt",
        json="results/{run}/{recipe}/stages.json",
    log:
        "results/{run}/{recipe}/logs/check_recipe_counts.log",
    conda:
        "../envs/workflow.yaml"
    params:
        code=code_of("check_counts"),
        kept_by=code_recipes.kept_by,
        sources=products.sources,
        made=products.made,
    shell:
        "python scripts/check_counts.py"
        " --run results/{wildcards.run}"
        " --recipe {wildcards.recipe}"
        " --kept-by {params.kept_by}"
        " --above {input.stages}"
        " {params.sources}"
        " --made {params.made:q}"
        " --output {output.text}"
        " --json {output.json}"
        " 2>&1 | tee {log}"
