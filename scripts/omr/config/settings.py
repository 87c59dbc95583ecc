"""What the Snakefile asks of the config: the files of a stage, the knobs of a rule, the resources of a model.

Imported while Snakemake reads the workflow, so it imports nothing heavy.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import orjson

from omr.config.files import SAVED, config_digest
from omr.config.kept import kept_texts
from omr.config.preparation import conda_env, hub_folder, hub_id, hub_slug, model_input, served_manifest
from omr.errors import UserError
from omr.files.tables import data_files
from omr.models.model import CHECKPOINT_SERVERS, ModelSpec, is_local_path, model_spec
from omr.models.resources import resources_of
from omr.models.slurm_options import slurm_options
from omr.servers.launch import parallel_sizes

#: Where each model stage's settings stand in config.
_SECTIONS = {"check_contamination": "decontaminate"}
#: Model stages that ask copies of rows with planted instructions, by the stages that they measure.
REAL_STAGES = {"extract_planted_problems": "extract_problems", "extract_planted_answers": "extract_answers"}
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_RUN_IN_TARGET = re.compile(r"^results/(?P<folder>[^/]+)/.|[:,]run=(?P<wildcard>[^,]+)")
#: A folder of results/ that belongs to no run.
DOWNLOADS = "downloads"


def run_of_targets(arguments: Iterable[str]) -> str | None:
    """The one run that a command line's targets lie in, or None: `results/demo/classified.jsonl` names `demo`.

    Cluster jobs get their targets as `rule:run=demo,...`.
    """
    found = (match for argument in arguments for match in _RUN_IN_TARGET.finditer(argument))
    runs = {match.group("folder") or match.group("wildcard") for match in found} - {DOWNLOADS}
    return runs.pop() if len(runs) == 1 else None


def put_own_python_first() -> None:
    """Let the `python` that rules call be the one that runs Snakemake, whether its environment is activated or not.

    An environment that Snakemake makes for a rule (`--sdm conda`) still comes before it.
    """
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


class Settings:
    """The validated config, read by purpose. Raises UserError for what a schema cannot see.

    `digest` stands for the config as users wrote it, see `config_digest`; by default it is of `config` itself. Jobs
    find the config in `config_file`: no other one can take its place there. `default_resources` are Snakemake's, of the
    profile and the command line.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        digest: str | None = None,
        default_resources: Mapping[str, Any] | None = None,
    ) -> None:
        self.config, self.default_resources = config, default_resources
        self.run: str = config["run"]
        if self.run == DOWNLOADS:
            what = f"{self.run!r} cannot be the name of a run: results/{DOWNLOADS}/ is for what all runs download"
            raise UserError(what, remedy="give `run` another name")
        if not _NAME.fullmatch(self.run):
            raise UserError(f"{self.run!r} cannot be the name of a run", remedy="use a-z, 0-9, `_`, `.`, `-` for `run`")
        self.config_file = f"results/{self.run}/{SAVED}/{digest or config_digest(config)}.json"
        self._check_benchmarks()
        self._check_models()
        self._check_planted()
        given = self.given
        if given["path"] is not None and given["dataset"] is not None:
            what = "`problems_from` names both a `path` and a `dataset`"
            raise UserError(what, remedy="set the one that is not meant to null")
        if given.get("columns", {}).get("solution") is not None and not given["classify"]:
            what = "`problems_from.columns.solution` is set, but only proofs that are restated need one"
            raise UserError(what, remedy="set `problems_from.classify` to true, or the column to null")

    @property
    def given(self) -> Mapping[str, Any]:
        """`problems_from`; a run that was saved before there was such a key has none."""
        section: Mapping[str, Any] = self.config.get("problems_from") or {"path": None, "dataset": None}
        return section

    def _check_models(self) -> None:
        """Better now than in a job that has waited for its GPUs."""
        tried, models = self.config.get("model"), self.config.get("models") or {}
        if tried is not None and tried not in models:
            what = f"the model {tried!r} is not in config (known: {', '.join(sorted(models)) or 'none'})"
            near = get_close_matches(str(tried), models, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise UserError(what, remedy=f"{hint}`--config model=...` names one of these")
        for name in self.config.get("models") or {}:
            spec = model_spec(self.config, name)
            if spec.server not in CHECKPOINT_SERVERS:
                continue
            parallel_sizes(spec)
            if not spec.is_local and Path(spec.path).is_dir():
                what = f"the path {spec.path} of the model {name!r} is a folder here, but reads like a hub id"
                raise UserError(what, remedy=f"write ./{spec.path}, or run elsewhere if the hub is meant")

    def _check_planted(self) -> None:
        if (
            self.config.get("gates", {}).get("obeyed_instructions") is not None
            and not self.config["planted"]["per_kind"]
        ):
            what = "`gates.obeyed_instructions` is set, but `planted.per_kind` is 0: nothing would be measured"
            raise UserError(what, remedy="plant some, or set the bound to null")

    @property
    def plants_instructions(self) -> bool:
        """Whether a run measures how often its models obey instructions in threads."""
        return bool(self.config["planted"]["per_kind"]) and not self.starts_from_problems

    @property
    def planted_report(self) -> list[str]:
        """What that measure found, as a list of inputs: empty where it is switched off."""
        return [f"results/{self.run}/planted/report.json"] if self.plants_instructions else []

    @property
    def counts_before_solving(self) -> list[str]:
        """Counts by which problems are refused before they are solved: of the search for reposts, of classifiers."""
        stages = ["deduplicate"]
        if self.classifies:
            stages.append("parse_classes")
            stages += ["parse_proofs"] if self.config["problems"]["use_converted_proofs"] else []
        return [f"results/{self.run}/counts/{stage}.json" for stage in stages]

    @property
    def has_budget(self) -> bool:
        """Whether a run must be estimated before it starts."""
        return any(limit is not None for limit in self.config["budget"].values())

    # ---- inputs ------------------------------------------------------------------------------------------------

    @property
    def raw_data_input(self) -> list[str]:
        """The files of raw threads, or the manifest of the downloaded dataset."""
        raw = self.config["raw_data"]
        if raw["path"] is not None:
            path = Path(raw["path"])
            return [str(file) for file in data_files(path)] if path.is_dir() else [str(path)]
        return [f"results/{DOWNLOADS}/raw_data/{hub_slug(raw['dataset'])}--{raw['subset']}/manifest.json"]

    @property
    def thread_flags(self) -> str:
        """Which columns hold a thread, and what becomes of it, as flags of prepare_raw_data.py."""
        raw = self.config["raw_data"]
        # The config of an older run has none of these.
        answers = {f"answer_{field}": name for field, name in raw.get("answer_columns", {}).items()}
        told = {"kind": raw.get("kind"), "license_of_all": raw.get("license")}
        strip = " --strip-names" if raw.get("strip_names") else ""
        return flags({**raw["columns"], **told, **(answers if raw.get("kind") == "stackexchange" else {})}) + strip

    @property
    def starts_from_problems(self) -> bool:
        """Whether problems are given, so that there are no threads."""
        given = self.given
        return given["path"] is not None or given["dataset"] is not None

    @property
    def classifies(self) -> bool:
        """Whether a model says of each problem what kind it is: of those of threads always, of given ones if asked."""
        # The config of an older run has no such key.
        return not self.starts_from_problems or bool(self.given.get("classify"))

    @property
    def merging_stage(self) -> str:
        """The stage that makes merged.jsonl."""
        return "merge_data" if self.classifies else "read_problems"

    @property
    def problems_input(self) -> list[str]:
        """The files of given problems, or the manifest of the downloaded dataset. Raises UserError if there is none."""
        given = self.given
        if given["path"] is not None:
            return [str(file) for file in data_files(Path(given["path"]))]
        return [f"results/{DOWNLOADS}/problems/{hub_slug(given['dataset'])}--{given['subset']}/manifest.json"]

    @property
    def problem_flags(self) -> str:
        """What of given problems is read, as flags of read_problems.py."""
        given = self.given
        read = flags({**given["columns"], "limit": given["limit"], "max_bad_fraction": given["max_bad_fraction"]})
        return f"{read} --to-classify" if self.classifies else read

    def tokenizer_file(self, name: str | None) -> list[str]:
        """The tokenizer.json for a hub id or a path, as a list of inputs: empty for None."""
        if name is None:
            return []
        return [name if name.endswith(".json") else f"results/{DOWNLOADS}/tokenizers/{hub_slug(name)}.json"]

    def tokenizer_flags(self, slug: str) -> str:
        """Which tokenizer is fetched for a file of `tokenizer_file`, as flags of download_tokenizer.py.

        Where a model of that name is pinned in config, it is the one of the same commit.
        """
        models = self.config["models"].values()
        pinned = (model.get("revision") for model in models if hub_slug(model["path"]) == slug)
        return flags({"model": hub_id(slug), "revision": next(filter(None, pinned), None)})

    @property
    def benchmarks(self) -> dict[str, dict[str, Any]]:
        """Benchmark name -> its entry in config, in the order of config."""
        return {entry["name"]: entry for entry in self.config["benchmarks"]}

    def _check_benchmarks(self) -> None:
        entries = self.config["benchmarks"]
        if not entries:
            raise UserError("`benchmarks` is empty", remedy="name at least one benchmark to decontaminate against")
        if len(self.benchmarks) < len(entries):
            raise UserError("two benchmarks have the same name", remedy="rename one under `benchmarks`")
        for entry in entries:
            if ("path" in entry) == ("dataset" in entry):
                what = f"the benchmark {entry['name']!r} needs either `path` or `dataset`"
                raise UserError(what, remedy="see `benchmarks` in config/README.md")

    def benchmark_flags(self, name: str) -> str:
        """Where a benchmark's problems come from, as flags of prepare_benchmark.py."""
        entry = self.benchmarks[name]
        return flags(
            {key: entry.get(key) for key in ("path", "dataset", "config", "split", "revision", "rows", "column")}
        )

    def net_flags(self, net: str) -> str:
        """The knobs of a decontamination net that change what it finds, as flags of its script."""
        settings = self.config["decontaminate"][net]
        names = {"words": "ngram-words"}
        shown = ("min_words", "words", "top_k", "min_score", "revision", "dtype")
        return flags({names.get(key, key): settings.get(key) for key in shown})

    @property
    def embedding_folder(self) -> str:
        """The folder of the model of the net of embeddings: what config says, or where it is downloaded to."""
        net = self.config["decontaminate"]["embeddings"]
        return net["model"] if is_local_path(net["model"]) else f"{self._embedding_folder}/files"

    @property
    def embedding_manifest(self) -> list[str]:
        """The manifest of that model's download, as a list of inputs: empty for a folder of the user's."""
        is_local = is_local_path(self.config["decontaminate"]["embeddings"]["model"])
        return [] if is_local else [f"{self._embedding_folder}/manifest.json"]

    @property
    def _embedding_folder(self) -> str:
        net = self.config["decontaminate"]["embeddings"]
        return hub_folder(self.config, net["model"], net["revision"])

    @property
    def decisive_flags(self) -> str:
        """Which net's match may need no model, and from how many words on, as flags of pair_candidates.py."""
        section = self.config["decontaminate"]
        if "exact" not in section["nets"]:
            return ""
        return f"--decisive exact=1.0 --decisive-words {section['exact']['decisive_words']}"

    # ---- model stages ------------------------------------------------------------------------------------------

    def stage(self, name: str) -> Mapping[str, Any]:
        """The settings of a labelling stage; those of one that measures are what it measures has, in one job."""
        if name in REAL_STAGES:
            return {**self.stage(REAL_STAGES[name]), "shards": 1}
        section: Mapping[str, Any] = self.config[_SECTIONS.get(name, "problems")][name]
        return section

    def model(self, stage: str) -> ModelSpec:
        """The model that a labelling stage asks."""
        return model_spec(self.config, self.stage(stage)["model"] or self.config["labelling_model"])

    @property
    def tried_model(self) -> ModelSpec:
        """The model that `snakemake try_server` starts: `model` of config, or the one that labels."""
        return model_spec(self.config, self.config.get("model") or self.config["labelling_model"])

    def model_named(self, name: str) -> ModelSpec:
        """The entry of `models` in config."""
        return model_spec(self.config, name)

    def model_inputs(self, stage: str) -> dict[str, list[str]]:
        """The rule inputs with what a stage's model needs, see `inputs_for`."""
        return self.inputs_for(self.model(stage))

    def inputs_for(self, spec: ModelSpec, runs_code: bool = False) -> dict[str, list[str]]:
        """Rule inputs by name: a model's checkpoint, its tokenizer, copies of its chat template or authored replies."""
        found = {"model": model_input(self.config, spec), "texts": kept_texts(spec, runs_code)}
        return found | {"tokenizer": self.tokenizer_file(spec.tokenizer)}

    @property
    def tried_inputs(self) -> dict[str, list[str]]:
        """The same of `tried_model`, whose one job belongs to no run."""
        spec = self.tried_model
        return {"model": served_manifest(self.config, spec), "tokenizer": self.tokenizer_file(spec.tokenizer)}

    def conda_env(self, stage: str) -> str:
        """The environment of a model stage's jobs: with its model's server, if the job starts one."""
        return conda_env(self.config, self.model(stage))

    @property
    def manifests(self) -> list[str]:
        """The manifests of all models that the labelling stages ask, and of the one that embeds; each once."""
        found = [path for stage in self.asking_stages for path in served_manifest(self.config, self.model(stage))]
        embeds = "embeddings" in self.config["decontaminate"]["nets"]
        return list(dict.fromkeys([*found, *(self.embedding_manifest if embeds else [])]))

    def shards(self, stage: str) -> list[str]:
        """Names of a stage's shards: `shard-000-of-010`, ... The total is part of the name, so that another number
        of shards makes other files instead of mixing with these."""
        return shard_names(self.stage(stage)["shards"])

    def resources(self, stage: str) -> dict[str, Any]:
        """Rule resources of a model stage: what its model's server needs."""
        model = self.model(stage)
        return resources_of(lambda wildcards: model, defaults=self.default_resources) | {"run_config": self.config_file}

    @property
    def slurm_of_gpu_jobs(self) -> dict[str, str]:
        """Rule resources of a job with GPUs that asks no model: what `slurm` says of all that have some."""
        options = slurm_options(self.config.get("slurm") or {}, "`slurm`")
        if not self.config["decontaminate"]["embeddings"]["gpus"]:
            return {}
        extra = {"slurm_extra": " ".join(options.arguments)} if options.arguments else {}
        return options.resources | extra

    @property
    def asking_stages(self) -> list[str]:
        """The labelling stages that ask a model in this run."""
        if not self.classifies:
            return ["check_contamination"]
        stages = ["classify_problems", "check_contamination"]
        if not self.starts_from_problems:
            stages = ["extract_problems", "classify_problems", "extract_answers", "check_contamination"]
        proofs = ["convert_proofs", "classify_converted"] if self.config["problems"]["use_converted_proofs"] else []
        return stages + proofs + (list(REAL_STAGES) if self.plants_instructions else [])

    def all_replies(self) -> list[str]:
        """Every file of raw replies of the labelling stages: asked for by name, a deleted one is made again."""
        return [
            f"results/{self.run}/replies/{stage}/{shard}.jsonl"
            for stage in self.asking_stages
            for shard in self.shards(stage)
        ]

    @property
    def again(self) -> str:
        """How often requests of labelling stages are asked again if their replies cannot be read, as flags of
        generate.py."""
        section = self.config["unreadable"]
        return flags({"retries": section["retries"], "retry_temperature": section["temperature"]})

    def asked(self, stage: str) -> dict[str, Any]:
        """Rule params of a model stage: what determines its replies (a change re-runs it)."""
        settings, model = self.stage(stage), self.model(stage)
        return {
            "stage": stage,
            "model": model.name,
            "identity": model.fingerprint,
            "temperature": settings["temperature"],
            "top_p": settings["top_p"],
            "max_tokens": settings["max_tokens"],
            "files": lambda wildcards, input: model_flags(self.config, model, input),
            "branch": "",
            "again": self.again,
            "part": lambda wildcards: f"--shard {wildcards.shard} --shards {wildcards.shards}",
            "sampling": as_json(settings["sampling"]),
        }


def model_flags(config: Mapping[str, Any], spec: ModelSpec, input: Any) -> str:
    """A param of a rule that Snakemake does not compare: where generate.py finds its model's files and its own rows."""
    given = {"tokenizer": input.tokenizer, "model-texts": input.texts, "places": getattr(input, "places", None)}
    for manifest in served_manifest(config, spec):
        given |= {"model-manifest": manifest, "model-note": f"results/{config['run']}/models/{spec.name}.json"}
    return flags({name: str(path) for name, path in given.items() if path})


def as_json(value: Any) -> str:
    """A value of config on a command line: one text, whatever the order of its keys."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def flags(values: Mapping[str, Any]) -> str:
    """`--name value` for each value that is not None, quoted for a shell."""
    given = {key: value for key, value in values.items() if value is not None}
    return " ".join(f"--{key.replace('_', '-')} {shlex.quote(str(value))}" for key, value in given.items())


def shard_names(shards: int) -> list[str]:
    return [f"shard-{shard:03d}-of-{shards:03d}" for shard in range(shards)]
