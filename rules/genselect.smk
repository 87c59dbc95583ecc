"""Summaries of right and wrong solutions -> groups -> a model chooses the best of each -> training rows.

    results/{run}/{source}/summarized/shard-..., wrong_summarized/shard-..., judged/shard-...    of the recipes compared
    -> {recipe}/groups/shard-KKK-of-NNN.jsonl                 which candidates are compared: light rows
    -> {recipe}/comparisons/shard-...                         the same with texts, for the prompt
    -> {recipe}/replies/select_solutions/shard-...
    -> {recipe}/selected/shard-...                            groups whose chosen candidate is right
    -> {recipe}/traces/shard-...                              their comparisons, as far as they fit a summarizer
    -> {recipe}/replies/generate_selection_summaries/part-PP-of-QQ/shard-...
    -> {recipe}/summarized/shard-...                          selections with the summary of their comparison
    -> {recipe}/sft/shard-...                                 training rows, with figures; on as in rules/sft.smk

A shard holds the same problems at every stage, and a source's shards may be cut otherwise. Each CPU stage also writes
{recipe}/dropped/<stage>/shard-... and {recipe}/counts/<stage>/shard-....
"""

from omr.config.selections import Selections

with told_as_sentence():
    selections = Selections(settings, recipes)


rule form_groups:
    """Groups of right and wrong candidates, which follow from hashes of what they are."""
    wildcard_constraints:
        recipe=recipes.pattern_of("genselect"),
    input:
        problems="results/{run}/decontaminated.jsonl",
        summarized=selections.rows("summarized"),
        wrong_summarized=selections.rows("wrong_summarized"),
        judged=selections.rows("judged"),
        tokenizer=selections.tokenizer,
    output:
        rows="results/{run}/{recipe}/groups/shard-{shard}-of-{shards}.jsonl",
        dropped="results/{run}/{recipe}/dropped/form_groups/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/form_groups/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/form_groups/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/form_groups/shard-{shard}-of-{shards}.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        code=code_of("form_groups"),
        summarized=selections.named_rows("summarized"),
        wrong_summarized=selections.named_rows("wrong_summarized"),
        judged=selections.named_rows("judged"),
        candidates=selections.group_flags,
        tokenizer=selections.tokenizer_flag,
    shell:
        "python scripts/form_groups.py"
        " --problems {input.problems}"
        " --shard {wildcards.shard}"
        " --shards {wildcards.shards}"
        " --summarized {params.summarized}"
        " --wrong-summarized {params.wrong_summarized}"
        " --judged {params.judged}"
        " {params.candidates}"
        " {params.tokenizer}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


rule write_comparisons:
    """The groups with the texts of their candidates."""
    wildcard_constraints:
        recipe=recipes.pattern_of("genselect"),
    input:
        problems="results/{run}/decontaminated.jsonl",
        groups="results/{run}/{recipe}/groups/shard-{shard}-of-{shards}.jsonl",
        summarized=selections.rows("summarized"),
        wrong_summarized=selections.rows("wrong_summarized"),
    output:
        # The texts are in the sources' summaries: no need to keep them up to eight times more.
        rows=temp("results/{run}/{recipe}/comparisons/shard-{shard}-of-{shards}.jsonl"),
        dropped="results/{run}/{recipe}/dropped/write_comparisons/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/write_comparisons/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/write_comparisons/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/write_comparisons/shard-{shard}-of-{shards}.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        code=code_of("write_comparisons"),
        summarized=selections.named_rows("summarized"),
        wrong_summarized=selections.named_rows("wrong_summarized"),
    shell:
        "python scripts/write_comparisons.py"
        " --problems {input.problems}"
        " --shard {wildcards.shard}"
        " --shards {wildcards.shards}"
        " --groups {input.groups}"
        " --summarized {params.summarized}"
        " --wrong-summarized {params.wrong_summarized}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


use rule ask_model as select_solutions with:
    """A model compares the candidates of a group and chooses one."""
    wildcard_constraints:
        recipe=recipes.pattern_of("genselect"),
    input:
        **recipes.model_inputs("select_solutions"),
        rows="results/{run}/{recipe}/comparisons/shard-{shard}-of-{shards}.jsonl",
        prompts=recipes.prompt,
    output:
        replies="results/{run}/{recipe}/replies/select_solutions/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/select_solutions/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/select_solutions/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/select_solutions/shard-{shard}-of-{shards}.tsv"
    resources:
        **recipes.resources("select_solutions"),
    conda:
        recipes.conda_env("select_solutions")
    params:
        **recipes.asked("select_solutions"),
        part="",


rule parse_selections:
    """Which candidate each comparison chose; those that chose a right one go on."""
    localrule: True
    wildcard_constraints:
        recipe=recipes.pattern_of("genselect"),
    input:
        groups="results/{run}/{recipe}/groups/shard-{shard}-of-{shards}.jsonl",
        comparisons="results/{run}/{recipe}/comparisons/shard-{shard}-of-{shards}.jsonl",
        replies="results/{run}/{recipe}/replies/select_solutions/shard-{shard}-of-{shards}.jsonl",
    output:
        rows="results/{run}/{recipe}/selected/shard-{shard}-of-{shards}.jsonl",
        dropped="results/{run}/{recipe}/dropped/parse_selections/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/parse_selections/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/parse_selections/shard-{shard}-of-{shards}.log",
    conda:
        "../envs/workflow.yaml"
    params:
        code=code_of("parse_selections"),
        prompt=recipes.knob("prompt"),
    shell:
        "python scripts/parse_selections.py"
        " --groups {input.groups}"
        " --comparisons {input.comparisons}"
        " --replies {input.replies}"
        " --prompt-name {params.prompt}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


