"""What models are asked with, as a run keeps it: its jobs read copies, made when a command begins.

    prompts/{prompt}.yaml                  -> results/{run}/prompts/{prompt}.yaml
    a model's chat template, its authored replies
                                           -> results/{run}/model_texts/{model}/

What is edited while a command works is for the next one, which asks again what depends on it.
"""


rule keep_prompt:
    """A prompt as the jobs of a command read it: what is edited while they run is for the next command."""
    localrule: True
    input:
        # By its content, and not by its time: one that was edited and put back asks nothing again.
        ancient("prompts/{prompt}.yaml"),
    output:
        "results/{run}/prompts/{prompt}.yaml",
    log:
        "results/{run}/logs/keep_prompt/{prompt}.log",
    # All of them at the beginning, whenever their stages begin.
    priority: 100
    params:
        edition=lambda wildcards: edition_of([f"prompts/{wildcards.prompt}.yaml"]),
    conda:
        "../envs/workflow.yaml"
    shell:
        "cp {input:q} {output:q} 2>&1 | tee {log:q}"


rule keep_model_texts:
    """A model's chat template, or authored replies, as the jobs of a command read them; see keep_prompt."""
    localrule: True
    input:
        ancient(lambda wildcards: texts_of(settings.model_named(wildcards.model))),
    output:
        directory("results/{run}/model_texts/{model}"),
    log:
        "results/{run}/logs/keep_model_texts/{model}.log",
    priority: 100
    params:
        edition=lambda wildcards: edition_of(texts_of(settings.model_named(wildcards.model))),
    conda:
        "../envs/workflow.yaml"
    shell:
        "mkdir -p {output:q} && cp {input:q} {output:q} 2>&1 | tee {log:q}"
