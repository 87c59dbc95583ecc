"""Decontaminated problems -> solutions whose final answers are judged. One set of files per recipe.

    results/{run}/decontaminated.jsonl
    -> {recipe}/solutions/seed-SS/shard-KKK-of-NNN.jsonl    raw replies, one file per job: a seed, or with
                                                            `seeds_per_job` several (seed-SS-to-SS), of a shard; a recipe
                                                            with `mode: tir` has them run code while they are written
    -> {recipe}/votes/shard-...                             every solution's final answer, beside its problem's answer
    -> {recipe}/undecided/shard-..., matches/shard-...      votes that hang on which answers are the same, the questions
    -> {recipe}/replies/match_answers/shard-...
    -> {recipe}/majority/shard-...                          the rows with the answers of all votes
    -> {recipe}/comparisons/shard-..., judgements/shard-... what is provably the same answer, and what is to be asked
    -> {recipe}/replies/judge_answers/shard-...
    -> {recipe}/judged/shard-...                            the same rows with `yes`, `no` or `unjudged`

A shard holds the same problems at every stage. Texts stay in solutions/; all other rows are light. Each CPU stage also
writes {recipe}/dropped/<stage>/shard-... and {recipe}/counts/<stage>/shard-....
"""


rule prepare_sandbox:
    """Where code that models wrote runs: the interpreter of its environment, which `--sdm conda` makes."""
    localrule: True
    output:
        "results/downloads/sandbox.json",
    log:
        "results/downloads/logs/prepare_sandbox.log",
    params:
        code=code_of("prepare_sandbox"),
    conda:
        "../envs/sandbox.yaml"
    shell:
        "python scripts/prepare_sandbox.py --output {output} 2>&1 | tee {log}"


use rule ask_model as generate_solutions with:
    """A model solves each problem, a seed (or some) of one shard; with `mode: tir` it runs code meanwhile."""
    wildcard_constraints:
        recipe=recipes.pattern_of("cot", "tir"),
    input:
        **recipes.model_inputs("generate_solutions"),
        rows="results/{run}/decontaminated.jsonl",
        plan=rounds.plan,
        pass_rates=rounds.rates_asked,
        prompts=recipes.prompt,
        sandbox=recipes.sandbox,
    output:
        replies="results/{run}/{recipe}/solutions/seed-{seed}/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/generate_solutions/seed-{seed}/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/generate_solutions/seed-{seed}/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/generate_solutions/seed-{seed}/shard-{shard}-of-{shards}.tsv"
    resources:
        **recipes.resources("generate_solutions"),
    conda:
        recipes.conda_env("generate_solutions")
    params:
        **(recipes.asked("generate_solutions") | {"part": rounds.part, "files": rounds.files}),


rule fill_majority_answer:
    """Final answers of all solutions of a shard; the majority of them where no answer is known."""
    input:
        problems="results/{run}/decontaminated.jsonl",
        solutions=rounds.solutions,
        earlier=rounds.outcomes,
        plan=rounds.last_plan,
    output:
        rows="results/{run}/{recipe}/votes/shard-{shard}-of-{shards}.jsonl",
        undecided="results/{run}/{recipe}/undecided/shard-{shard}-of-{shards}.jsonl",
        questions="results/{run}/{recipe}/matches/shard-{shard}-of-{shards}.jsonl",
        dropped="results/{run}/{recipe}/dropped/fill_majority_answer/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/fill_majority_answer/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/fill_majority_answer/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/fill_majority_answer/shard-{shard}-of-{shards}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 4
    params:
        code=code_of("fill_majority_answer"),
        seeds=rounds.seed_flags,
        outcomes=rounds.outcome_flags,
        plan=lambda wildcards, input: f"--plan {input.plan}" if input.plan else "",
        min_votes=recipes.knob("majority", "min_votes"),
        min_share=recipes.knob("majority", "min_share"),
        repair=recipes.repair,
        max_matches=recipes.knob("majority", "max_matches"),
    shell:
        "python scripts/fill_majority_answer.py"
        " --problems {input.problems}"
        " --shard {wildcards.shard}"
        " --shards {wildcards.shards}"
        " --solutions {input.solutions}"
        " {params.seeds}"
        " {params.outcomes}"
        " --min-votes {params.min_votes}"
        " {params.plan}"
        " --min-share {params.min_share}"
        " {params.repair}"
        " --max-matches {params.max_matches}"
        " --workers {threads}"
        " --output {output.rows}"
        " --undecided {output.undecided}"
        " --questions {output.questions}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


