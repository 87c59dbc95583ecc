"""Instructions planted into copies of rows: does a model do what a thread tells it?

raw_aops_data.jsonl, classified.jsonl -> planted/threads.jsonl, planted/problems.jsonl    (copies with an instruction)
-> replies/extract_planted_problems/, replies/extract_planted_answers/    (the same prompts and models as the real stages)
-> planted/report.json                                                    (how often each kind was obeyed)

No other rule reads the copies or the replies to them.
"""


rule plant_instructions:
    """Copies of a few threads and problems, each with an instruction in a post and a marker that tells if it was obeyed."""
    localrule: True
    input:
        threads="results/{run}/raw_aops_data.jsonl",
        classified="results/{run}/classified.jsonl",
        instructions="results/{run}/prompts/planted/instructions.yaml",
    output:
        threads="results/{run}/planted/threads.jsonl",
        problems="results/{run}/planted/problems.jsonl",
    log:
        "results/{run}/logs/plant_instructions.log",
    params:
        code=code_of("plant_instructions"),
        per_kind=config["planted"]["per_kind"],
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/plant_instructions.py"
        " --threads {input.threads}"
        " --classified {input.classified}"
        " --instructions {input.instructions}"
        " --per-kind {params.per_kind}"
        " --threads-output {output.threads}"
        " --problems-output {output.problems}"
        " 2>&1 | tee {log}"


# A request that a server refuses for what is planted in it is counted like the others, and stops no run.
use rule ask_model as extract_planted_problems with:
    """extract_problems for copies of threads with a planted instruction, to see whether the model obeys it."""
    input:
        **settings.model_inputs("extract_planted_problems"),
        rows="results/{run}/planted/threads.jsonl",
        prompts="results/{run}/prompts/extract_problems.yaml",
    output:
        replies="results/{run}/replies/extract_planted_problems/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/counts/extract_planted_problems/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/logs/extract_planted_problems/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/benchmarks/extract_planted_problems/shard-{shard}-of-{shards}.tsv"
    resources:
        **settings.resources("extract_planted_problems"),
    conda:
        settings.conda_env("extract_planted_problems")
    params:
        **settings.asked("extract_planted_problems") | {"again": "--max-failed-fraction 1"},


use rule ask_model as extract_planted_answers with:
    """extract_answers for copies of problems with a planted instruction, to see whether the model obeys it."""
    input:
        **settings.model_inputs("extract_planted_answers"),
        rows="results/{run}/planted/problems.jsonl",
        prompts="results/{run}/prompts/extract_answers.yaml",
    output:
        replies="results/{run}/replies/extract_planted_answers/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/counts/extract_planted_answers/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/logs/extract_planted_answers/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/benchmarks/extract_planted_answers/shard-{shard}-of-{shards}.tsv"
    resources:
        **settings.resources("extract_planted_answers"),
    conda:
        settings.conda_env("extract_planted_answers")
    params:
        **settings.asked("extract_planted_answers") | {"again": "--max-failed-fraction 1"},


rule measure_instructions:
    """How often each kind was obeyed, resisted, or made a reply that cannot be read."""
    localrule: True
    input:
        threads="results/{run}/planted/threads.jsonl",
        thread_replies=expand(
            "results/{{run}}/replies/extract_planted_problems/{shard}.jsonl",
            shard=settings.shards("extract_planted_problems"),
        ),
        thread_prompt="results/{run}/prompts/extract_problems.yaml",
        problems="results/{run}/planted/problems.jsonl",
        problem_replies=expand(
            "results/{{run}}/replies/extract_planted_answers/{shard}.jsonl",
            shard=settings.shards("extract_planted_answers"),
        ),
        problem_prompt="results/{run}/prompts/extract_answers.yaml",
    output:
        "results/{run}/planted/report.json",
    log:
        "results/{run}/logs/measure_instructions.log",
    params:
        code=code_of("measure_instructions"),
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/measure_instructions.py"
        " --threads {input.threads}"
        " --thread-replies {input.thread_replies}"
        " --thread-prompt {input.thread_prompt}"
        " --problems {input.problems}"
        " --problem-replies {input.problem_replies}"
        " --problem-prompt {input.problem_prompt}"
        " --report {output}"
        " 2>&1 | tee {log}"
