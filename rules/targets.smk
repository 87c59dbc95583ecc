"""Targets by the names that people use: `snakemake problems`, `snakemake judged`, ..."""


rule problems:
    """The problems with their answers, before decontamination."""
    localrule: True
    input:
        f"results/{settings.run}/merged.jsonl",


rule decontaminated:
    """The problems that no benchmark contains."""
    localrule: True
    input:
        f"results/{settings.run}/decontaminated.jsonl",


rule solutions:
    """All raw solutions of the recipes."""
    localrule: True
    input:
        recipes.all_solutions(settings.run),


rule judged:
    """All judged solutions of the recipes."""
    localrule: True
    input:
        recipes.all_judged(settings.run),


rule kept:
    """The judged solutions of the recipes that go on: of recipes with code those that its filters kept."""
    localrule: True
    input:
        code_recipes.all_kept(settings.run),


rule sft:
    """The training rows of the recipes."""
    localrule: True
    input:
        expand(f"results/{settings.run}/{{recipe}}/sft.jsonl", recipe=recipes.to_run),


rule dataset:
    """The training rows of all recipes as one dataset folder, with the subsets of the published one."""
    localrule: True
    input:
        products.joined,