use rule ask_model as match_answers with:
    """A model says which answers of a vote are the same, where nothing proves it and the majority hangs on it."""
    input:
        **recipes.model_inputs("match_answers"),
        rows="results/{run}/{recipe}/matches/shard-{shard}-of-{shards}.jsonl",
        prompts="results/{run}/prompts/match_answers.yaml",
    output:
        replies="results/{run}/{recipe}/replies/match_answers/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/match_answers/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/match_answers/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/match_answers/shard-{shard}-of-{shards}.tsv"
    resources:
        **recipes.resources("match_answers"),
    conda:
        recipes.conda_env("match_answers")
    params:
        **recipes.asked("match_answers"),
        part="",


rule settle_votes:
    """The majority where it hung on which answers are the same; problems whose vote stays tied are dropped."""
    localrule: True
    input:
        votes="results/{run}/{recipe}/votes/shard-{shard}-of-{shards}.jsonl",
        undecided="results/{run}/{recipe}/undecided/shard-{shard}-of-{shards}.jsonl",
        replies="results/{run}/{recipe}/replies/match_answers/shard-{shard}-of-{shards}.jsonl",
    output:
        rows="results/{run}/{recipe}/majority/shard-{shard}-of-{shards}.jsonl",
        dropped="results/{run}/{recipe}/dropped/settle_votes/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/settle_votes/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/settle_votes/shard-{shard}-of-{shards}.log",
    conda:
        "../envs/workflow.yaml"
    params:
        code=code_of("settle_votes"),
        min_votes=recipes.knob("majority", "min_votes"),
        min_share=recipes.knob("majority", "min_share"),
    shell:
        "python scripts/settle_votes.py"
        " --votes {input.votes}"
        " --undecided {input.undecided}"
        " --replies {input.replies}"
        " --min-votes {params.min_votes}"
        " --min-share {params.min_share}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


rule select_judgements:
    """Which predicted answers are provably the expected one or another, and which a model must judge, each once."""
    wildcard_constraints:
        recipe=recipes.pattern_of("cot", "tir"),
    input:
        problems="results/{run}/decontaminated.jsonl",
        majority="results/{run}/{recipe}/majority/shard-{shard}-of-{shards}.jsonl",
        asked=rounds.earlier_questions,
    output:
        comparisons="results/{run}/{recipe}/comparisons/shard-{shard}-of-{shards}.jsonl",
        questions="results/{run}/{recipe}/judgements/shard-{shard}-of-{shards}.jsonl",
        dropped="results/{run}/{recipe}/dropped/select_judgements/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/select_judgements/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/select_judgements/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/select_judgements/shard-{shard}-of-{shards}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 4
    params:
        code=code_of("select_judgements"),
        audits=recipes.knob("judge", "audits"),
    shell:
        "python scripts/select_judgements.py"
        " --problems {input.problems}"
        " --majority {input.majority}"
        " --asked {input.asked}"
        " --audits {params.audits}"
        " --workers {threads}"
        " --output {output.comparisons}"
        " --questions {output.questions}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


use rule ask_model as judge_answers with:
    """A model says whether a predicted answer is the expected one, where nothing proves it."""
    input:
        **recipes.model_inputs("judge_answers"),
        rows="results/{run}/{recipe}/judgements/shard-{shard}-of-{shards}.jsonl",
        prompts="results/{run}/prompts/judge_answers.yaml",
    output:
        replies="results/{run}/{recipe}/replies/judge_answers/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/judge_answers/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/judge_answers/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/judge_answers/shard-{shard}-of-{shards}.tsv"
    resources:
        **recipes.resources("judge_answers"),
    conda:
        recipes.conda_env("judge_answers")
    params:
        **recipes.asked("judge_answers"),
        part="",


rule merge_judgements:
    """Every solution's verdict: from the comparison where it proved something, else from the model's reply."""
    localrule: True
    input:
        majority="results/{run}/{recipe}/majority/shard-{shard}-of-{shards}.jsonl",
        comparisons="results/{run}/{recipe}/comparisons/shard-{shard}-of-{shards}.jsonl",
        replies="results/{run}/{recipe}/replies/judge_answers/shard-{shard}-of-{shards}.jsonl",
        earlier=rounds.earlier_verdicts,
    output:
        rows="results/{run}/{recipe}/judged/shard-{shard}-of-{shards}.jsonl",
        dropped="results/{run}/{recipe}/dropped/merge_judgements/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/merge_judgements/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/merge_judgements/shard-{shard}-of-{shards}.log",
    params:
        code=code_of("merge_judgements"),
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/merge_judgements.py"
        " --majority {input.majority}"
        " --comparisons {input.comparisons}"
        " --replies {input.replies} {input.earlier}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"
