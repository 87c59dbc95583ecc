"""Reasoning that led to a right answer -> a solution written anew for it. Off: `summaries: {enabled: false}`.

    results/{run}/{recipe}/judged/shard-KKK-of-NNN.jsonl (of solutions with code cleaned/ or selected/, see rules/tir.smk),
    solutions/seed-SS/shard-...
    -> {recipe}/traces/shard-...                              the reasoning of right, finished solutions, trimmed
    -> {recipe}/replies/generate_summaries/part-PP-of-QQ/shard-...   several candidates each
    -> {recipe}/summary_comparisons/shard-..., summary_judgements/shard-...; summary_candidates/shard-...: what was read
    -> {recipe}/replies/judge_summaries/shard-...
    -> {recipe}/summarized/shard-...                          judged rows with their best summary

Traces are long, and a job that summarizes some of a shard's reads no others: beside each file of traces lies
`shard-KKK-of-NNN.places`, which says where its rows lie.

Recipes whose solutions are compared (rules/genselect.smk) need wrong ones in new words too: `wrong_per_problem`.

    judged/shard-..., solutions/seed-SS/shard-...
    -> {recipe}/wrong_traces/shard-...                        the reasoning of some wrong solutions
    -> {recipe}/replies/generate_wrong_summaries/part-PP-of-QQ/shard-...
    -> {recipe}/wrong_summarized/shard-...                    judged rows with a summary that states their own answer

Each CPU stage also writes {recipe}/dropped/<stage>/shard-... and {recipe}/counts/<stage>/shard-....
"""


rule select_traces:
    """The reasoning of every right, finished solution, up to the step of its last boxed answer."""
    wildcard_constraints:
        recipe=recipes.pattern_of("cot", "tir"),
    input:
        problems="results/{run}/decontaminated.jsonl",
        judged=code_recipes.kept_or_judged,
        solutions=recipes.solutions,
    output:
        rows="results/{run}/{recipe}/traces/shard-{shard}-of-{shards}.jsonl",
        places="results/{run}/{recipe}/traces/shard-{shard}-of-{shards}.places",
        dropped="results/{run}/{recipe}/dropped/select_traces/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/select_traces/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/select_traces/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/select_traces/shard-{shard}-of-{shards}.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        code=code_of("select_traces"),
        prompt=recipes.knob("prompt"),
    shell:
        "python scripts/select_traces.py"
        " --problems {input.problems}"
        " --judged {input.judged}"
        " --solutions {input.solutions}"
        " --prompt-name {params.prompt}"
        " --output {output.rows}"
        " --places {output.places}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


use rule ask_model as generate_summaries with:
    """A model writes the solution anew that each right trace ends with: several candidates of each."""
    input:
        **recipes.model_inputs("generate_summaries"),
        rows="results/{run}/{recipe}/traces/shard-{shard}-of-{shards}.jsonl",
        places="results/{run}/{recipe}/traces/shard-{shard}-of-{shards}.places",
        prompts="results/{run}/prompts/summarize_solution.yaml",
    output:
        replies="results/{run}/{recipe}/replies/generate_summaries/part-{part}-of-{parts}/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/generate_summaries/part-{part}-of-{parts}/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/generate_summaries/part-{part}-of-{parts}/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/generate_summaries/part-{part}-of-{parts}/shard-{shard}-of-{shards}.tsv"
    resources:
        **recipes.resources("generate_summaries"),
    conda:
        recipes.conda_env("generate_summaries")
    params:
        **recipes.asked("generate_summaries"),
        part=recipes.candidates,


rule select_summary_judgements:
    """Which answers of summaries are provably right, and which a model must judge, each once per problem."""
    input:
        traces="results/{run}/{recipe}/traces/shard-{shard}-of-{shards}.jsonl",
        summaries=recipes.summaries,
    output:
        comparisons="results/{run}/{recipe}/summary_comparisons/shard-{shard}-of-{shards}.jsonl",
        questions="results/{run}/{recipe}/summary_judgements/shard-{shard}-of-{shards}.jsonl",
        candidates="results/{run}/{recipe}/summary_candidates/shard-{shard}-of-{shards}.jsonl",
        dropped="results/{run}/{recipe}/dropped/select_summary_judgements/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/select_summary_judgements/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/select_summary_judgements/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/select_summary_judgements/shard-{shard}-of-{shards}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 4
    params:
        code=code_of("select_summary_judgements"),
        candidates=recipes.knob("summaries", "candidates"),
    shell:
        "python scripts/select_summary_judgements.py"
        " --traces {input.traces}"
        " --summaries {input.summaries}"
        " --candidates {params.candidates}"
        " --workers {threads}"
        " --output {output.comparisons}"
        " --questions {output.questions}"
        " --summary-candidates {output.candidates}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


