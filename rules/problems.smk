"""Forum threads -> problems.

    threads (hub dataset or file) -> results/{run}/raw_aops_data.jsonl, origins.jsonl
    -> replies/extract_problems/  -> problems.jsonl

Each CPU stage also writes dropped/<stage>.jsonl and counts/<stage>.json.
"""


rule download_raw_data:
    """The hub dataset's parquet files, and a manifest that names them."""
    localrule: True
    output:
        manifest="results/downloads/raw_data/{dataset}--{hub_config}/manifest.json",
    log:
        "results/downloads/raw_data/{dataset}--{hub_config}/download_raw_data.log",
    params:
        dataset=config["raw_data"]["dataset"],
        subset=config["raw_data"]["subset"],
        split=config["raw_data"]["split"],
        revision=config["raw_data"]["revision"],
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/download_raw_data.py"
        " --dataset {params.dataset:q}"
        " --config {params.subset:q}"
        " --split {params.split:q}"
        " --revision {params.revision:q}"
        " --folder results/downloads/raw_data/{wildcards.dataset}--{wildcards.hub_config}"
        " --manifest {output.manifest}"
        " 2>&1 | tee {log}"


rule prepare_raw_data:
    """Forum threads as id, first post and discussion, without quoted text."""
    input:
        threads=settings.raw_data_input,
        tokenizer=settings.tokenizer_file(config["raw_data"]["tokenizer"]),
    output:
        rows="results/{run}/raw_aops_data.jsonl",
        origins="results/{run}/origins.jsonl",
        dropped="results/{run}/dropped/prepare_raw_data.jsonl",
        counts="results/{run}/counts/prepare_raw_data.json",
    log:
        "results/{run}/logs/prepare_raw_data.log",
    benchmark:
        "results/{run}/benchmarks/prepare_raw_data.tsv"
    threads: 16
    params:
        code=code_of("prepare_raw_data"),
        columns=settings.thread_flags,
        tokenizer=lambda wildcards, input: f"--tokenizer {input.tokenizer}" if input.tokenizer else "",
        max_discussion_tokens=config["raw_data"]["max_discussion_tokens"],
        limit="" if config["raw_data"]["limit"] is None else f"--limit {config['raw_data']['limit']}",
        max_bad_fraction=config["raw_data"]["max_bad_fraction"],
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/prepare_raw_data.py"
        " --input {input.threads:q}"
        " {params.columns}"
        " {params.tokenizer}"
        " --max-discussion-tokens {params.max_discussion_tokens}"
        " {params.limit}"
        " --max-bad-fraction {params.max_bad_fraction}"
        " --workers {threads}"
        " --output {output.rows}"
        " --origins {output.origins}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


use rule ask_model as extract_problems with:
    """A model states the problems that each thread asks, in whole sentences."""
    input:
        **settings.model_inputs("extract_problems"),
        rows="results/{run}/raw_aops_data.jsonl",
        prompts="results/{run}/prompts/extract_problems.yaml",
    output:
        replies="results/{run}/replies/extract_problems/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/counts/extract_problems/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/logs/extract_problems/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/benchmarks/extract_problems/shard-{shard}-of-{shards}.tsv"
    resources:
        **settings.resources("extract_problems"),
    conda:
        settings.conda_env("extract_problems")
    params:
        **settings.asked("extract_problems"),


rule parse_problems:
    """The problems that each thread's first post states."""
    localrule: True
    input:
        threads="results/{run}/raw_aops_data.jsonl",
        replies=expand(
            "results/{{run}}/replies/extract_problems/{shard}.jsonl", shard=settings.shards("extract_problems")
        ),
        prompt="results/{run}/prompts/extract_problems.yaml",
    output:
        rows="results/{run}/problems.jsonl",
        dropped="results/{run}/dropped/parse_problems.jsonl",
        counts="results/{run}/counts/parse_problems.json",
    log:
        "results/{run}/logs/parse_problems.log",
    params:
        code=code_of("parse_problems"),
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/parse_problems.py"
        " --threads {input.threads}"
        " --replies {input.replies}"
        " --prompt {input.prompt}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"
