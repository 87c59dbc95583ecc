"""What rules ask of the recipes in config."""

from __future__ import annotations

import copy
import re
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from omr.config.files import read_config
from omr.config.recipes import Recipes
from omr.config.seeds import most_seeds
from omr.config.settings import Settings
from omr.errors import UserError
from omr.stages.shards import shard_of

CONFIG = Path(__file__).parents[3] / "config"
FULL = read_config(CONFIG / f"{name}.yaml" for name in ("config", "models", "benchmarks"))


LIMO = FULL["recipes"]["tir-limo"]


def recipes(**changes: dict[str, Any]) -> Recipes:
    """The recipes of the full config with some replaced or added, each a change of `cot-qwq`."""
    config = copy.deepcopy(FULL)
    for name, change in changes.items():
        config["recipes"][name.replace("_", "-")] = config["recipes"]["cot-qwq"] | change
    return Recipes(Settings(config))


def of(recipe: str) -> Any:
    return SimpleNamespace(recipe=recipe, shard="003", shards="010", run="full")


def test_the_shipped_recipes_are_those_of_the_paper() -> None:
    ours = recipes()
    assert ours.to_run == ["cot-qwq", "cot-r1", "tir-openmath", "genselect-qwq"]
    assert ours.solving == ["cot-qwq", "cot-r1", "tir-openmath"]
    assert [len(ours.seeds(name)) for name in ours.solving] == [4 + 3, 4 + 4 + 1, 16]
    assert [most_seeds(ours[name]) for name in ours.solving] == [16, 16, 16]
    assert [ours.model(name, "generate_solutions").path for name in ours.solving] == [
        "Qwen/QwQ-32B",
        "deepseek-ai/DeepSeek-R1",
        "nvidia/OpenMath-Nemotron-14B",
    ]
    asked = {key: knob(of("cot-qwq")) for key, knob in ours.asked("generate_solutions").items() if key != "files"}
    assert (asked["temperature"], asked["top_p"], asked["max_tokens"]) == (0.7, 0.95, 16384)
    compared = {
        key: knob(of("genselect-qwq")) for key, knob in ours.asked("select_solutions").items() if key != "files"
    }
    assert (compared["model"], compared["temperature"], compared["max_tokens"]) == ("qwq-32b", 0.6, 16384)
    assert ours.model("genselect-qwq", "generate_selection_summaries").path == "Qwen/Qwen2.5-32B-Instruct"


RATED = ("generate_solutions", "match_answers", "judge_answers")


