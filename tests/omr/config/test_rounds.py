"""What rules ask of a recipe's numbers of solutions."""

from __future__ import annotations

import copy
import json
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from omr.config.files import read_config
from omr.config.recipes import Recipes
from omr.config.rounds import Rounds
from omr.config.seeds import ends_of_rounds
from omr.config.settings import Settings
from omr.errors import UserError

CONFIG = Path(__file__).parents[3] / "config"
FULL = read_config(CONFIG / f"{name}.yaml" for name in ("config", "models", "benchmarks"))
TABLE = {
    "measure": "cot-r1",
    "table": [{"to": 0.5, "extracted": 6, "majority": 3}, {"to": 1.0, "extracted": 2, "majority": 1}],
    "no_rate": {"extracted": 4, "majority": 4},
}
ENOUGH = {"right": 2, "votes": 3, "share": 0.5, "give_up_after": None}


def rounds(recipe: dict[str, Any], difficulty: dict[str, Any] | None = None, **others: Any) -> Rounds:
    """The rounds of the full config with `own`, a change of `cot-qwq`, and more such recipes."""
    config = copy.deepcopy(FULL)
    for name, change in {"own": recipe, **others}.items():
        config["recipes"][name] = config["recipes"]["cot-qwq"] | {"seeds_per_job": None} | change
    # A recipe of the base that has a table or rounds keeps them out of the way.
    for name in ("cot-qwq", "cot-r1"):
        config["recipes"][name] |= {"seeds": 2, "rounds": None}
    config["difficulty"] = {"from": None, "pass_rate_72b_tir": None} | (difficulty or {})
    return Rounds(config, Recipes(Settings(config)))


def of(**wildcards: str) -> Any:
    return SimpleNamespace(run="full", recipe="own", shard="000", shards="010", **wildcards)


def test_one_number_for_all_needs_no_plan() -> None:
    ours = rounds({"seeds": 3, "rounds": None})
    assert "own" not in ours.planned
    assert (ours.plan(of(seed="01")), ours.last_plan(of())) == ([], [])
    assert ours.part(of(seed="01")) == "--shard 000 --shards 010 --seed 01"


def test_the_seeds_of_a_first_round_go_by_the_table_and_later_ones_by_their_plan() -> None:
    ours = rounds({"seeds": TABLE, "rounds": [2, 4], "enough": ENOUGH})
    rates = "results/{run}/cot-r1/pass_rates.jsonl"
    # Every problem gets a first solution, whatever its pass rate.
    assert [ours.rates_asked(of(seed=seed)) for seed in ("00", "01", "02", "05")] == [[], [rates], [], []]
    plan = "results/{run}/{recipe}/rounds/02/plan/shard-{shard}-of-{shards}.jsonl"
    assert [ours.plan(of(seed=seed)) for seed in ("01", "02")] == [[], [plan]]
    first = shlex.split(ours.part(of(seed="01")))
    wanted = json.loads(first[first.index("--wanted") + 1])
    assert [(row["to"], row["extracted"], row["majority"]) for row in wanted["table"]] == [(0.5, 1, 1), (1.0, 1, 0)]
    assert "--wanted" not in ours.part(of(seed="02"))
    others = dict[str, Any](tokenizer=[], texts=[], sandbox=[])
    first_files = ours.files(of(seed="01"), SimpleNamespace(plan=[], pass_rates="r.jsonl", **others))
    assert first_files.endswith("/models/qwq-32b.json --pass-rates r.jsonl")
    later_files = ours.files(of(seed="02"), SimpleNamespace(plan="p.jsonl", pass_rates=[], **others))
    assert later_files.endswith("/models/qwq-32b.json --plan p.jsonl")


@pytest.mark.parametrize(
    ("rows", "no_rate", "waiting"),
    [
        ([(1.0, 2, 2)], (2, 2), [False, False]),
        ([(0.5, 4, 2), (1.0, 3, 2)], (2, 2), [False, False, True]),
        # Who gets it hangs on what every row knows without a rate.
        ([(0.5, 3, 0), (1.0, 2, 0)], (2, 0), [False, False, True]),
        ([(0.5, 2, 1), (1.0, 2, 1)], (2, 0), [True, False]),
        ([(0.5, 1, 1), (1.0, 0, 1)], (1, 1), [True]),
    ],
)
def test_solutions_that_problems_get_whatever_their_rates_wait_for_no_rates(
    rows: list[tuple[float, int, int]], no_rate: tuple[int, int], waiting: list[bool]
) -> None:
    table = [{"to": to, "extracted": extracted, "majority": majority} for to, extracted, majority in rows]
    numbers = dict(zip(("extracted", "majority"), no_rate, strict=True))
    ours = rounds({"seeds": {"measure": "cot-r1", "table": table, "no_rate": numbers}, "rounds": None})
    found = [ours.rates_asked(of(seed=f"{seed:02d}")) for seed in range(len(waiting))]
    assert found == [["results/{run}/cot-r1/pass_rates.jsonl"] if waits else [] for waits in waiting]


