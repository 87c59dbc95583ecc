"""Config: what the schema refuses, what the rules are told, and that schema, code and files agree."""

from __future__ import annotations

import copy
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from omr.config.check import check_config
from omr.config.files import (
    config_digest,
    expand_paths,
    merge,
    read_config,
    read_yaml,
    write_merged_config,
)
from omr.config.settings import Settings, run_of_targets
from omr.errors import UserError
from omr.models.model import ModelSpec, model_spec
from omr.servers.sites import ServerSite

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "config/schema.yaml"
BASE = [ROOT / "config" / name for name in ("config.yaml", "models.yaml", "benchmarks.yaml")]
OVERLAYS = sorted(set((ROOT / "config").glob("*.yaml")) - {*BASE, SCHEMA})


@pytest.fixture
def config() -> dict[str, Any]:
    return read_config([*BASE, ROOT / "config/demo.yaml"])


@pytest.mark.parametrize("overlay", [None, *OVERLAYS], ids=lambda path: path.name if path else "full")
def test_every_config_that_we_ship_is_valid_and_its_models_exist(overlay: Path | None) -> None:
    config = read_config([*BASE, *([overlay] if overlay else [])])
    check_config(config, SCHEMA)
    settings = Settings(config)
    for stage in ("extract_problems", "check_contamination"):
        assert settings.model(stage).name in config["models"]


def test_the_schema_knows_exactly_the_fields_of_a_model() -> None:
    in_schema = set(read_yaml(SCHEMA)["$defs"]["model"]["properties"])
    assert in_schema == {item.name for item in fields(ModelSpec)} - {"name"}


@pytest.mark.parametrize("kind", [ModelSpec, ServerSite])
def test_the_reference_explains_every_field_of_models_and_servers(kind: type) -> None:
    text = (ROOT / "config/README.md").read_text()
    assert [item.name for item in fields(kind) if item.name != "name" and f"`{item.name}`" not in text] == []


def test_the_schema_knows_exactly_the_fields_of_a_servers_site() -> None:
    in_schema = set(read_yaml(SCHEMA)["$defs"]["server_site"]["properties"])
    assert in_schema == {item.name for item in fields(ServerSite)}


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("runn",), 1, "unknown key 'runn'; did you mean 'run'?"),
        (("raw_data", "limits"), 5, "raw_data: unknown key 'limits'; did you mean 'limit'?"),
        (("raw_data", "limit"), "many", "raw_data.limit"),
        (("problems", "extract_problems", "shards"), 0, "problems.extract_problems.shards"),
        (("models", "authored-replies", "sever"), "x", "did you mean 'server'?"),
        (("decontaminate", "nets"), ["exact", "magic"], "decontaminate.nets"),
    ],
)
def test_a_faulty_config_is_an_error_that_names_the_key(
    config: dict[str, Any], path: tuple[str, ...], value: object, said: str
) -> None:
    place = config
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(UserError) as caught:
        check_config(config, SCHEMA)
    assert said in str(caught.value)
    assert "remedy:" in str(caught.value)


def test_planted_copies_are_asked_about_as_their_stage_asks_but_in_one_job(config: dict[str, Any]) -> None:
    config["problems"]["extract_problems"] |= {"shards": 7, "temperature": 0.3}
    asked = Settings(config).stage("extract_planted_problems")
    assert asked == config["problems"]["extract_problems"] | {"shards": 1}


def test_without_planted_instructions_nobody_asks_about_them_and_no_bound_can_be_set(config: dict[str, Any]) -> None:
    planted = {"extract_planted_problems", "extract_planted_answers"}
    assert planted <= set(Settings(config).asking_stages)
    assert Settings(config).planted_report == ["results/demo/planted/report.json"]
    config["problems_from"]["path"] = "problems.jsonl"  # there are no threads
    assert not planted & set(Settings(config).asking_stages)
    assert Settings(config).planted_report == []
    config["problems_from"]["path"] = None
    config["planted"]["per_kind"] = 0
    assert not planted & set(Settings(config).asking_stages)
    assert Settings(config).planted_report == []
    config["gates"]["obeyed_instructions"] = 0.1
    with pytest.raises(UserError, match="nothing would be measured"):
        Settings(config)


def test_given_problems_are_classified_only_where_config_says_so(config: dict[str, Any]) -> None:
    assert (Settings(config).classifies, Settings(config).merging_stage) == (True, "merge_data")
    config["problems_from"]["path"] = "problems.jsonl"
    settings = Settings(config)
    assert (settings.classifies, settings.merging_stage) == (False, "read_problems")
    assert settings.asking_stages == ["check_contamination"]
    assert "--to-classify" not in settings.problem_flags
    config["problems_from"]["classify"] = True
    settings = Settings(config)
    assert settings.asking_stages == [
        "classify_problems",
        "check_contamination",
        "convert_proofs",
        "classify_converted",
    ]
    assert "--to-classify" in settings.problem_flags
    config["problems"]["use_converted_proofs"] = False
    assert Settings(config).asking_stages == ["classify_problems", "check_contamination"]
    del config["problems_from"]["classify"]  # the config of an older run
    assert not Settings(config).classifies


