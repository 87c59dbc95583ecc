"""How hard problems are, and how many solutions each of them gets.

    results/{run}/{recipe}/judged/shard-... -> {recipe}/pass_rates.jsonl
    results/{run}/decontaminated.jsonl, {measure}/pass_rates.jsonl -> {recipe}/rounds/01/plan/shard-...
    and after each round, with what it was judged              -> {recipe}/rounds/NN/plan/shard-...

Any recipe can be a measure. A recipe with one number of solutions for all problems has no plan.
"""

from omr.config.rounds import Rounds

with told_as_sentence():
    rounds = Rounds(config, recipes)


wildcard_constraints:
    round=r"\d{2}",


rule measure_pass_rates:
    """The share of right ones among a recipe's solutions, problem by problem."""
    localrule: True
    input:
        judged=recipes.judged,
    output:
        rows="results/{run}/{recipe}/pass_rates.jsonl",
        dropped="results/{run}/{recipe}/dropped/measure_pass_rates.jsonl",
        counts="results/{run}/{recipe}/counts/measure_pass_rates.json",
    log:
        "results/{run}/{recipe}/logs/measure_pass_rates.log",
    wildcard_constraints:
        recipe=recipes.pattern_of("cot", "tir"),
    params:
        code=code_of("measure_pass_rates"),
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/measure_pass_rates.py"
        " --judged {input.judged}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


rule plan_solutions:
    """How many solutions each problem of a shard has after a round."""
    localrule: True
    input:
        problems="results/{run}/decontaminated.jsonl",
        pass_rates=rounds.rates,
        before=rounds.before,
        judged=rounds.judged_before,
    output:
        rows="results/{run}/{recipe}/rounds/{round}/plan/shard-{shard}-of-{shards}.jsonl",
        dropped="results/{run}/{recipe}/rounds/{round}/dropped/plan_solutions/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/rounds/{round}/counts/plan_solutions/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/plan_solutions/round-{round}/shard-{shard}-of-{shards}.log",
    wildcard_constraints:
        recipe=rounds.planned,
    params:
        code=code_of("plan_solutions"),
        numbers=rounds.plan_flags,
        files=rounds.plan_files,
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/plan_solutions.py"
        " --problems {input.problems}"
        " --shard {wildcards.shard}"
        " --shards {wildcards.shards}"
        " {params.numbers}"
        " {params.files}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"
