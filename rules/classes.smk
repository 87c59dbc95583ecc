"""Problems, of threads or given -> classified, and those that go on, with their answers.

    results/{run}/problems.jsonl
    -> replies/classify_problems/  -> classified.jsonl
    -> replies/extract_answers/    -> answers.jsonl     (no proof, no multiple choice, no yes/no, valid)
    -> replies/convert_proofs/     -> converted.jsonl -> replies/classify_converted/ -> proofs.jsonl
    -> merged.jsonl

Given problems bring their answers along: nothing asks for answers.jsonl then. Each CPU stage also writes
dropped/<stage>.jsonl and counts/<stage>.json.
"""

CLASSES = ["classify_proof", "classify_mcq", "classify_binary", "classify_invalid"]


use rule ask_model as classify_problems with:
    """A model says of each problem, in four questions: proof? multiple choice? yes or no? not a problem at all?"""
    input:
        **settings.model_inputs("classify_problems"),
        rows="results/{run}/problems.jsonl",
        prompts=expand("results/{{run}}/prompts/{name}.yaml", name=CLASSES),
    output:
        replies="results/{run}/replies/classify_problems/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/counts/classify_problems/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/logs/classify_problems/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/benchmarks/classify_problems/shard-{shard}-of-{shards}.tsv"
    resources:
        **settings.resources("classify_problems"),
    conda:
        settings.conda_env("classify_problems")
    params:
        **settings.asked("classify_problems"),


rule parse_classes:
    """Whether each problem is a proof, multiple choice, yes/no, invalid; null where the reply cannot be read."""
    localrule: True
    input:
        problems="results/{run}/problems.jsonl",
        replies=expand(
            "results/{{run}}/replies/classify_problems/{shard}.jsonl", shard=settings.shards("classify_problems")
        ),
    output:
        rows="results/{run}/classified.jsonl",
        dropped="results/{run}/dropped/parse_classes.jsonl",
        counts="results/{run}/counts/parse_classes.json",
    log:
        "results/{run}/logs/parse_classes.log",
    params:
        code=code_of("parse_classes"),
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/parse_classes.py"
        " --problems {input.problems}"
        " --replies {input.replies}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


use rule ask_model as extract_answers with:
    """A model finds the final answer that each thread's discussion agrees on."""
    input:
        **settings.model_inputs("extract_answers"),
        rows="results/{run}/classified.jsonl",
        prompts="results/{run}/prompts/extract_answers.yaml",
    output:
        replies="results/{run}/replies/extract_answers/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/counts/extract_answers/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/logs/extract_answers/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/benchmarks/extract_answers/shard-{shard}-of-{shards}.tsv"
    resources:
        **settings.resources("extract_answers"),
    conda:
        settings.conda_env("extract_answers")
    params:
        **settings.asked("extract_answers") | {"branch": "--branch answers"},


rule parse_answers:
    """The answer that each problem's discussion agrees on, or null where it has none."""
    localrule: True
    input:
        classified="results/{run}/classified.jsonl",
        replies=expand(
            "results/{{run}}/replies/extract_answers/{shard}.jsonl", shard=settings.shards("extract_answers")
        ),
        prompt="results/{run}/prompts/extract_answers.yaml",
    output:
        rows="results/{run}/answers.jsonl",
        dropped="results/{run}/dropped/parse_answers.jsonl",
        counts="results/{run}/counts/parse_answers.json",
    log:
        "results/{run}/logs/parse_answers.log",
    params:
        code=code_of("parse_answers"),
        keep="--keep-foreign" if config["problems"]["keep_foreign_answers"] else "",
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/parse_answers.py"
        " --classified {input.classified}"
        " --replies {input.replies}"
        " --prompt {input.prompt}"
        " {params.keep}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