def asked(to_run: list[str], difficulty: Any = None, **changes: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """The model stages of a run of these recipes of the full config, some of them changed."""
    config = copy.deepcopy(FULL) | {"recipes_to_run": to_run}
    config["difficulty"] = {"from": difficulty, "pass_rate_72b_tir": None}
    for name, change in changes.items():
        name = name.replace("_", "-")
        config["recipes"][name] = config["recipes"].get(name, config["recipes"]["cot-qwq"]) | change
    return Recipes(Settings(config)).stages_asked


def test_a_run_asks_for_what_its_recipes_take_candidates_and_pass_rates_from() -> None:
    ours = recipes()
    qwq, r1 = ours.model_stages("cot-qwq"), ours.model_stages("cot-r1")
    compared = ours.model_stages("genselect-qwq")
    assert asked(["cot-qwq"]) == {"cot-qwq": qwq}
    # cot-r1 goes by the pass rates of cot-qwq, which need no summaries; comparisons take those.
    assert list(asked(["cot-r1"]).items()) == [("cot-qwq", RATED), ("cot-r1", r1)]
    found = asked(
        ["genselect-qwq"], genselect_qwq=dict(FULL["recipes"]["genselect-qwq"], candidates={"from": ["cot-qwq"]})
    )
    assert list(found.items()) == [("cot-qwq", qwq), ("genselect-qwq", compared)]
    # Whatever the order, each once, as much of it as anything needs, and behind what it needs.
    assert list(asked(["cot-r1", "cot-qwq"], difficulty="cot-qwq").items()) == [("cot-qwq", qwq), ("cot-r1", r1)]
    assert list(asked(["cot-qwq"], difficulty=["cot-r1"]).items()) == [("cot-qwq", qwq), ("cot-r1", RATED)]
    assert list(asked([], difficulty="cot-r1").items()) == [("cot-qwq", RATED), ("cot-r1", RATED)]
    chain = asked(["last"], last={"seeds": dict(FULL["recipes"]["cot-r1"]["seeds"], measure="cot-r1")})
    assert list(chain) == ["cot-qwq", "cot-r1", "last"]
    assert asked([]) == {}


def test_only_recipes_that_ask_for_it_summarize_wrong_solutions() -> None:
    ours = recipes()
    assert (ours.wrong_per_problem("cot-qwq"), ours.wrong_per_problem("cot-r1")) == (15, 0)
    assert "generate_wrong_summaries" in ours.model_stages("cot-qwq")
    assert "generate_wrong_summaries" not in ours.model_stages("cot-r1")
    assert len(ours.reply_folders("cot-qwq", "generate_wrong_summaries")) == 2
    assert ours.with_wrong_summaries == re.escape("cot-qwq")
    off = FULL["recipes"]["cot-qwq"]["summaries"] | {"enabled": False}
    assert recipes(cot_qwq={"summaries": off}).wrong_per_problem("cot-qwq") == 0


def test_a_shard_needs_the_solutions_of_all_seeds_in_their_order() -> None:
    ours = recipes(cot_qwq={"seeds": 3})
    folder = "results/{run}/{recipe}/solutions"
    assert ours.solutions(of("cot-qwq")) == [
        f"{folder}/seed-{seed}/shard-{{shard}}-of-{{shards}}.jsonl" for seed in ("00", "01", "02")
    ]


def test_judging_and_summarizing_are_left_to_the_labelling_model_unless_they_name_their_own() -> None:
    judge = FULL["recipes"]["cot-qwq"]["judge"] | {"model": "deepseek-r1"}
    ours = recipes(cot_qwq={"judge": judge})
    assert ours.model("cot-qwq", "judge_answers").name == "deepseek-r1"
    assert ours.model("cot-qwq", "judge_summaries").name == "deepseek-r1"
    assert ours.model("cot-qwq", "generate_summaries").name == FULL["labelling_model"]
    assert ours.model("cot-r1", "judge_answers").name == FULL["labelling_model"]


def test_a_recipe_without_summaries_ends_with_its_judged_rows() -> None:
    off = FULL["recipes"]["cot-qwq"]["summaries"] | {"enabled": False}
    ours = recipes(own={"summaries": off})
    assert [ours.final_rows(name) for name in ("cot-qwq", "own")] == ["summarized", "judged"]


def test_a_part_asks_for_all_candidates_of_its_share_of_the_traces() -> None:
    wildcards = SimpleNamespace(recipe="cot-qwq", part="07", parts="32")
    assert recipes().candidates(wildcards) == "--seed 0 1 2 3 --shard 7 --shards 32"


def test_the_parts_of_a_shard_share_its_traces_out_evenly() -> None:
    # All of these problems lie in one shard of ten; their traces must not crowd in some parts.
    problems = [name for name in (f"{number:016x}-1" for number in range(2000)) if shard_of(name, 10) == 4]
    parts = Counter(shard_of(f"{problem}-{seed}", 32) for problem in problems for seed in range(32))
    mean = len(problems) * 32 / 32
    assert len(parts) == 32
    assert all(0.7 * mean < number < 1.3 * mean for number in parts.values())


def test_every_file_of_replies_is_one_jobs() -> None:
    ours = recipes()
    files = ours.all_replies("full")
    assert (
        len(files)
        == len(set(files))
        == sum(
            len(ours.reply_folders(name, stage)) * len(ours.shards(name))
            for name in ours.to_run
            for stage in ours.model_stages(name)
        )
    )
    assert "results/full/cot-qwq/replies/generate_summaries/part-03-of-04/shard-003-of-004.jsonl" in files
    assert "results/full/cot-qwq/solutions/seed-12-to-15/shard-003-of-004.jsonl" in files


def test_the_pattern_fits_the_recipes_and_nothing_else() -> None:
    pattern = recipes().pattern
    assert all(re.fullmatch(pattern, name) for name in FULL["recipes"])
    assert not any(re.fullmatch(pattern, name) for name in ("counts", "cot", "cot-qwq2", ""))


def test_a_pattern_by_mode_fits_the_recipes_of_that_mode_alone() -> None:
    ours = recipes()
    assert {name for name in FULL["recipes"] if re.fullmatch(ours.pattern_of("tir"), name)} == {
        "tir-openmath",
        "tir-limo",
    }
    both = ours.pattern_of("cot", "tir")
    assert all(re.fullmatch(both, name) for name in ("cot-qwq", "tir-limo"))
    assert re.fullmatch(ours.pattern_of("genselect"), "") is None


def test_without_recipes_the_pattern_fits_nothing() -> None:
    none = Recipes(Settings(FULL | {"recipes": {}, "recipes_to_run": []}))
    assert re.fullmatch(none.pattern, "") is None


SFT = FULL["recipes"]["cot-qwq"]["sft"]


@pytest.mark.parametrize(
    ("name", "change", "fault"),
    [
        ("counts", {}, "cannot be called so"),
        ("Cot", {}, "needs a name of"),
        ("own", {"mode": "guess"}, "has the mode 'guess'"),
        ("own", {"seeds": 101}, "from 1 to 100 seeds"),
        ("own", {"mode": "tir"}, "has no `code`"),
        ("own", {"code": FULL["recipes"]["tir-limo"]["code"]}, "which only `mode: tir` takes"),
        ("own", LIMO | {"code": LIMO["code"] | {"max_budget": 7}}, "a `code.min_budget` above its `code.max_budget`"),
        ("own", {"sft": SFT | {"min_pass_rate": 0.9, "max_pass_rate": 0.1}}, "a `sft.min_pass_rate` above its"),
        ("own", {name: value for name, value in LIMO.items() if name != "code_rows"}, "has no `code_rows`"),
    ],
)
def test_a_recipe_that_cannot_be_is_an_error_that_says_why(name: str, change: dict[str, Any], fault: str) -> None:
    with pytest.raises(UserError, match=fault):
        recipes(**{name: change})


@pytest.mark.parametrize(
    "change",
    [
        {"sft": SFT | {"min_pass_rate": 0.5, "max_pass_rate": 0.5}},
        {"sft": SFT | {"min_pass_rate": 0.5, "max_pass_rate": None}},
    ],
)
def test_bounds_that_something_can_be_within_are_fine(change: dict[str, Any]) -> None:
    assert recipes(own=change)["own"]


def test_a_recipe_to_run_must_exist() -> None:
    with pytest.raises(UserError, match="names cot-nobody, which `recipes` lacks"):
        Recipes(Settings(FULL | {"recipes_to_run": ["cot-nobody"]}))


def test_an_unknown_recipe_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"'cot-nobody' is not in config \(known: cot-qwq, cot-r1, "):
        recipes().seeds("cot-nobody")


