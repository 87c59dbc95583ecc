"""Problems that are there already, instead of threads.

    problems (hub dataset, file or folder) -> results/{run}/merged.jsonl
    with `classify`                        -> results/{run}/problems.jsonl, for rules/classes.smk

Writes dropped/read_problems.jsonl and counts/read_problems.json as well.
"""


rule download_problems:
    """The hub dataset's parquet files, and a manifest that names them."""
    localrule: True
    output:
        manifest="results/downloads/problems/{dataset}--{hub_config}/manifest.json",
    log:
        "results/downloads/problems/{dataset}--{hub_config}/download_problems.log",
    params:
        dataset=config["problems_from"]["dataset"],
        subset=config["problems_from"]["subset"],
        split=config["problems_from"]["split"],
        revision=config["problems_from"]["revision"],
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/download_raw_data.py"
        " --dataset {params.dataset:q}"
        " --config {params.subset:q}"
        " --split {params.split:q}"
        " --revision {params.revision:q}"
        " --folder results/downloads/problems/{wildcards.dataset}--{wildcards.hub_config}"
        " --manifest {output.manifest}"
        " 2>&1 | tee {log}"


rule read_problems:
    """The given problems with their answers, each problem once; none without types that can be checked."""
    localrule: True
    input:
        problems=settings.problems_input,
    output:
        rows=f"results/{{run}}/{'problems' if settings.classifies else 'merged'}.jsonl",
        dropped="results/{run}/dropped/read_problems.jsonl",
        counts="results/{run}/counts/read_problems.json",
    log:
        "results/{run}/logs/read_problems.log",
    benchmark:
        "results/{run}/benchmarks/read_problems.tsv"
    params:
        code=code_of("read_problems"),
        read=settings.problem_flags,
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/read_problems.py"
        " --input {input.problems:q}"
        " {params.read}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"