use rule ask_model as convert_proofs with:
    """A model restates proof problems as problems with an answer that can be checked."""
    input:
        **settings.model_inputs("convert_proofs"),
        rows="results/{run}/classified.jsonl",
        prompts="results/{run}/prompts/convert_proofs.yaml",
    output:
        replies="results/{run}/replies/convert_proofs/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/counts/convert_proofs/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/logs/convert_proofs/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/benchmarks/convert_proofs/shard-{shard}-of-{shards}.tsv"
    resources:
        **settings.resources("convert_proofs"),
    conda:
        settings.conda_env("convert_proofs")
    params:
        **settings.asked("convert_proofs") | {"branch": "--branch proofs"},


rule parse_conversions:
    """Proof problems restated as problems with a final answer that can be checked."""
    localrule: True
    input:
        classified="results/{run}/classified.jsonl",
        replies=expand("results/{{run}}/replies/convert_proofs/{shard}.jsonl", shard=settings.shards("convert_proofs")),
        prompt="results/{run}/prompts/convert_proofs.yaml",
    output:
        rows="results/{run}/converted.jsonl",
        dropped="results/{run}/dropped/parse_conversions.jsonl",
        counts="results/{run}/counts/parse_conversions.json",
    log:
        "results/{run}/logs/parse_conversions.log",
    params:
        code=code_of("parse_conversions"),
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/parse_conversions.py"
        " --classified {input.classified}"
        " --replies {input.replies}"
        " --prompt {input.prompt}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


use rule ask_model as classify_converted with:
    """The four questions of classify_problems about the restated problems."""
    input:
        **settings.model_inputs("classify_converted"),
        rows="results/{run}/converted.jsonl",
        prompts=expand("results/{{run}}/prompts/{name}.yaml", name=CLASSES),
    output:
        replies="results/{run}/replies/classify_converted/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/counts/classify_converted/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/logs/classify_converted/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/benchmarks/classify_converted/shard-{shard}-of-{shards}.tsv"
    resources:
        **settings.resources("classify_converted"),
    conda:
        settings.conda_env("classify_converted")
    params:
        **settings.asked("classify_converted"),


rule parse_proofs:
    """The converted problems that are, classified again, no proof, not multiple choice, not yes/no and valid."""
    localrule: True
    input:
        converted="results/{run}/converted.jsonl",
        replies=expand(
            "results/{{run}}/replies/classify_converted/{shard}.jsonl", shard=settings.shards("classify_converted")
        ),
    output:
        rows="results/{run}/proofs.jsonl",
        dropped="results/{run}/dropped/parse_proofs.jsonl",
        counts="results/{run}/counts/parse_proofs.json",
    log:
        "results/{run}/logs/parse_proofs.log",
    params:
        code=code_of("parse_proofs"),
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/parse_proofs.py"
        " --converted {input.converted}"
        " --replies {input.replies}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


rule merge_data:
    """Answered and converted problems in one file, each problem once."""
    localrule: True
    input:
        classified="results/{run}/classified.jsonl",
        answers=[] if settings.starts_from_problems else "results/{run}/answers.jsonl",
        proofs=["results/{run}/proofs.jsonl"] if config["problems"]["use_converted_proofs"] else [],
        origins=[] if settings.starts_from_problems else "results/{run}/origins.jsonl",
    output:
        rows="results/{run}/merged.jsonl",
        dropped="results/{run}/dropped/merge_data.jsonl",
        counts="results/{run}/counts/merge_data.json",
    log:
        "results/{run}/logs/merge_data.log",
    params:
        code=code_of("merge_data"),
        answers=lambda wildcards, input: f"--answers {input.answers}" if input.answers else "",
        proofs=lambda wildcards, input: f"--proofs {input.proofs}" if input.proofs else "",
        origins=lambda wildcards, input: f"--origins {input.origins}" if input.origins else "",
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/merge_data.py"
        " --classified {input.classified}"
        " {params.answers}"
        " {params.proofs}"
        " {params.origins}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"