def test_the_first_round_of_the_dearest_recipe_waits_for_no_other_recipe() -> None:
    ours = Rounds(FULL, Recipes(Settings(FULL)))
    first = SimpleNamespace(run="full", recipe="cot-r1", shard="000", shards="012", seed="00")
    assert (ours.plan(first), ours.rates_asked(first)) == ([], [])
    assert ends_of_rounds(FULL["recipes"]["cot-r1"])[0] == 4


def test_jobs_that_ask_for_several_seeds_go_by_what_holds_for_any_of_them() -> None:
    ours = rounds({"seeds": TABLE, "rounds": [2, 4], "enough": ENOUGH, "seeds_per_job": [2, 3]})
    assert [path.split("/")[4] for path in ours.solutions(of(round="01"))] == ["seed-00-to-01"]
    assert [path.split("/")[4] for path in ours.solutions(of(round="02"))] == ["seed-02-to-04", "seed-05"]
    # The second of them is for those that seldom succeed; the first is for all.
    assert ours.rates_asked(of(seed="00-to-01")) == ["results/{run}/cot-r1/pass_rates.jsonl"]
    wanted = shlex.split(ours.part(of(seed="00-to-01")))
    assert wanted[wanted.index("--seed") :][1:3] == ["00", "01"]
    numbers = json.loads(wanted[wanted.index("--wanted") + 1])
    assert [(row["extracted"], row["majority"]) for row in numbers["table"]] == [(2, 2), (2, 1)]
    plan = "results/{run}/{recipe}/rounds/02/plan/shard-{shard}-of-{shards}.jsonl"
    assert [ours.plan(of(seed=seed)) for seed in ("00-to-01", "02-to-04", "05")] == [[], [plan], [plan]]
    assert ours.part(of(seed="02-to-04")) == "--shard 000 --shards 010 --seed 02 03 04"


def test_a_round_reads_its_solutions_and_what_the_rounds_before_it_left() -> None:
    ours = rounds({"seeds": 7, "rounds": [1, 2, 4], "enough": ENOUGH})
    assert [len(ours.solutions(of(round=name))) for name in ours.names("own")] == [1, 2, 4]
    assert [ours.up_to(of(round=name)) for name in ours.names("own")] == [1, 3, 7]
    assert [ours.seed_flags(of(round=name)) for name in ("01", "02")] == ["--seeds 1", "--seeds 3 --earlier-seeds 1"]
    # What comes behind the last round reads no solution itself.
    assert (ours.solutions(of()), ours.seed_flags(of())) == ([], "--seeds 7 --earlier-seeds 7")
    place = "results/{run}/{recipe}/rounds/%s/%s/shard-{shard}-of-{shards}.jsonl"
    assert ours.judged_before(of(round="03")) == [place % ("02", "judged")]
    assert ours.before(of(round="01")) == []
    assert ours.earlier_questions(of(round="02")) == [place % ("01", "judgements")]
    assert ours.earlier_questions(of()) == [place % (name, "judgements") for name in ("01", "02", "03")]
    assert ours.last_plan(of()) == [place % ("03", "plan")]
    # Only light rows of what earlier rounds solved are read again.
    assert [len(ours.outcomes(of(round=name))) for name in ("01", "02", "03")] == [0, 1, 2]
    assert ours.outcomes(of()) == [place % (name, "outcomes") for name in ("01", "02", "03")]
    one = ours.outcome_flags(of(round="02"), SimpleNamespace(earlier="a"), {"outcomes": "b"})
    assert (one, ours.outcome_flags(of(), SimpleNamespace(earlier=["a", "b"]), {})) == (
        "--earlier a --outcomes b",
        "--earlier a b",
    )
    assert ours.outcome_flags(of(round="01"), SimpleNamespace(earlier=[]), {}) == ""


