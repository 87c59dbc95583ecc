"""Judged solutions -> training rows -> a dataset folder -> the hub.

    results/{run}/decontaminated.jsonl, {recipe}/judged/shard-KKK-of-NNN.jsonl, {recipe}/solutions/seed-SS/shard-...,
    where a recipe runs code, {recipe}/cleaned/shard-... or {recipe}/selected/shard-...,
    and, where it has summaries, {recipe}/traces/shard-..., dropped/select_traces/shard-..., summarized/shard-...
    -> {recipe}/sft/shard-KKK-of-NNN/*.parquet              training rows, with their texts
    -> {recipe}/figures/shard-...                           their figures, which add up
    -> {recipe}/sft_lines/shard-...                         the same as JSON Lines, until they are joined
    -> {recipe}/sft.jsonl                                   all rows, for people: nothing else reads it
    -> {recipe}/dataset/                                    data/train-*.parquet (the same files) and README.md, the card
    -> dataset/                                             all recipes in one folder, with the published subsets
    -> {recipe}/publish_plan.txt                            what `snakemake publish` would send: `snakemake publish_plan`
    -> {recipe}/published.json                              the receipt of what was sent

prepare_sft also writes {recipe}/dropped/prepare_sft/shard-... and {recipe}/counts/prepare_sft/shard-....
"""

from omr.config.products import Products

with told_as_sentence():
    products = Products(settings, recipes)


rule prepare_sft:
    """The right, finished solutions of a shard, as training rows."""
    wildcard_constraints:
        recipe=recipes.pattern_of("cot", "tir"),
    input:
        problems="results/{run}/decontaminated.jsonl",
        judged="results/{run}/{recipe}/judged/shard-{shard}-of-{shards}.jsonl",
        solutions=recipes.solutions,
        kept=code_recipes.kept,
        traces=products.traces,
        summarized=products.summarized,
        untraced=products.untraced,
        prompt=recipes.prompt,
        row_prompt=code_recipes.row_prompt,
        tokenizer=products.tokenizer,
        pass_rates=rounds.product_rates,
    output:
        rows=directory("results/{run}/{recipe}/sft/shard-{shard}-of-{shards}"),
        figures="results/{run}/{recipe}/figures/shard-{shard}-of-{shards}.json",
        dropped="results/{run}/{recipe}/dropped/prepare_sft/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/prepare_sft/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/prepare_sft/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/prepare_sft/shard-{shard}-of-{shards}.tsv"
    params:
        code=code_of("prepare_sft"),
        mode=recipes.knob("mode"),
        code_rows=code_recipes.row_flags,
        code_files=code_recipes.row_files,
        summaries=products.summary_flags,
        summary_model=products.summary_model,
        bounds=products.bounds,
        tokenizer=products.tokenizer_flag,
        pass_rates=rounds.product_flags,
        measure=rounds.published_measure,
        verdicts="",
        texts=products.text_columns,
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/prepare_sft.py"
        " --problems {input.problems}"
        " --shard {wildcards.shard}"
        " --shards {wildcards.shards}"
        " --judged {input.judged}"
        " --solutions {input.solutions}"
        " --prompt {input.prompt}"
        " --mode {params.mode}"
        " {params.code_rows}"
        " {params.code_files}"
        " {params.summaries}"
        " {params.summary_model}"
        " {params.bounds}"
        " {params.tokenizer}"
        " {params.pass_rates}"
        " {params.measure}"
        " {params.verdicts}"
        " {params.texts}"
        " --output {output.rows}"
        " --figures {output.figures}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


rule write_lines:
    """The training rows of a shard as JSON Lines."""
    input:
        rows="results/{run}/{recipe}/sft/shard-{shard}-of-{shards}",
    output:
        # All of it is in sft.jsonl.
        temp("results/{run}/{recipe}/sft_lines/shard-{shard}-of-{shards}.jsonl"),
    log:
        "results/{run}/{recipe}/logs/write_lines/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/write_lines/shard-{shard}-of-{shards}.tsv"
    params:
        code=code_of("write_lines"),
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/write_lines.py" " --rows {input.rows}" " --output {output}" " 2>&1 | tee {log}"


