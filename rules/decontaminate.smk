"""Problems minus those that a benchmark contains.

benchmarks (hub datasets or files) -> results/downloads/benchmarks/{benchmark}.jsonl
deduplicated.jsonl + benchmarks -> contamination/canaries.jsonl            (planted copies: they measure the nets)
-> contamination/{exact,ngrams,tfidf,embeddings}.jsonl               (what each net finds)
-> contamination/pairs.jsonl -> replies/check_contamination/         (the model, in both orders)
-> contamination/clean.jsonl, contamination/report.json
-> decontaminated.jsonl                                              (the same rows, if they may be solved: `gates` holds)
"""

BENCHMARK_FILES = expand("results/downloads/benchmarks/{benchmark}.jsonl", benchmark=settings.benchmarks)
NETS = config["decontaminate"]["nets"]


rule prepare_benchmark:
    """The problems of one benchmark; no rows, or no such column, is an error."""
    localrule: True
    input:
        lambda wildcards: settings.benchmarks[wildcards.benchmark].get("path", []),
    output:
        "results/downloads/benchmarks/{benchmark}.jsonl",
    log:
        "results/downloads/benchmarks/{benchmark}.log",
    params:
        source=lambda wildcards: settings.benchmark_flags(wildcards.benchmark),
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/prepare_benchmark.py"
        " --name {wildcards.benchmark}"
        " {params.source}"
        " --cache-dir results/downloads/hub"
        " --output {output}"
        " 2>&1 | tee {log}"


rule plant_canaries:
    """Verbatim, paraphrased and renumbered copies of benchmark problems."""
    localrule: True
    input:
        benchmarks=BENCHMARK_FILES,
    output:
        "results/{run}/contamination/canaries.jsonl",
    log:
        "results/{run}/logs/plant_canaries.log",
    params:
        code=code_of("plant_canaries"),
        per_benchmark=config["decontaminate"]["canaries"]["per_benchmark"],
        seed=config["decontaminate"]["canaries"]["seed"],
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/plant_canaries.py"
        " --benchmarks {input.benchmarks}"
        " --per-benchmark {params.per_benchmark}"
        " --seed {params.seed}"
        " --output {output}"
        " 2>&1 | tee {log}"


rule search_lexical:
    """Problems that resemble a benchmark problem by their letters: equal, shared word runs, shared character runs."""
    input:
        problems="results/{run}/deduplicated.jsonl",
        canaries="results/{run}/contamination/canaries.jsonl",
        benchmarks=BENCHMARK_FILES,
    output:
        "results/{run}/contamination/{net}.jsonl",
    log:
        "results/{run}/logs/search_lexical/{net}.log",
    benchmark:
        "results/{run}/benchmarks/search_lexical/{net}.tsv"
    params:
        code=code_of("search_lexical"),
        knobs=lambda wildcards: settings.net_flags(wildcards.net),
    wildcard_constraints:
        net="exact|ngrams|tfidf",
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/search_lexical.py"
        " --net {wildcards.net}"
        " --problems {input.problems}"
        " --canaries {input.canaries}"
        " --benchmarks {input.benchmarks}"
        " {params.knobs}"
        " --output {output}"
        " 2>&1 | tee {log}"


rule search_embeddings:
    """Problems that resemble a benchmark problem by their meaning."""
    input:
        problems="results/{run}/deduplicated.jsonl",
        canaries="results/{run}/contamination/canaries.jsonl",
        benchmarks=BENCHMARK_FILES,
        model=embedding_input(config, settings.embedding_manifest),
    output:
        "results/{run}/contamination/embeddings.jsonl",
    log:
        "results/{run}/logs/search_embeddings.log",
    benchmark:
        "results/{run}/benchmarks/search_embeddings.tsv"
    params:
        model=config["decontaminate"]["embeddings"]["model"],
        folder=lambda wildcards, input: settings.embedding_folder,
        knobs=settings.net_flags("embeddings"),
        batch_size=config["decontaminate"]["embeddings"]["batch_size"],
        python=config["decontaminate"]["embeddings"]["python"],
    threads: 8
    resources:
        **settings.slurm_of_gpu_jobs,
        gpu=config["decontaminate"]["embeddings"]["gpus"],
        nodes=1,
    conda:
        "../envs/embeddings.yaml"
    shell:
        "{params.python} scripts/search_embeddings.py"
        " --problems {input.problems}"
        " --canaries {input.canaries}"
        " --benchmarks {input.benchmarks}"
        " --model {params.folder:q}"
        " {params.knobs}"
        " --batch-size {params.batch_size}"
        " --output {output}"
        " 2>&1 | tee {log}"


