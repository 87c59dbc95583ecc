"""Judged solutions that ran code -> those whose code was worth running. For recipes of `mode: tir` alone.

    results/{run}/{recipe}/judged/shard-KKK-of-NNN.jsonl, solutions/seed-SS/shard-...
    -> {recipe}/cleaned/shard-...                             right ones whose code was run, in time, and gave something
    and, with `code_filter: {novelty: {enabled: true}}`,
    -> {recipe}/fragments/shard-...                           each block of code with the text around it
    -> {recipe}/replies/judge_code/shard-...                  votes on each: new or a check? trivial or significant?
    -> {recipe}/selected/shard-...                            cleaned rows of solutions that needed their code
    which go on as judged rows of other recipes do: rules/summaries.smk, rules/sft.smk

Each CPU stage also writes {recipe}/dropped/<stage>/shard-... and {recipe}/counts/<stage>/shard-....
"""


rule clean_code_solutions:
    """Right solutions whose code was run, within the budget, before the answer was known."""
    wildcard_constraints:
        recipe=recipes.pattern_of("tir"),
    input:
        judged="results/{run}/{recipe}/judged/shard-{shard}-of-{shards}.jsonl",
        solutions=recipes.solutions,
    output:
        rows="results/{run}/{recipe}/cleaned/shard-{shard}-of-{shards}.jsonl",
        dropped="results/{run}/{recipe}/dropped/clean_code_solutions/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/clean_code_solutions/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/clean_code_solutions/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/clean_code_solutions/shard-{shard}-of-{shards}.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        code=code_of("clean_code_solutions"),
        prompt=recipes.knob("prompt"),
        filters=code_recipes.cleaning,
    shell:
        "python scripts/clean_code_solutions.py"
        " --judged {input.judged}"
        " --solutions {input.solutions}"
        " --prompt-name {params.prompt}"
        " {params.filters}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


rule cut_fragments:
    """Each block of code of the cleaned solutions, with the text around it."""
    wildcard_constraints:
        recipe=recipes.pattern_of("tir"),
    input:
        cleaned="results/{run}/{recipe}/cleaned/shard-{shard}-of-{shards}.jsonl",
        solutions=recipes.solutions,
    output:
        # The texts are in the solutions.
        rows=temp("results/{run}/{recipe}/fragments/shard-{shard}-of-{shards}.jsonl"),
        dropped="results/{run}/{recipe}/dropped/cut_fragments/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/cut_fragments/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/cut_fragments/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/cut_fragments/shard-{shard}-of-{shards}.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        code=code_of("cut_fragments"),
        prompt=recipes.knob("prompt"),
        window=recipes.knob("code_filter", "novelty", "window"),
    shell:
        "python scripts/cut_fragments.py"
        " --cleaned {input.cleaned}"
        " --solutions {input.solutions}"
        " --prompt-name {params.prompt}"
        " --window {params.window}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


use rule ask_model as judge_code with:
    """A model says of each block of code whether it calculates something new, and how much that matters."""
    wildcard_constraints:
        recipe=recipes.pattern_of("tir"),
    input:
        **recipes.model_inputs("judge_code"),
        rows="results/{run}/{recipe}/fragments/shard-{shard}-of-{shards}.jsonl",
        prompts=["results/{run}/prompts/judge_novelty.yaml", "results/{run}/prompts/judge_significance.yaml"],
    output:
        replies="results/{run}/{recipe}/replies/judge_code/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/judge_code/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/judge_code/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/judge_code/shard-{shard}-of-{shards}.tsv"
    resources:
        **recipes.resources("judge_code"),
    conda:
        recipes.conda_env("judge_code")
    params:
        **recipes.asked("judge_code"),
        part=code_recipes.votes,


rule select_by_code:
    """Solutions with a new, significant calculation, by the votes on their blocks."""
    localrule: True
    wildcard_constraints:
        recipe=recipes.pattern_of("tir"),
    input:
        cleaned="results/{run}/{recipe}/cleaned/shard-{shard}-of-{shards}.jsonl",
        fragments="results/{run}/{recipe}/fragments/shard-{shard}-of-{shards}.jsonl",
        replies="results/{run}/{recipe}/replies/judge_code/shard-{shard}-of-{shards}.jsonl",
    output:
        rows="results/{run}/{recipe}/selected/shard-{shard}-of-{shards}.jsonl",
        dropped="results/{run}/{recipe}/dropped/select_by_code/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/select_by_code/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/select_by_code/shard-{shard}-of-{shards}.log",
    conda:
        "../envs/workflow.yaml"
    params:
        code=code_of("select_by_code"),
        rule=code_recipes.keep_rule,
    shell:
        "python scripts/select_by_code.py"
        " --cleaned {input.cleaned}"
        " --fragments {input.fragments}"
        " --replies {input.replies}"
        " {params.rule}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"