def test_a_recipe_with_code_tells_its_jobs_how_and_lends_cores() -> None:
    ours = recipes()
    wildcards = SimpleNamespace(recipe="tir-limo", shard="003", shards="010", seed="01", run="full")
    told = ours.share(wildcards)
    assert told.startswith("--shard 003 --shards 010 --seed 01 --code '{")
    assert '"tags":"fences"' in told
    files = SimpleNamespace(tokenizer=[], texts="kept", sandbox=ours.sandbox(wildcards)[0])
    told = ours.solution_files(wildcards, files)
    assert told.startswith("--model-texts kept --model-manifest")
    assert "--model-manifest results/downloads/models/hub/GAIR--LIMO/main/manifest.json" in told
    assert told.endswith("--model-note results/full/models/limo.json --sandbox results/downloads/sandbox.json")
    resources = ours.resources("generate_solutions")
    plain = ours.resources("judge_answers")
    assert resources["mem_mb"](wildcards) > plain["mem_mb"](wildcards)


def test_a_recipe_without_code_is_asked_as_ever() -> None:
    wildcards = SimpleNamespace(recipe="cot-qwq", shard="003", shards="010", seed="03", run="full")
    assert recipes().sandbox(wildcards) == []
    assert recipes().share(wildcards) == "--shard 003 --shards 010 --seed 03"
    wildcards.seed = "04-to-07"
    assert recipes().share(wildcards) == "--shard 003 --shards 010 --seed 04 05 06 07"
    wildcards.seed = "04"
    with pytest.raises(UserError, match="no job of the recipe 'cot-qwq' asks for the seeds 04"):
        recipes().share(wildcards)


def test_recipes_with_code_are_left_out_where_none_can_be_run_only_if_config_says_so() -> None:
    names = ["cot-qwq", "tir-limo"]
    site = FULL["sandbox"] | {"python": "/nowhere/python"}
    strict = Recipes(Settings(FULL | {"recipes_to_run": names, "sandbox": site}))
    assert (strict.to_run, strict.no_sandbox) == (names, None)
    lenient = Recipes(Settings(FULL | {"recipes_to_run": names, "sandbox": site | {"required": False}}))
    assert lenient.to_run == ["cot-qwq"]
    assert "/nowhere/python" in str(lenient.no_sandbox)
