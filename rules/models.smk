"""Models, ready to be used: `snakemake models` prepares all that the run asks, and the one that embeds.

    hub -> {model_folder}/hub/{repo}/{revision}/manifest.json, files/         (prepare: download)
        -> {model_folder}/sharded/{model}/manifest.json, files/               (prepare: sharded_state)

                                              -> results/{run}/logs/try_server/{model}.log  (snakemake try_server)

Stages wait for the manifest of the model that they ask, if it is not there: where it lies is no reason to ask again. A job
never downloads while it holds GPUs.
"""


rule download_model:
    """A checkpoint from the hub, at one commit, with every file checked."""
    localrule: True
    output:
        manifest=f"{config['model_folder']}/hub/{{repo}}/{{revision}}/manifest.json",
    log:
        f"{config['model_folder']}/hub/{{repo}}/{{revision}}/download_model.log",
    params:
        model=lambda wildcards: hub_id(wildcards.repo),
        revision=lambda wildcards: hub_id(wildcards.revision),
        folder=f"{config['model_folder']}/hub/{{repo}}/{{revision}}/files",
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/download_model.py"
        " --model {params.model:q}"
        " --revision {params.revision:q}"
        " --folder {params.folder:q}"
        " --manifest {output.manifest:q}"
        " 2>&1 | tee {log:q}"


rule save_sharded_state:
    """A checkpoint with one set of files per GPU, which loads much faster; for one tensor parallel size."""
    input:
        checkpoint=lambda wildcards: download_manifest(config, settings.model_named(wildcards.model)),
    output:
        manifest=f"{config['model_folder']}/sharded/{{model}}/manifest.json",
    log:
        f"{config['model_folder']}/sharded/{{model}}/save_sharded_state.log",
    benchmark:
        f"{config['model_folder']}/sharded/{{model}}/save_sharded_state.tsv"
    resources:
        **resources_of(lambda wildcards: settings.model_named(wildcards.model), defaults=settings.default_resources),
        # Runs share models. As a param it would have another run save them again.
        run_config=settings.config_file,
    params:
        identity=lambda wildcards: settings.model_named(wildcards.model).identity,
        sharding=lambda wildcards: sharding(settings.model_named(wildcards.model)),
        checkpoint=lambda wildcards, input: flags({"model-manifest": input.checkpoint or None}),
        folder=f"{config['model_folder']}/sharded/{{model}}/files",
    conda:
        "../envs/vllm.yaml"
    shell:
        "python scripts/save_sharded_state.py"
        " --config {resources.run_config}"
        " --model {wildcards.model:q}"
        " {params.checkpoint}"
        " --folder {params.folder:q}"
        " --manifest {output.manifest:q}"
        " --log {log:q}"


rule models:
    """Every model that the run asks, downloaded and prepared."""
    localrule: True
    input:
        settings.manifests,
        recipes.manifests,


rule try_server:
    """One server of the model `--config model=...` in one job, asked one question: a page on what works and what not."""
    input:
        **settings.tried_inputs,
        prompt="prompts/solve_cot.yaml",
    log:
        f"results/{settings.run}/logs/try_server/{settings.tried_model.name}.log",
    resources:
        **job_resources(settings.tried_model),
        run_config=settings.config_file,
    params:
        model=settings.tried_model.name,
        files=lambda wildcards, input: flags(
            {"model-manifest": input.model or None, "tokenizer": input.tokenizer or None}
        ),
    conda:
        conda_env(config, settings.tried_model)
    # Another try finds the same, and may take an hour to do so.
    retries: 0
    shell:
        "python scripts/try_server.py"
        " --config {resources.run_config}"
        " --model {params.model:q}"
        " {params.files}"
        " --prompt {input.prompt}"
        " --page {log:q}"


rule download_tokenizer:
    """The tokenizer file of a hub model."""
    localrule: True
    output:
        "results/downloads/tokenizers/{tokenizer}.json",
    log:
        "results/downloads/tokenizers/{tokenizer}.log",
    params:
        source=lambda wildcards: settings.tokenizer_flags(wildcards.tokenizer),
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/download_tokenizer.py" " {params.source}" " --output {output}" " 2>&1 | tee {log}"