rule select_comparisons:
    """The comparisons behind the selections, if the model that summarizes them can read them."""
    wildcard_constraints:
        recipe=recipes.pattern_of("genselect"),
    input:
        selected="results/{run}/{recipe}/selected/shard-{shard}-of-{shards}.jsonl",
        comparisons="results/{run}/{recipe}/comparisons/shard-{shard}-of-{shards}.jsonl",
        replies="results/{run}/{recipe}/replies/select_solutions/shard-{shard}-of-{shards}.jsonl",
        prompt="results/{run}/prompts/summarize_selection.yaml",
        tokenizer=recipes.model_inputs("generate_selection_summaries")["tokenizer"],
    output:
        # All of it is in comparisons and replies.
        rows=temp("results/{run}/{recipe}/traces/shard-{shard}-of-{shards}.jsonl"),
        places=temp("results/{run}/{recipe}/traces/shard-{shard}-of-{shards}.places"),
        dropped="results/{run}/{recipe}/dropped/select_comparisons/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/select_comparisons/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/select_comparisons/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/select_comparisons/shard-{shard}-of-{shards}.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        code=code_of("select_comparisons"),
        prompt=recipes.knob("prompt"),
        context=selections.context_flags,
        tokenizer=selections.tokenizer_flag,
    shell:
        "python scripts/select_comparisons.py"
        " --selected {input.selected}"
        " --comparisons {input.comparisons}"
        " --replies {input.replies}"
        " --prompt-name {params.prompt}"
        " --summary-prompt {input.prompt}"
        " {params.context}"
        " {params.tokenizer}"
        " --output {output.rows}"
        " --places {output.places}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


use rule ask_model as generate_selection_summaries with:
    """A model sums up how a comparison came to its choice: several candidates of each."""
    wildcard_constraints:
        recipe=recipes.pattern_of("genselect"),
    input:
        **recipes.model_inputs("generate_selection_summaries"),
        rows="results/{run}/{recipe}/traces/shard-{shard}-of-{shards}.jsonl",
        places="results/{run}/{recipe}/traces/shard-{shard}-of-{shards}.places",
        prompts="results/{run}/prompts/summarize_selection.yaml",
    output:
        replies="results/{run}/{recipe}/replies/generate_selection_summaries/part-{part}-of-{parts}/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/generate_selection_summaries/part-{part}-of-{parts}/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/generate_selection_summaries/part-{part}-of-{parts}/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/generate_selection_summaries/part-{part}-of-{parts}/shard-{shard}-of-{shards}.tsv"
    resources:
        **recipes.resources("generate_selection_summaries"),
    conda:
        recipes.conda_env("generate_selection_summaries")
    params:
        **recipes.asked("generate_selection_summaries"),
        part=recipes.candidates,


rule merge_selection_summaries:
    """Each comparison with the longest of its summaries that chooses the same candidate."""
    localrule: True
    wildcard_constraints:
        recipe=recipes.pattern_of("genselect"),
    input:
        traces="results/{run}/{recipe}/traces/shard-{shard}-of-{shards}.jsonl",
        summaries=selections.summaries,
    output:
        rows="results/{run}/{recipe}/summarized/shard-{shard}-of-{shards}.jsonl",
        dropped="results/{run}/{recipe}/dropped/merge_selection_summaries/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/merge_selection_summaries/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/merge_selection_summaries/shard-{shard}-of-{shards}.log",
    conda:
        "../envs/workflow.yaml"
    params:
        code=code_of("merge_selection_summaries"),
        candidates=recipes.knob("summaries", "candidates"),
    shell:
        "python scripts/merge_selection_summaries.py"
        " --traces {input.traces}"
        " --summaries {input.summaries}"
        " --candidates {params.candidates}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


rule prepare_selections:
    """Training rows in the published form: the prompt with its candidates, and the summary of the comparison."""
    wildcard_constraints:
        recipe=recipes.pattern_of("genselect"),
    input:
        problems="results/{run}/decontaminated.jsonl",
        comparisons="results/{run}/{recipe}/comparisons/shard-{shard}-of-{shards}.jsonl",
        summarized="results/{run}/{recipe}/summarized/shard-{shard}-of-{shards}.jsonl",
        prompt=recipes.prompt,
        pass_rates=rounds.product_rates,
    output:
        rows=directory("results/{run}/{recipe}/sft/shard-{shard}-of-{shards}"),
        figures="results/{run}/{recipe}/figures/shard-{shard}-of-{shards}.json",
        dropped="results/{run}/{recipe}/dropped/prepare_selections/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/prepare_selections/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/prepare_selections/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/prepare_selections/shard-{shard}-of-{shards}.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        code=code_of("prepare_selections"),
        model=selections.summary_model,
        pass_rates=rounds.product_flags,
        measure=rounds.published_measure,
        texts=lambda wildcards: products.text_columns,
    shell:
        "python scripts/prepare_selections.py"
        " --problems {input.problems}"
        " --shard {wildcards.shard}"
        " --shards {wildcards.shards}"
        " --comparisons {input.comparisons}"
        " --summarized {input.summarized}"
        " --prompt {input.prompt}"
        " --summary-model {params.model:q}"
        " {params.pass_rates}"
        " {params.measure}"
        " {params.texts}"
        " --output {output.rows}"
        " --figures {output.figures}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"