rule join_sft:
    """All training rows of a recipe in one file, shard after shard: copied, not read."""
    input:
        parts=products.lines,
    output:
        "results/{run}/{recipe}/sft.jsonl",
    log:
        "results/{run}/{recipe}/logs/join_sft.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/join_sft.tsv"
    params:
        code=code_of("join_sft"),
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/join_sft.py" " --parts {input.parts}" " --output {output}" " 2>&1 | tee {log}"


rule write_dataset:
    """The folder that `datasets.load_dataset` takes, with a card whose figures are this run's."""
    localrule: True
    input:
        rows=products.shards,
        figures=products.figures,
        stages="results/{run}/{recipe}/stages.json",
        contamination="results/{run}/contamination/report.json",
        planted=settings.planted_report,
        prompts=products.prompts,
    output:
        directory("results/{run}/{recipe}/dataset"),
    log:
        "results/{run}/{recipe}/logs/write_dataset.log",
    params:
        code=code_of("write_dataset"),
        models=products.models,
        authored=products.authored,
        license=products.card_license,
        gates=products.gates,
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/write_dataset.py"
        " --shards {input.rows}"
        " --figures {input.figures}"
        " --title {wildcards.run}-{wildcards.recipe}"
        " {params.license}"
        " --stages {input.stages}"
        " --contamination {input.contamination}"
        " {params.gates}"
        " --models {params.models:q}"
        " {params.authored}"
        " --prompts {input.prompts}"
        " --output {output}"
        " 2>&1 | tee {log}"


rule join_datasets:
    """The datasets of all recipes as one, with the subsets of the published one, and the problems without solutions."""
    input:
        datasets=products.datasets,
        figures=products.all_figures,
        problems="results/{run}/decontaminated.jsonl",
    output:
        directory("results/{run}/dataset"),
    log:
        "results/{run}/logs/join_datasets.log",
    benchmark:
        "results/{run}/benchmarks/join_datasets.tsv"
    params:
        code=code_of("join_datasets"),
        subsets=products.subsets,
        authored=products.all_authored,
        license=products.card_license,
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/join_datasets.py"
        " --datasets {params.subsets:q}"
        " --figures {input.figures}"
        " --problems {input.problems}"
        " --title {wildcards.run}"
        " {params.license}"
        " {params.authored}"
        " --output {output}"
        " 2>&1 | tee {log}"


rule plan_publishing:
    """What would be sent to the hub: repository, files, the head of the card. Sends nothing, needs no token."""
    localrule: True
    input:
        dataset="results/{run}/{recipe}/dataset",
    output:
        "results/{run}/{recipe}/publish_plan.txt",
    log:
        "results/{run}/{recipe}/logs/plan_publishing.log",
    params:
        code=code_of("publish_dataset"),
        repo=products.repo_flags,
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/publish_dataset.py"
        " --dataset {input.dataset}"
        " {params.repo}"
        " --dry-run"
        " --output {output}"
        " > {log} 2>&1"


rule publish_dataset:
    """One commit on the hub that holds the dataset. The token stays in the environment."""
    localrule: True
    input:
        dataset="results/{run}/{recipe}/dataset",
    output:
        "results/{run}/{recipe}/published.json",
    log:
        "results/{run}/{recipe}/logs/publish_dataset.log",
    params:
        code=code_of("publish_dataset"),
        repo=products.repo_flags,
        token_env=config["publish"]["token_env"],
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/publish_dataset.py"
        " --dataset {input.dataset}"
        " {params.repo}"
        " --token-env {params.token_env}"
        " --output {output}"
        " 2>&1 | tee {log}"


rule publish_plan:
    """Print what `snakemake publish` would send."""
    localrule: True
    input:
        expand(f"results/{settings.run}/{{recipe}}/publish_plan.txt", recipe=recipes.to_run),
    log:
        f"results/{settings.run}/logs/publish_plan.log",
    conda:
        "../envs/workflow.yaml"
    shell:
        "cat {input} 2> {log}"


rule publish:
    """Push the datasets of the recipes to the hub."""
    localrule: True
    input:
        products.published,