def asked_of(ours: Rounds, rounds: int) -> list[Any]:
    """What rules of the first rounds take and are told."""
    found: list[Any] = [[ours.plan(of(seed=seed)), ours.part(of(seed=seed))] for seed in ("00", "01", "02")]
    for name in map("{:02d}".format, range(1, rounds + 1)):
        one = of(round=name)
        found += [ours.solutions(one), ours.outcomes(one), ours.seed_flags(one), ours.plan_flags(one), ours.before(one)]
        found += [ours.earlier_questions(one), ours.earlier_verdicts(one), ours.judged_before(one)]
    return found


@pytest.mark.parametrize("sizes", [[1, 2], [1, 2, 4], [3]])
def test_one_solution_more_than_rounds_hold_changes_nothing_of_them(sizes: list[int]) -> None:
    full = [rounds({"seeds": seeds, "rounds": sizes, "enough": ENOUGH}) for seeds in (3, 4, 9)]
    ends = len(full[0].names("own"))
    assert [len(ours.names("own")) for ours in full][1] == ends + 1
    assert asked_of(full[0], ends) == asked_of(full[1], ends)
    assert asked_of(full[1], ends) == asked_of(full[2], ends)
    assert all("own" in ours.apart and "own" in ours.planned for ours in full)


def test_without_rounds_solutions_are_read_where_they_are_judged() -> None:
    ours = rounds({"seeds": 3, "rounds": None})
    assert (ours.names("own"), ours.earlier_verdicts(of()), len(ours.solutions(of()))) == ([], [], 3)
    assert ours.seed_flags(of()) == "--seeds 3"
    assert "own" not in ours.apart


@pytest.mark.parametrize(
    ("recipe", "fault"),
    [
        ({"seeds": 4, "rounds": [2, 2], "enough": None}, "does not say what is `enough`"),
        ({"seeds": TABLE | {"measure": "nobody"}}, "'nobody', which is no recipe"),
        ({"seeds": TABLE | {"measure": "own"}}, "own <- own"),
        ({"seeds": TABLE | {"measure": None}}, "without the other"),
        ({"seeds": TABLE | {"table": TABLE["table"][:1]}}, "do not rise to 1.0"),
        ({"seeds": TABLE | {"table": TABLE["table"][::-1]}}, "do not rise to 1.0"),
        ({"seeds": {"no_rate": {"extracted": 0, "majority": 0}}}, "from 1 to 100"),
    ],
)
def test_numbers_that_cannot_be_meant_are_refused_before_anything_runs(recipe: dict[str, Any], fault: str) -> None:
    with pytest.raises(UserError, match="the recipe 'own'") as error:
        rounds(recipe | ({} if "rounds" in recipe else {"rounds": None}))
    assert fault in str(error.value)


@pytest.mark.parametrize(
    ("seeds", "sizes", "ends"),
    [
        (5, [2, 2], [2, 4, 5]),
        (4, [2, 2], [2, 4]),
        (3, [2, 2], [2, 3]),
        (2, [2, 2], [2]),
        (1, [4, 4], [1]),
        (6, None, [6]),
    ],
)
def test_the_last_round_takes_what_is_left_of_the_solutions(
    seeds: int, sizes: list[int] | None, ends: list[int]
) -> None:
    assert ends_of_rounds({"seeds": seeds, "rounds": sizes}) == ends


def test_measures_that_wait_for_each_other_are_refused() -> None:
    with pytest.raises(UserError, match="wait for its own"):
        rounds(
            {"seeds": TABLE | {"measure": "other"}, "rounds": None},
            other={"seeds": TABLE | {"measure": "own"}, "rounds": None},
        )


def test_products_carry_the_pass_rates_that_config_names() -> None:
    ours = rounds({"seeds": 2, "rounds": None}, {"from": ["cot-r1", "cot-qwq"], "pass_rate_72b_tir": "cot-r1"})
    assert [path.split("/")[2] for path in ours.product_rates(of())] == ["cot-r1", "cot-qwq"]
    flags = ours.product_flags(of(), SimpleNamespace(pass_rates=["a", "b"]))
    assert (flags, ours.published_measure) == ("--pass-rates cot-r1=a cot-qwq=b", "--pass-rate-72b-tir cot-r1")
    assert rounds({"seeds": 2, "rounds": None}, {"from": "cot-r1"}).measures == ["cot-r1"]
    assert rounds({"seeds": 2, "rounds": None}).product_flags(of(), SimpleNamespace(pass_rates=[])) == ""


def test_a_published_measure_must_be_among_those_that_products_carry() -> None:
    with pytest.raises(UserError, match="pass_rate_72b_tir"):
        rounds({"seeds": 2, "rounds": None}, {"from": "cot-r1", "pass_rate_72b_tir": "cot-qwq"})