rule pair_candidates:
    """The pairs that the model must judge, each in both orders; the closest matches need no judge."""
    localrule: True
    input:
        problems="results/{run}/deduplicated.jsonl",
        canaries="results/{run}/contamination/canaries.jsonl",
        benchmarks=BENCHMARK_FILES,
        matches=expand("results/{{run}}/contamination/{net}.jsonl", net=NETS),
    output:
        pairs="results/{run}/contamination/pairs.jsonl",
        decisive="results/{run}/contamination/decisive.jsonl",
    log:
        "results/{run}/logs/pair_candidates.log",
    params:
        code=code_of("pair_candidates"),
        matches=lambda wildcards, input: [f"{net}={path}" for net, path in zip(NETS, input.matches)],
        decisive=settings.decisive_flags,
        max_pairs=config["decontaminate"]["max_pairs_per_problem"],
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/pair_candidates.py"
        " --problems {input.problems}"
        " --canaries {input.canaries}"
        " --benchmarks {input.benchmarks}"
        " --matches {params.matches}"
        " {params.decisive}"
        " --max-pairs {params.max_pairs}"
        " --output {output.pairs}"
        " --decisive-output {output.decisive}"
        " 2>&1 | tee {log}"


use rule ask_model as check_contamination with:
    """A model says whether a problem and a benchmark problem that resembles it are the same."""
    input:
        **settings.model_inputs("check_contamination"),
        rows="results/{run}/contamination/pairs.jsonl",
        prompts="results/{run}/prompts/check_contamination.yaml",
    output:
        replies="results/{run}/replies/check_contamination/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/counts/check_contamination/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/logs/check_contamination/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/benchmarks/check_contamination/shard-{shard}-of-{shards}.tsv"
    resources:
        **settings.resources("check_contamination"),
    conda:
        settings.conda_env("check_contamination")
    params:
        **settings.asked("check_contamination"),


rule decontaminate:
    """The problems that are no benchmark problem, and what was found per benchmark and of the canaries."""
    localrule: True
    input:
        problems="results/{run}/deduplicated.jsonl",
        canaries="results/{run}/contamination/canaries.jsonl",
        benchmarks=BENCHMARK_FILES,
        matches=expand("results/{{run}}/contamination/{net}.jsonl", net=NETS),
        decisive="results/{run}/contamination/decisive.jsonl",
        pairs="results/{run}/contamination/pairs.jsonl",
        replies=expand(
            "results/{{run}}/replies/check_contamination/{shard}.jsonl", shard=settings.shards("check_contamination")
        ),
    output:
        rows=temp("results/{run}/contamination/clean.jsonl"),
        dropped="results/{run}/dropped/decontaminate.jsonl",
        counts="results/{run}/counts/decontaminate.json",
        report="results/{run}/contamination/report.json",
    log:
        "results/{run}/logs/decontaminate.log",
    params:
        code=code_of("decontaminate"),
        matches=lambda wildcards, input: [f"{net}={path}" for net, path in zip(NETS, input.matches)],
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/decontaminate.py"
        " --problems {input.problems}"
        " --canaries {input.canaries}"
        " --benchmarks {input.benchmarks}"
        " --matches {params.matches}"
        " --decisive {input.decisive}"
        " --pairs {input.pairs}"
        " --replies {input.replies}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " --report {output.report}"
        " 2>&1 | tee {log}"


rule check_problems:
    """The clean problems get their name if they may be solved: what `gates` bounds and is known by now is within it."""
    localrule: True
    input:
        rows="results/{run}/contamination/clean.jsonl",
        report="results/{run}/contamination/report.json",
        counts=settings.counts_before_solving,
        # May be younger than the rows, which keep their time of day: it would make them again, and all solutions.
        planted=ancient(settings.planted_report),
    output:
        "results/{run}/decontaminated.jsonl",
    log:
        "results/{run}/logs/check_problems.log",
    # The same figures would say the same.
    retries: 0
    # All solutions follow from what this makes. So neither bounds nor code are params, and its verdict is no file that
    # could be missed: another bound makes no solution again, and is tried when a run starts.
    resources:
        run_config=settings.config_file,
    params:
        planted=lambda wildcards, input: flags({"planted": str(input.planted) if input.planted else None}),
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/check_problems.py"
        " --problems {input.rows}"
        " --contamination {input.report}"
        " --counts {input.counts}"
        " {params.planted}"
        " --config {resources.run_config}"
        " --output {output}"
        " 2>&1 | tee {log}"