def test_a_column_with_solutions_is_refused_where_nothing_would_read_it(config: dict[str, Any]) -> None:
    config["problems_from"]["columns"]["solution"] = "proof"
    with pytest.raises(UserError, match=r"columns\.solution. is set, but only proofs that are restated need one"):
        Settings(config)
    config["problems_from"]["classify"] = True
    assert Settings(config)


def test_the_embedding_model_is_fetched_beforehand_unless_it_is_a_folder() -> None:
    config = read_config(BASE)
    settings = Settings(config)
    at = "results/downloads/models/hub/sentence-transformers--multi-qa-MiniLM-L6-cos-v1/main"
    assert (settings.embedding_manifest, settings.embedding_folder) == ([f"{at}/manifest.json"], f"{at}/files")
    assert f"{at}/manifest.json" in settings.manifests
    config["decontaminate"]["embeddings"]["model"] = "/models/mine"
    assert (settings.embedding_manifest, settings.embedding_folder) == ([], "/models/mine")


def test_the_paths_of_users_folders_may_begin_with_their_home_or_a_variable(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("SCRATCH", "/scratch")
    config["model_folder"], config["raw_data"]["path"] = "$SCRATCH/models", "~/threads.jsonl"
    config["models"]["qwq-32b"]["path"] = "~/qwq"
    expand_paths(config)
    assert (config["model_folder"], config["raw_data"]["path"]) == ("/scratch/models", "/home/me/threads.jsonl")
    assert (config["models"]["qwq-32b"]["path"], config["models"]["deepseek-r1"]["path"]) == (
        "/home/me/qwq",
        "deepseek-ai/DeepSeek-R1",
    )
    config["raw_data"]["tokenizer"] = config["models"]["qwq-32b"]["tokenizer"] = "~/tokenizer.json"
    config["benchmarks"][0]["path"] = "$SCRATCH/mine.jsonl"
    config["sandbox"]["python"] = "${SCRATCH}/bin/python"
    expand_paths(config)
    assert config["raw_data"]["tokenizer"] == config["models"]["qwq-32b"]["tokenizer"] == "/home/me/tokenizer.json"
    assert config["benchmarks"][0]["path"] == "/scratch/mine.jsonl"
    assert config["sandbox"]["python"] == "/scratch/bin/python"


@pytest.mark.parametrize(
    ("place", "path", "said"),
    [
        (("model_folder",), "$NOBODY_SET/models", "model_folder: the path $NOBODY_SET/models cannot be expanded"),
        (("raw_data", "path"), "$NOBODY_SET/x", "raw_data.path: the path .* the variable NOBODY_SET is not set"),
        (("raw_data", "path"), "~/${NOBODY_SET}/x", "raw_data.path: .* the variable NOBODY_SET is not set"),
        (("models", "qwq-32b", "path"), "~nobody-at-all/x", "models.qwq-32b.path: .* no such home folder"),
        (("benchmarks", 0, "path"), "$NOBODY_SET/x", "benchmarks.0.path: .* NOBODY_SET is not set"),
    ],
)
def test_a_path_that_cannot_be_expanded_is_told_with_its_key(
    config: dict[str, Any], place: tuple[Any, ...], path: str, said: str
) -> None:
    holder: Any = config
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = path
    with pytest.raises(UserError, match=said.replace("$", "[$]")):
        expand_paths(config)


def test_jobs_find_the_config_under_a_name_that_its_content_decides(config: dict[str, Any]) -> None:
    turned = dict(reversed(config.items()))
    assert Settings(turned).config_file == Settings(config).config_file
    assert Settings(config | {"labelling_model": "qwq-32b"}).config_file != Settings(config).config_file
    assert Settings(config, digest="abc").config_file == "results/demo/configs/abc.json"
    assert len(config_digest(config)) == 16


def test_a_config_that_is_gone_from_a_run_was_edited_meanwhile(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        read_config([tmp_path / "results/demo/configs/abc.json"])
    assert "config was edited after this run had started" in str(caught.value)


def test_the_saved_config_of_jobs_is_read_as_json_and_an_overlay_of_that_name_as_yaml(tmp_path: Path) -> None:
    saved, overlay = tmp_path / "configs/abc.json", tmp_path / "mine.json"
    for path in (saved, overlay):
        path.parent.mkdir(exist_ok=True)
        path.write_text("run: mine\n")
    assert read_config([overlay]) == {"run": "mine"}
    with pytest.raises(UserError, match=r"abc\.json: not valid JSON"):
        read_config([saved])


@pytest.mark.parametrize("sizes", [{"tensor_parallel_size": 16}, {"gpus": 4, "tensor_parallel_size": 3}])
def test_a_model_that_does_not_fit_its_gpus_is_refused_before_a_job_waits_for_them(
    config: dict[str, Any], sizes: dict[str, int]
) -> None:
    config["models"]["qwq-32b"] |= sizes
    with pytest.raises(UserError, match="qwq-32b"):
        Settings(config)


def test_a_recipe_is_made_once(config: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="recipes_to_run"):
        check_config(config | {"recipes_to_run": ["cot-qwq", "cot-qwq"]}, SCHEMA)


def test_a_tokenizer_is_fetched_at_the_commit_of_its_model() -> None:
    config = read_config(BASE)
    commit = config["models"]["qwq-32b"]["revision"]
    assert Settings(config).tokenizer_flags("Qwen--QwQ-32B") == f"--model Qwen/QwQ-32B --revision {commit}"
    assert Settings(config).tokenizer_flags("owner--other") == "--model owner/other"


def test_a_missing_key_is_named(config: dict[str, Any]) -> None:
    del config["labelling_model"]
    with pytest.raises(UserError, match="the key 'labelling_model' is missing"):
        check_config(config, SCHEMA)


def test_a_run_cannot_be_called_as_the_folder_of_all_runs(config: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="results/downloads/ is for what all runs download"):
        Settings(config | {"run": "downloads"})


@pytest.mark.parametrize("run", ["downloads", "../x", "Upper", ""])
def test_a_run_cannot_have_a_name_that_is_no_folder_of_its_own(config: dict[str, Any], run: str) -> None:
    with pytest.raises(UserError, match="cannot be the name of a run"):
        Settings(config | {"run": run})


@pytest.mark.parametrize(
    ("benchmarks", "said"),
    [
        ([], "`benchmarks` is empty"),
        ([{"name": "a", "path": "x", "column": "c"}] * 2, "the same name"),
        ([{"name": "a", "column": "c"}], "needs either `path` or `dataset`"),
        ([{"name": "a", "path": "x", "dataset": "y", "column": "c"}], "needs either `path` or `dataset`"),
    ],
)
def test_a_table_of_benchmarks_that_cannot_be_meant_is_refused(
    config: dict[str, Any], benchmarks: list[dict[str, str]], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        Settings(config | {"benchmarks": benchmarks})


@pytest.mark.parametrize(
    ("arguments", "run"),
    [
        (["results/demo/classified.jsonl", "-n"], "demo"),
        (["--target-jobs", "extract_problems:run=demo,shard=000,shards=002"], "demo"),
        (["results/a/x.jsonl", "results/b/x.jsonl"], None),
        (["results/downloads/benchmarks/x.jsonl"], None),
        (["--configfile", "config/demo.yaml"], None),
    ],
)
def test_the_targets_name_their_run(arguments: list[str], run: str | None) -> None:
    assert run_of_targets(arguments) == run


def test_overlays_merge_mappings_and_replace_lists() -> None:
    below = {"a": {"x": 1, "y": [1, 2]}, "b": 1}
    assert merge(below, {"a": {"y": [3]}, "c": 2}) == {"a": {"x": 1, "y": [3]}, "b": 1, "c": 2}
    assert below == {"a": {"x": 1, "y": [1, 2]}, "b": 1}


@pytest.mark.parametrize("name", ["config.yaml", "configs/abc.json"])
def test_the_saved_config_is_the_merged_one_and_is_not_touched_without_need(
    name: str, config: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "results/demo" / name
    write_merged_config(config, path)
    assert yaml.safe_load(path.read_text()) == config == read_config([path])
    before = path.stat().st_mtime_ns
    write_merged_config(copy.deepcopy(config), path)
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"path": "x", "server": "endpoint"}, "without `base_url`"),
        ({"path": "x", "server": "vlm"}, "there are: vllm"),
        ({"path": "x", "server": "replay"}, "names no folder"),
        ({"path": "x", "server": "vllm", "gpu": 8}, "unknown keys: gpu"),
    ],
)
def test_a_model_that_cannot_be_served_is_refused(entry: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said):
        model_spec({"models": {"m": entry}}, "m")


