"""Merged problems without reposts of one another.

merged.jsonl -> deduplicated.jsonl, duplicates/groups.jsonl, duplicates/report.json

Writes dropped/deduplicate.jsonl and counts/deduplicate.json as well.
"""


rule deduplicate:
    """The problems, each once: reposts in other words or another LaTeX are dropped, or marked."""
    input:
        problems="results/{run}/merged.jsonl",
        # Without them a file that somebody put in their place would be taken for the workflow's own.
        counts=f"results/{{run}}/counts/{settings.merging_stage}.json",
        threads=[] if settings.starts_from_problems else "results/{run}/origins.jsonl",
    output:
        rows="results/{run}/deduplicated.jsonl",
        dropped="results/{run}/dropped/deduplicate.jsonl",
        counts="results/{run}/counts/deduplicate.json",
        groups="results/{run}/duplicates/groups.jsonl",
        report="results/{run}/duplicates/report.json",
    log:
        "results/{run}/logs/deduplicate.log",
    benchmark:
        "results/{run}/benchmarks/deduplicate.tsv"
    params:
        code=code_of("deduplicate"),
        keep=config["duplicates"],
        threads=lambda wildcards, input: f"--threads {input.threads}" if input.threads else "",
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/deduplicate.py"
        " --problems {input.problems}"
        " {params.threads}"
        " --keep {params.keep}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " --groups {output.groups}"
        " --report {output.report}"
        " 2>&1 | tee {log}"
