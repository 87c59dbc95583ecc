"""The simulation of benchmarks/utilisation.py: what can be computed by hand, and what must hold for any run."""

from __future__ import annotations

import importlib.util
import json
import math
import sys
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def load(name: str) -> ModuleType:
    # By path and not through sys.path: benchmarks/ has modules with the names of scripts.
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


model = load("serving_model")
load("simulated_run")
utilisation = load("utilisation")


def server(**fields: Any) -> Any:
    """A server of 100 tokens/s, 10 for a request alone: full with ten requests."""
    defaults = {"tokens_per_second": 100.0, "request_tokens_per_second": 10.0, "slots": 1000}
    return model.Server(**defaults | fields)


def lengths(*tokens: float) -> Any:
    return np.array(tokens, dtype=float)


def random_lengths(number: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(1, 500, number).astype(float)


def total(job: Any) -> Any:
    return model.Seconds(*np.sum(job.tries, axis=0))


def step_by_step(requests: Any, at_once: int, served: Any) -> float:
    """Seconds for all requests, the plain way: always up to the next end of a request."""
    waiting, running, seconds = list(requests), [], 0.0
    while waiting or running:
        while waiting and len(running) < at_once:
            running.append(waiting.pop(0))
        step = min(running)
        seconds += step / served.speed_of(len(running))
        running = [left - step for left in running if left > step]
    return seconds


# ---- one server --------------------------------------------------------------------------------------------------
def test_equal_replies_without_start_use_the_server_fully_if_concurrency_divides_them() -> None:
    job = model.run_job(np.full(60, 200.0), server(), 20)
    assert total(job).utilisation == 1.0
    assert total(job).held == 60 * 200 / 100


def test_the_start_and_the_stop_cost_exactly_their_time() -> None:
    job = model.run_job(np.full(60, 200.0), server(start_s=50, stop_s=30), 20)
    assert total(job).utilisation == 120 / (120 + 80)
    assert total(job).starts == 80


def test_one_long_request_runs_alone_in_the_tail() -> None:
    # Ten at 10 tokens/s each for 100 tokens, then one of them for 900 more at 10 tokens/s.
    seconds = total(model.run_job(lengths(*[100] * 9, 1000), server(), 10))
    assert seconds.held == pytest.approx(10 + 90)
    assert seconds.stored == pytest.approx(1900 / 100)
    assert seconds.tail == pytest.approx(100 - 19)


def test_too_few_requests_in_flight_are_a_loss_of_their_own() -> None:
    # Five of ten that it takes: half of the speed.
    seconds = total(model.run_job(np.full(50, 100.0), server(slots=10), 5))
    assert seconds.utilisation == pytest.approx(0.5)
    # The last five requests begin together and count as tail.
    assert (seconds.few, seconds.tail) == (pytest.approx(45), pytest.approx(5))


def test_requests_beyond_the_slots_wait_at_the_server_and_change_nothing_but_waits() -> None:
    requests = random_lengths(500)
    at_once, more = (model.drain(requests, server(slots=20), concurrency) for concurrency in (20, 200))
    assert more.full_s + more.tail_s == at_once.full_s + at_once.tail_s
    assert more.longest_s > at_once.longest_s


def test_the_longest_wait_counts_the_time_in_the_servers_queue() -> None:
    # Two at once for 20 s each pair (10 tokens/s each), four in flight: the third and later ones wait a turn and run one.
    assert model.drain(np.full(12, 200.0), server(slots=2), 4).longest_s == pytest.approx(40)


@pytest.mark.parametrize("gradual", [False, True])
@pytest.mark.parametrize("at_once", [1, 3, 17, 400])
def test_a_drain_takes_as_long_as_going_step_by_step(at_once: int, gradual: bool) -> None:
    requests, served = random_lengths(300), server(slots=50, gradual=gradual)
    drained = model.drain(requests, served, at_once)
    assert drained.full_s + drained.tail_s == pytest.approx(step_by_step(requests, min(at_once, 50), served))
    assert drained.stored == pytest.approx(requests.sum())
    assert drained.abandoned == pytest.approx(0, abs=1e-6)
    assert not len(drained.left)


def test_a_full_server_writes_as_much_whether_its_speed_falls_gradually_or_not() -> None:
    assert server(slots=50).most_tokens_per_second == pytest.approx(100)
    assert server(slots=50, gradual=True).most_tokens_per_second == pytest.approx(100)
    assert server(slots=50, gradual=True).speed_of(10) < server(slots=50).speed_of(10)


# ---- time limits -------------------------------------------------------------------------------------------------
def test_what_a_limit_cuts_off_is_abandoned_and_asked_again_first() -> None:
    # Two at 10 tokens/s: at 25 s the first has ended, its successor has 150 of its 300, the second 250 of its 400.
    drained = model.drain(lengths(100, 400, 300, 50), server(), 2, model.Limit(25, 0))
    assert drained.stored == 100
    assert drained.abandoned == pytest.approx(150 + 250)
    assert drained.left.tolist() == [400, 300, 50]
    assert drained.full_s + drained.tail_s == 25


def test_what_ends_within_the_grace_is_kept() -> None:
    # As above; both of those in flight end at 40 s, and no new one begins.
    drained = model.drain(lengths(100, 400, 300, 50), server(), 2, model.Limit(25, 16))
    assert drained.stored == 800
    assert drained.abandoned == pytest.approx(0)
    assert drained.left.tolist() == [50]
    assert drained.full_s + drained.tail_s == 40


@pytest.mark.parametrize("seconds", [100, 147.5, 400])
def test_no_token_is_lost_or_counted_twice_over_the_tries_of_a_job(seconds: float) -> None:
    requests, served = random_lengths(400), server(start_s=5, stop_s=1)
    job = model.run_job(requests, served, 15, model.Limit(seconds + 5, 2))
    assert total(job).stored * 100 == pytest.approx(requests.sum())
    assert len(job.tries) > 1
    for spent in job.tries[:-1]:
        assert spent.held == pytest.approx(5 + seconds + 2 + 1)
        assert spent.abandoned > 0
    assert job.tries[-1].abandoned == pytest.approx(0, abs=1e-6)


def test_no_part_of_the_time_is_negative() -> None:
    job = model.run_job(random_lengths(400), server(start_s=5, slots=30), 15, model.Limit(160, 2))
    assert all(part > -1e-9 for spent in job.tries for part in spent)


def test_a_limit_in_which_nothing_can_end_is_an_error_and_not_an_endless_run() -> None:
    with pytest.raises(ValueError, match="no reply ends"):
        model.run_job(lengths(1000), server(start_s=5), 1, model.Limit(60, 0))


def test_a_preemption_costs_what_was_in_flight_and_another_start_but_no_token_and_no_try() -> None:
    served, requests = server(start_s=10.0, stop_s=0.0), lengths(*[100.0] * 40)
    # The second comes while the model loads; then nothing disturbs the job.
    job = model.run_job(requests, served, 10, model.NO_LIMIT, iter([25.0, 4.0, math.inf]))
    spent = total(job)
    assert job.preempted == 2
    assert len(job.tries) == 3
    assert spent.starts == 10 + 4 + 10
    assert spent.stored == pytest.approx(40 * 100 / 100)  # all tokens, at 100 a second
    assert spent.abandoned == pytest.approx(5.0)  # of the second ten, which had begun five seconds before


def test_a_slow_node_is_held_longer_for_the_same_tokens() -> None:
    requests = lengths(*[100.0] * 40)
    fast = model.run_job(requests, server(), 10)
    slow = model.run_job(requests, server(tokens_per_second=50.0, request_tokens_per_second=5.0), 10)
    beside = total(model.beside_faster_ones(slow, 0.5))
    assert beside.held == pytest.approx(2 * total(fast).held)
    assert beside.utilisation == pytest.approx(total(fast).utilisation / 2)
    assert beside.slow == pytest.approx(total(fast).held)


def test_a_shard_without_requests_needs_no_server() -> None:
    assert model.run_job(lengths(), server(start_s=5), 4).tries == []


# ---- the run -----------------------------------------------------------------------------------------------------
def test_a_run_ends_with_its_last_job_and_a_second_try_goes_to_the_end_of_the_queue() -> None:
    assert model.run_wall_s([[10], [10], [10]], 2) == 20
    assert model.run_wall_s([[10, 1], [4], [4]], 1) == 19
    # One server is free at 4 and 8; the second try of the first job begins at 10.
    assert model.run_wall_s([[10, 5], [4], [4]], 2) == 15
    assert model.run_wall_s([], 3) == 0


@pytest.mark.parametrize("spread", [0.3, 0.6, 0.9])
def test_drawn_replies_have_the_mean_that_was_asked_for_after_the_cut(spread: float) -> None:
    drawn = model.draw_lengths(200_000, 7500, spread, 16_384)
    assert drawn.mean() == pytest.approx(7500, rel=0.01)
    assert drawn.max() == 16_384
    assert np.array_equal(drawn, model.draw_lengths(200_000, 7500, spread, 16_384))


def test_replies_cannot_be_longer_on_average_than_they_may_be() -> None:
    with pytest.raises(ValueError, match="mean"):
        model.draw_lengths(10, 20_000, 0.6, 16_384)


def plan(**fields: Any) -> Any:
    defaults: dict[str, Any] = {"recipe": "r", "model": "m", "problems": 4000, "seeds": 3, "shards": 4}
    defaults |= {"concurrency": 64, "max_tokens": 16_384, "runtime_min": 600, "request_timeout_s": 3600}
    return utilisation.Plan(**defaults | {"max_tries": 4, "servers": 4, "samples": 4} | fields)


def assumed(**fields: Any) -> Any:
    defaults = {"tokens_per_second": 5000, "request_tokens_per_second": 80, "cache_tokens": 1e6, "start_min": 10}
    return utilisation.Assumed(**defaults | fields)


def test_jobs_that_ask_for_several_solutions_do_the_same_work_with_fewer_starts() -> None:
    apart, joined = (
        utilisation.Simulation(plan(seeds=4, asked=asked), assumed()).run(4, 64, 6000)
        for asked in ((1.0, 1.0, 1.0, 1.0), (2.0, 2.0))
    )
    assert (apart.jobs, joined.jobs, apart.starts, joined.starts) == (16, 8, 16, 8)
    work = [run.seconds.held * run.seconds.utilisation for run in (apart, joined)]
    assert work[0] == pytest.approx(work[1])
    assert joined.seconds.held < apart.seconds.held


def test_utilisation_falls_with_more_shards_where_starts_cost_most() -> None:
    simulation = utilisation.Simulation(plan(), assumed())
    shares = [simulation.run(shards, 64, 600).seconds.utilisation for shards in (1, 2, 4, 8, 16, 32)]
    assert shares == sorted(shares, reverse=True)


def test_a_run_has_a_job_per_shard_and_seed_and_a_start_per_try() -> None:
    run = utilisation.Simulation(plan(), assumed()).run(4, 64, 30)
    assert (run.jobs, run.most_tries) == (12, 2)
    assert run.starts == 24
    assert run.seconds.starts == pytest.approx(24 * 10.5 * 60)


def test_all_tokens_of_all_seeds_are_stored() -> None:
    simulation = utilisation.Simulation(plan(), assumed())
    run = simulation.run(4, 64, 600)
    tokens = run.seconds.stored * simulation.server.most_tokens_per_second
    assert tokens == pytest.approx(3 * simulation.lengths.sum())


def test_nodes_that_have_no_job_left_are_counted_apart() -> None:
    alone = utilisation.Simulation(plan(servers=12), assumed()).run(1, 64, 6000)
    busy = utilisation.Simulation(plan(servers=3), assumed()).run(1, 64, 6000)
    # Three jobs of the same length.
    assert (alone.idle, busy.idle) == (pytest.approx(0.75), pytest.approx(0))
    assert alone.seconds == busy.seconds


def test_too_many_tries_and_too_long_waits_are_marked() -> None:
    run = utilisation.Simulation(plan(), assumed()).run(4, 64, 25)
    assert run.faults(plan()) == ""
    assert run.faults(plan(max_tries=1)) == "†"
    assert run.faults(plan(request_timeout_s=1)) == "‡"


# ---- the command -------------------------------------------------------------------------------------------------
SMALL = ["--problems", "3000", "--shards", "2", "--concurrency", "64", "--samples", "1"]


def test_the_defaults_are_those_of_config() -> None:
    config = utilisation.read_config(utilisation.CONFIG)
    args = utilisation.argparse.Namespace(problems=None, servers=32, samples=1, configfile=[])
    plans = {plan.recipe: plan for plan in utilisation.plans(args)}
    assert list(plans) == [name for name in config["recipes_to_run"] if config["recipes"][name]["mode"] != "genselect"]
    for name, found in plans.items():
        recipe = config["recipes"][name]
        assert (found.shards, found.seeds, found.max_tokens) == (
            recipe["shards"],
            16,
            recipe["max_tokens"],
        )
        assert found.concurrency == config["models"][found.model]["concurrency"]
        assert found.problems == 540_000
        # With rounds, later seeds are asked of fewer problems: those that have not enough yet.
        asked = [round(share, 3) for share in found.of_seeds]
        assert asked == sorted(asked, reverse=True)
        assert (0 < asked[-1] < asked[0] <= 1) == ("rounds" in recipe)
        assert sum(found.asked) == pytest.approx(sum(found.of_seeds), abs=0.01)
        assert (len(found.asked) < len(asked)) == ("seeds_per_job" in recipe)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"tir-openmath": {"model": "limo"}}, "the recipe tir-openmath asks limo for its generate_solutions"),
        ({"cot-r1": {"judge": {"model": "limo"}}}, "the recipe cot-r1 asks limo for its match_answers"),
        # It labels, but what it does elsewhere is not known for solutions.
        ({"cot-qwq": {"model": "qwen2.5-32b-instruct"}}, "asks qwen2.5-32b-instruct for its generate_solutions"),
    ],
)
def test_a_recipe_whose_models_have_no_assumed_speed_is_refused_and_not_left_out(
    tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(json.dumps({"recipes": changes}))
    with pytest.raises(utilisation.UserError, match=f"{told}.*no speed of that model is assumed"):
        utilisation.main([*SMALL, "--configfile", str(overlay)])


@pytest.mark.parametrize(("target", "status"), [("0.01", 0), ("0.999", 1)])
def test_the_exit_status_says_whether_the_defaults_reach_the_target(
    target: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert utilisation.main([*SMALL, "--target", target]) == status
    printed = capsys.readouterr().out
    assert ("NOT REACHED" in printed) == bool(status)
    assert "as in config" in printed


def test_an_assumption_is_changed_by_its_name_and_a_wrong_name_is_refused() -> None:
    changed = utilisation.assumptions(["deepseek-r1.start_min=60"])["deepseek-r1"]
    assert changed.start_min == 60
    assert utilisation.assumptions([])["deepseek-r1"].start_min == 45
    assert changed.tokens_per_second == utilisation.ASSUMED["deepseek-r1"].tokens_per_second
    for wrong in ("deepseek-r1.start=60", "start_min=60", "gpt.start_min=60"):
        with pytest.raises(ValueError, match="not of the form"):
            utilisation.assumptions([wrong])


def test_the_advice_names_a_change_that_reaches_the_target() -> None:
    args = utilisation.argparse.Namespace(shards=(4, 8), concurrency=(64,), target=0.5)
    simulation = utilisation.Simulation(plan(runtime_min=20), assumed())
    assert not utilisation.is_enough(simulation.default(), plan(), 0.5)
    assert "shards 4, concurrency 64, runtime_min 360" in utilisation.advice(simulation, args)
    assert "No cell" in utilisation.advice(
        simulation, utilisation.argparse.Namespace(**vars(args) | {"target": math.inf})
    )


@pytest.mark.parametrize("recipe", ["cot-qwq", "cot-r1", "tir-openmath"])
def test_what_estimate_advises_reaches_the_target_at_the_corners_of_what_is_plausible(recipe: str) -> None:
    args = utilisation.argparse.Namespace(problems=None, servers=32, samples=1, configfile=[])
    (plan,) = [found for found in utilisation.plans(args) if found.recipe == recipe]
    speeds, starts = utilisation.PLAUSIBLE[plan.model]
    for speed, start_min in product((speeds[0], speeds[-1]), (starts[0], starts[-1])):
        known = utilisation.assumptions([])[plan.model]
        case = utilisation.replace(known, tokens_per_second=speed, start_min=start_min)
        theirs = utilisation.advised(plan, case)
        assert utilisation.is_enough(utilisation.Simulation(theirs, case).default(), theirs, 0.95)
        assert theirs.shards <= plan.shards