def test_the_conda_environment_has_the_versions_of_the_pip_environment() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    conda = yaml.safe_load((ROOT / "envs/workflow.yaml").read_text())
    assert conda["dependencies"][-1]["pip"] == project["dependencies"]


@pytest.mark.parametrize("name", ["workflow", "dev", "embeddings"])
def test_lock_files_pin_every_package_and_name_no_index(name: str) -> None:
    lines = (ROOT / f"envs/{name}.lock.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    assert all("==" in line and "://" not in line for line in pins)


def test_a_config_that_will_be_refused_has_a_name_too_unless_no_job_could_read_it() -> None:
    assert len({config_digest({"recipes": {key: 1}}) for key in (False, None, 7)}) == 3
    assert config_digest({"a": {3}}) != config_digest({"a": {4}})
    with pytest.raises(UserError, match="cannot be written down: Integer exceeds 64-bit range"):
        config_digest({"raw_data": {"limit": 10**30}})


def test_a_model_to_try_that_config_has_not_is_told_as_a_slip_of_the_command_line(config: dict[str, Any]) -> None:
    known = next(iter(config["models"]))
    with pytest.raises(UserError, match="is not in config") as caught:
        Settings(config | {"model": f"{known}x"})
    assert caught.value.remedy == f"did you mean {known!r}? `--config model=...` names one of these"
