"""Targets of a command line whose shards, seeds, parts or rounds config has not."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest
from omr.config.files import read_config
from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.config.targets import check_folder, check_makeable, check_targets
from omr.errors import UserError

CONFIG = Path(__file__).parents[3] / "config"
DEMO = Settings(read_config(CONFIG / f"{name}.yaml" for name in ("config", "models", "benchmarks", "demo")))
PLAIN = "results/demo/cot-qwq"


def check(*arguments: str) -> None:
    check_targets(arguments, DEMO, Recipes(DEMO))


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (
            f"{PLAIN}/solutions/seed-99/shard-000-of-002.jsonl",
            "the recipe 'cot-qwq' has the seeds 00-to-01 and 02-to-03",
        ),
        (f"{PLAIN}/solutions/seed-4/shard-000-of-002.jsonl", "has the seeds 00-to-01 and 02-to-03"),
        (f"{PLAIN}/solutions/seed-01/shard-000-of-002.jsonl", "has the seeds 00-to-01 and 02-to-03"),
        (
            f"./{PLAIN}/solutions/seed-00-to-01/shard-005-of-002.jsonl",
            "has the shards shard-000-of-002 to shard-001-of-002",
        ),
        (f"{PLAIN}/judged/shard-000-of-009.jsonl", "has the shards shard-000-of-002 to shard-001-of-002"),
        (f"{PLAIN}/replies/generate_summaries/part-07-of-08/shard-000-of-002.jsonl", "has the parts part-00-of-"),
        ("results/demo/replies/classify_problems/shard-002-of-002.jsonl", "stage 'classify_problems' has the shards"),
        ("results/demo/counts/check_contamination/shard-0-of-1.json", "stage 'check_contamination' has the shards"),
    ],
)
def test_a_target_that_config_has_not_is_told_with_what_there_is(target: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        check("-n", target)


def test_a_round_that_there_is_not_is_told() -> None:
    recipe = next(name for name in DEMO.config["recipes"] if DEMO.config["recipes"][name].get("rounds"))
    shard = Recipes(DEMO).shards(recipe)[0]
    check(
        f"results/demo/{recipe}/rounds/02/plan/{shard}.jsonl", f"results/demo/{recipe}/rounds/01/judged/{shard}.jsonl"
    )
    for inside in ("rounds/03/plan", "rounds/02/judged", "replies/judge_answers/round-00"):
        with pytest.raises(UserError, match="has the rounds 01"):
            check(f"results/demo/{recipe}/{inside}/{shard}.jsonl")


def test_all_files_of_replies_and_all_else_pass() -> None:
    recipes = Recipes(DEMO)
    check(*DEMO.all_replies(), *recipes.all_replies("demo"), *recipes.all_judged("demo"))
    check("-n", "results/demo/cot-qwq", "results/other/cot-qwq/judged/shard-7-of-9.jsonl", "judged", "--cores", "2")
    check("--cleanup-metadata", f"{PLAIN}/judged/shard-000-of-009.jsonl")


@pytest.mark.parametrize("place", ["results", "results/demo"])
def test_a_file_in_the_place_of_the_folder_of_a_run_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    check_folder(DEMO)
    Path(place).parent.mkdir(exist_ok=True)
    Path(place).touch()
    with pytest.raises(UserError, match="this is a file") as caught:
        check_folder(DEMO)
    assert str(caught.value.file) == place


class Rule:
    """What is read of one of Snakemake's rules; its outputs may have constraints, as theirs do."""

    def __init__(self, name: str, *output: str) -> None:
        self.name, self.output = name, output

    def is_producer(self, path: str) -> bool:
        patterns = (re.sub(r"\{\w+(?:,(?:[^{}]|\{[^{}]*\})*)?\}", "*", output) for output in self.output)
        return any(fnmatch(path, pattern) for pattern in patterns)


RULES = [
    Rule("parse_classes", "results/{run,demo}/classified.jsonl"),
    Rule("merge", r"results/{run,demo}/{recipe,cot\-qwq}/judged/shard-{shard,\d{3}}-of-{shards,\d{3}}.jsonl"),
    Rule("generate", "results/{run}/{recipe}/solutions/seed-{seed}/shard-{shard}-of-{shards}.jsonl"),
    Rule("plan", "results/{run}/{recipe}/rounds/{round}/plan/shard-{shard}-of-{shards}.jsonl"),
    Rule("judged"),
]


def makeable(*arguments: str) -> None:
    check_makeable(arguments, RULES, "demo", ["cot-qwq", "cot-r1"])


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("results/demo/clasified.jsonl", "results/demo/classified.jsonl"),
        ("./results/demo/classified.json", "results/demo/classified.jsonl"),
        ("judgd", "judged"),
        (f"{PLAIN}/judgd/shard-001-of-002.jsonl", f"{PLAIN}/judged/shard-001-of-002.jsonl"),
        (f"{PLAIN}/solution/seed-00-to-01/shard-000-of-002.jsonl", f"{PLAIN}/solutions/seed-00-to-01/shard-000-of-002"),
        (f"{PLAIN}/rounds/02/plans/shard-000-of-002.jsonl", f"{PLAIN}/rounds/02/plan/shard-000-of-002.jsonl"),
    ],
)
def test_a_target_that_no_rule_makes_is_told_with_the_one_that_was_meant(target: str, meant: str) -> None:
    for arguments in (("-n", target), (target, "--cores", "2"), ("--config", "run=demo", "--", target)):
        with pytest.raises(UserError, match=f"no rule makes {re.escape(target)}; did you mean {re.escape(meant)}"):
            makeable(*arguments)


@pytest.mark.parametrize("target", ["nosuch/place.txt", "place.txt"])
def test_a_target_like_no_other_is_told_with_where_to_look(target: str) -> None:
    with pytest.raises(UserError, match=f"no rule makes {target}\n.*--list"):
        makeable(target)


@pytest.mark.parametrize(
    "arguments",
    [
        ("results/demo/classified.jsonl", "judged", "--cores", "2"),
        (f"{PLAIN}/judged/shard-000-of-002.jsonl",),
        ("--report", "results/demo/new.html"),
        ("--profile", "profiles/nosuch", "-n"),
        ("--configfile", "judgd.yaml"),
        ("README.md",),
        ("judged", "--no-such-option", "a/b"),
    ],
)
def test_what_can_be_made_is_there_or_belongs_to_an_option_passes(arguments: tuple[str, ...]) -> None:
    makeable(*arguments)