use rule ask_model as judge_summaries with:
    """A model says whether a new summary has the right answer, where nothing proves it."""
    input:
        **recipes.model_inputs("judge_summaries"),
        rows="results/{run}/{recipe}/summary_judgements/shard-{shard}-of-{shards}.jsonl",
        prompts="results/{run}/prompts/judge_answers.yaml",
    output:
        replies="results/{run}/{recipe}/replies/judge_summaries/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/judge_summaries/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/judge_summaries/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/judge_summaries/shard-{shard}-of-{shards}.tsv"
    resources:
        **recipes.resources("judge_summaries"),
    conda:
        recipes.conda_env("judge_summaries")
    params:
        **recipes.asked("judge_summaries"),
        part="",


rule merge_summaries:
    """Each trace with the longest of its summaries whose answer is right."""
    wildcard_constraints:
        recipe=recipes.pattern_of("cot", "tir"),
    input:
        candidates="results/{run}/{recipe}/summary_candidates/shard-{shard}-of-{shards}.jsonl",
        summaries=recipes.summaries,
        comparisons="results/{run}/{recipe}/summary_comparisons/shard-{shard}-of-{shards}.jsonl",
        replies="results/{run}/{recipe}/replies/judge_summaries/shard-{shard}-of-{shards}.jsonl",
    output:
        rows="results/{run}/{recipe}/summarized/shard-{shard}-of-{shards}.jsonl",
        dropped="results/{run}/{recipe}/dropped/merge_summaries/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/merge_summaries/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/merge_summaries/shard-{shard}-of-{shards}.log",
    params:
        code=code_of("merge_summaries"),
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/merge_summaries.py"
        " --summary-candidates {input.candidates}"
        " --summaries {input.summaries}"
        " --comparisons {input.comparisons}"
        " --replies {input.replies}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


rule select_wrong_traces:
    """The reasoning of wrong, finished solutions of problems that have a right one: different wrong answers first."""
    wildcard_constraints:
        recipe=recipes.with_wrong_summaries,
    input:
        problems="results/{run}/decontaminated.jsonl",
        judged="results/{run}/{recipe}/judged/shard-{shard}-of-{shards}.jsonl",
        solutions=recipes.solutions,
    output:
        # All of it is in solutions/: no need to keep the texts twice.
        rows=temp("results/{run}/{recipe}/wrong_traces/shard-{shard}-of-{shards}.jsonl"),
        places=temp("results/{run}/{recipe}/wrong_traces/shard-{shard}-of-{shards}.places"),
        dropped="results/{run}/{recipe}/dropped/select_wrong_traces/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/select_wrong_traces/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/select_wrong_traces/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/select_wrong_traces/shard-{shard}-of-{shards}.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        code=code_of("select_wrong_traces"),
        prompt=recipes.knob("prompt"),
        wanted=recipes.knob("summaries", "wrong_per_problem"),
    shell:
        "python scripts/select_wrong_traces.py"
        " --problems {input.problems}"
        " --judged {input.judged}"
        " --solutions {input.solutions}"
        " --prompt-name {params.prompt}"
        " --wrong-per-problem {params.wanted}"
        " --output {output.rows}"
        " --places {output.places}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


use rule ask_model as generate_wrong_summaries with:
    """A model writes the solution anew that each wrong trace ends with, for comparisons."""
    wildcard_constraints:
        recipe=recipes.with_wrong_summaries,
    input:
        **recipes.model_inputs("generate_wrong_summaries"),
        rows="results/{run}/{recipe}/wrong_traces/shard-{shard}-of-{shards}.jsonl",
        places="results/{run}/{recipe}/wrong_traces/shard-{shard}-of-{shards}.places",
        # The same prompt and model as right solutions: nothing in the words tells one from the other.
        prompts="results/{run}/prompts/summarize_solution.yaml",
    output:
        replies="results/{run}/{recipe}/replies/generate_wrong_summaries/part-{part}-of-{parts}/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/generate_wrong_summaries/part-{part}-of-{parts}/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/generate_wrong_summaries/part-{part}-of-{parts}/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/generate_wrong_summaries/part-{part}-of-{parts}/shard-{shard}-of-{shards}.tsv"
    resources:
        **recipes.resources("generate_wrong_summaries"),
    conda:
        recipes.conda_env("generate_wrong_summaries")
    params:
        **recipes.asked("generate_wrong_summaries"),
        part=recipes.candidates,


rule merge_wrong_summaries:
    """Each wrong trace with the longest of its summaries that provably states its own wrong answer."""
    wildcard_constraints:
        recipe=recipes.with_wrong_summaries,
    input:
        traces="results/{run}/{recipe}/wrong_traces/shard-{shard}-of-{shards}.jsonl",
        summaries=recipes.wrong_summaries,
    output:
        rows="results/{run}/{recipe}/wrong_summarized/shard-{shard}-of-{shards}.jsonl",
        dropped="results/{run}/{recipe}/dropped/merge_wrong_summaries/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/merge_wrong_summaries/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/merge_wrong_summaries/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/merge_wrong_summaries/shard-{shard}-of-{shards}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 4
    params:
        code=code_of("merge_wrong_summaries"),
        candidates=recipes.knob("summaries", "candidates"),
    shell:
        "python scripts/merge_wrong_summaries.py"
        " --traces {input.traces}"
        " --summaries {input.summaries}"
        " --candidates {params.candidates}"
        " --workers {threads}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"
