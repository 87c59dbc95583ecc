"""Settings, wildcard constraints and the base rule of all model stages."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))
from omr.config.check import check_config, read_numbers
from omr.config.code import code_of
from omr.config.code_recipes import CodeRecipes
from omr.config.files import CONFIG_FILES, config_digest, config_of_job, expand_paths, extend_recipes, read_config
from omr.errors import told_as_sentence
from omr.config.kept import edition_of, texts_of
from omr.config.paths import check_paths
from omr.config.preparation import conda_env, download_manifest, embedding_input, hub_id, sharding
from omr.config.python import check_python
from omr.config.recipes import Recipes
from omr.models.resources import job_resources, resources_of
from omr.live.quiet_log import is_on_terminal, without_preamble
from omr.live.watch import RunWatch
from omr.runs import patient_slurm
from omr.runs.calm_scheduler import calm
from omr.runs.dry_run import when_planned
from omr.runs.ending import Ending
from omr.runs.planned import planned_jobs
from omr.runs.rule_names import check_rule_names
from omr.runs.start import Site, begin, look_ahead
from omr.servers.node_notes import BEGUN, note
from omr.config.settings import Settings, flags, put_own_python_first, run_of_targets
from omr.config.targets import check_folder, check_makeable, check_targets

put_own_python_first()

with told_as_sentence():
    check_python()

if is_on_terminal(logger) and not workflow.output_settings.dryrun and not workflow.output_settings.verbose:
    without_preamble(logger)

saved = config_of_job(sys.argv, os.environ)
if saved is not None:
    note(BEGUN)

with told_as_sentence():
    # Snakemake would name neither file nor line of a fault, and takes the last of two equal keys.
    read_config([*CONFIG_FILES, *(workflow.overwrite_configfiles if saved is None else ())])


configfile: "config/config.yaml"
configfile: "config/models.yaml"
configfile: "config/benchmarks.yaml"


# `snakemake results/demo/classified.jsonl` names its run: config/demo.yaml is laid over the defaults.
named_run = run_of_targets(sys.argv[1:])
if named_run != config["run"] and Path(f"config/{named_run}.yaml").exists():
    with told_as_sentence():
        read_config([*CONFIG_FILES, f"config/{named_run}.yaml"])

    configfile: f"config/{named_run}.yaml"


schema = Path(workflow.basedir) / "config" / "schema.yaml"

with told_as_sentence():
    if saved is not None:
        config.clear()
        config.update(read_config([saved]))
    read_numbers(config, schema)
    # Taken before paths are expanded, which a node may do otherwise.
    digest = Path(saved).stem if saved is not None else config_digest(config)
    expand_paths(config)
    extend_recipes(config)
    check_config(config, schema)
    settings = Settings(config, digest, workflow.resource_settings.default_resources)
    recipes = Recipes(settings)
    code_recipes = CodeRecipes(recipes)
    if saved is None:
        check_folder(settings)
        check_paths(settings, recipes)
        check_targets(sys.argv[1:], settings, recipes)
        check_rule_names(
            Path(workflow.basedir),
            set_resources=workflow.resource_settings.overwrite_resources,
            set_threads=workflow.resource_settings.overwrite_threads,
        )

if recipes.no_sandbox is not None:
    print(f"recipes with code are left out, since none can be run here: {recipes.no_sandbox}", file=sys.stderr)

if workflow.output_settings.dryrun:
    when_planned(logger, lambda: look_ahead(settings, recipes, planned_jobs(workflow.dag.needrun_jobs())))

watch = RunWatch(settings)
ending = Ending(f"results/{settings.run}", sys.argv, before=watch.end)


wildcard_constraints:
    run=settings.run.replace(".", r"\."),
    shard=r"\d{3}",
    shards=r"\d{3}",
    part=r"\d{2}",
    parts=r"\d{2}",
    recipe=recipes.pattern,
    # One seed, or the seeds that one job asks for: `04-to-07`.
    seed=r"\d{2}(-to-\d{2})?",
    repo="[^/]+",
    revision="[^/]+",
    model="[^/]+",
    benchmark="|".join(name.replace(".", r"\.") for name in settings.benchmarks),


rule ask_model:
    """Base of the model stages: one shard of rows x prompts x seeds -> raw replies. Other rules are made of it."""
    log:
        "results/{run}/logs/{stage}.log",
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/generate.py"
        " --stage {params.stage}"
        " --rows {input.rows}"
        " {params.branch}"
        " --prompt {input.prompts}"
        " {params.part}"
        " --config {resources.run_config}"
        " --model {params.model:q}"
        " --model-identity {params.identity:q}"
        " {params.files}"
        " --temperature {params.temperature}"
        " --top-p {params.top_p}"
        " --max-tokens {params.max_tokens}"
        " --sampling {params.sampling:q}"
        " {params.again}"
        " --output {output.replies}"
        " --counts {output.counts}"
        " --log {log}"
