"""The estimate of a run: its arithmetic, what it learns from what was seen, and the budget."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import run_files
import yaml
from code_run_files import code_config, write_code_run
from estimate import main
from estimated_runs import estimated, raw_threads, stage
from omr.errors import UserError
from omr.models.model import ModelSpec
from omr.runs.costs import PROMPT_TOKEN_WEIGHT, gpu_hours, missing_prices, usd
from omr.runs.published_ratios import RATIOS, TOKENS
from omr.servers.full_load import FullLoad
from selection_runs import selection_config

GPUS = ModelSpec("m", "p", "vllm", gpus=8, nodes=2, tokens_per_second=1000.0, usd_per_gpu_hour=2.0)
HOSTED = ModelSpec(
    "m", "p", "endpoint", usd_per_million_prompt_tokens=1.0, usd_per_million_completion_tokens=4.0, base_url="http://x"
)


def test_gpu_hours_follow_from_tokens_per_second_and_count_all_gpus() -> None:
    assert gpu_hours(GPUS, 0, 3_600_000) == pytest.approx(16.0)
    assert gpu_hours(GPUS, 3_600_000, 0) == pytest.approx(16.0 * PROMPT_TOKEN_WEIGHT)
    assert usd(GPUS, 0, 3_600_000, 16.0) == pytest.approx(32.0)


def test_an_endpoint_costs_its_tokens_and_no_gpus() -> None:
    assert gpu_hours(HOSTED, 1e6, 1e6) == 0.0
    assert usd(HOSTED, 2e6, 1e6, 0.0) == pytest.approx(6.0)


def test_batches_cost_half_or_what_config_says() -> None:
    assert usd(replace(HOSTED, server="batch"), 2e6, 1e6, 0.0) == pytest.approx(3.0)
    assert usd(replace(HOSTED, server="batch", batch_price=0.25), 2e6, 1e6, 0.0) == pytest.approx(1.5)


def test_a_cost_without_a_price_is_unknown_not_zero() -> None:
    bare = ModelSpec("m", "p", "vllm", gpus=8)
    assert gpu_hours(bare, 1, 1) is None
    assert usd(bare, 1, 1, 1.0) is None
    assert missing_prices(bare, "usd") == ["tokens_per_second", "usd_per_gpu_hour"]
    assert usd(ModelSpec("m", "p", "endpoint", base_url="http://x"), 1, 1, 0.0) is None


def test_the_bundled_server_is_free() -> None:
    replay = ModelSpec("m", "p", "replay", replies="r")
    assert (gpu_hours(replay, 1, 1), usd(replay, 1, 1, 0.0), missing_prices(replay, "usd")) == (0.0, 0.0, [])


def test_requests_flow_from_the_input_at_hand_through_the_published_ratios(tmp_path: Path) -> None:
    found = estimated(tmp_path / "small", raw_data=raw_threads(tmp_path, 620))
    problems = 620 * RATIOS["problems"].value
    assert found["threads"]["number"] == 620
    assert stage(found, "extract_problems")["requests"] == 620
    assert stage(found, "classify_problems")["requests"] == round(4 * problems) == 2320
    clean = problems * RATIOS["merged"].value * RATIOS["clean"].value
    solve = stage(found, "generate_solutions")
    assert solve["requests"] == round(clean * 2) == 1080
    assert solve["completion_tokens"] == 1080 * TOKENS["generate_solutions"][1]
    assert solve["usd"] == pytest.approx((solve["prompt_tokens"] + 2 * solve["completion_tokens"]) / 1e6)
    assert found["total"]["requests"] == sum(entry["requests"] for entry in found["stages"])
    assert found["total"]["usd"] == pytest.approx(sum(entry["usd"] for entry in found["stages"]))


def test_a_limit_bounds_the_threads(tmp_path: Path) -> None:
    raw = raw_threads(tmp_path, 50) | {"limit": 7}
    assert estimated(tmp_path / "small", raw_data=raw)["threads"]["number"] == 7


def test_without_input_the_published_number_of_threads_is_assumed_and_said(tmp_path: Path) -> None:
    found = estimated(tmp_path / "small")
    assert found["threads"]["number"] == 620_000
    assert any(note["what"] == "threads" and "published" in note["source"] for note in found["assumptions"])


def test_what_a_stage_did_is_counted_and_not_guessed(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    found = estimated(run)
    extract, solve = stage(found, "extract_problems"), stage(found, "generate_solutions")
    assert (extract["basis"], extract["requests"], extract["prompt_tokens"]) == ("counted", 3, 300)
    assert (solve["basis"], solve["requests"], solve["completion_tokens"]) == ("counted", 2, 80)


def test_a_part_that_ran_tells_the_tokens_of_the_rest(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    stages = run_files.config()["problems"]
    stages["extract_problems"]["shards"] = 2
    run_files.asked(run, "extract_problems", 10, shard="shard-000-of-002", prompt_tokens=770)
    found = stage(estimated(run, problems=stages), "extract_problems")
    assert (found["basis"], found["requests"], found["prompt_tokens"], found["done_requests"]) == ("seen", 3, 231, 10)


def test_another_run_serves_as_an_example(tmp_path: Path) -> None:
    example = run_files.write_run(tmp_path / "other")
    run_files.asked(example, "extract_problems", 100, prompt_tokens=123_400)
    found = estimated(tmp_path / "small", "--seen", str(example), raw_data=raw_threads(tmp_path, 620))
    extract = stage(found, "extract_problems")
    assert (extract["basis"], extract["prompt_tokens"]) == ("seen", 620 * 1234)
    # Of the example's three threads two have a problem.
    assert stage(found, "classify_problems")["requests"] == round(4 * 620 * 2 / 3)


@pytest.mark.parametrize(("budget", "told"), [({"usd": 0.01, "gpu_hours": None}, "USD, the budget is 0.01")])
def test_a_run_over_budget_stops_and_writes_nothing(tmp_path: Path, budget: dict[str, Any], told: str) -> None:
    run = tmp_path / "small"
    config = run_files.write_config(run, budget=budget, raw_data=raw_threads(tmp_path, 100))
    out = tmp_path / "budget.json"
    with pytest.raises(UserError, match=told):
        main(["--run", str(run), "--config", str(config), "--check", "--json", str(out)])
    assert not out.exists()


def test_a_run_within_budget_goes_on(tmp_path: Path) -> None:
    budget = {"usd": 1e6, "gpu_hours": 0.0}
    found = estimated(tmp_path / "small", "--check", budget=budget, raw_data=raw_threads(tmp_path, 100))
    assert 0 < found["total"]["usd"] < 1e6


def test_a_cost_that_nobody_knows_is_not_within_a_budget(tmp_path: Path) -> None:
    models = {"solver": {"path": "p", "server": "vllm", "gpus": 8}}
    with pytest.raises(UserError, match=r"cannot be estimated.*tokens_per_second"):
        estimated(tmp_path / "small", "--check", models=models, budget={"usd": None, "gpu_hours": 5.0})


def test_without_a_budget_unknown_costs_stop_nothing(tmp_path: Path) -> None:
    models = {"solver": {"path": "p", "server": "vllm", "gpus": 8}}
    assert estimated(tmp_path / "small", "--check", models=models)["total"]["usd"] is None


def test_the_table_says_what_was_assumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    estimated(tmp_path / "small")
    text = capsys.readouterr().out
    assert "0.935 problems per thread (published: 580K of 620K)" in text
    assert "solutions that are right" in text


def long_running(tmp_path: Path, **solver: Any) -> dict[str, Any]:
    """A run of 620 threads (1,080 solutions of 7,500 tokens) on a server of 1,000 tokens a second, priced or not."""
    model = {"path": "p", "server": "vllm", "gpus": 8, "nodes": 2, "tokens_per_second": 1000.0}
    return estimated(tmp_path / "small", raw_data=raw_threads(tmp_path, 620), models={"solver": model | solver})


def test_the_hours_of_a_job_follow_from_the_number_of_jobs(tmp_path: Path) -> None:
    solve = stage(long_running(tmp_path), "generate_solutions")
    seconds = (solve["completion_tokens"] + PROMPT_TOKEN_WEIGHT * solve["prompt_tokens"]) / 1000
    assert solve["jobs"] == 2
    assert solve["hours_per_job"] == pytest.approx(seconds / 3600 / 2)
    assert (solve["gpu_hours"], solve["hours_allowed"]) == (pytest.approx(16 * seconds / 3600), 12)


def measured(gpus: int = 16, seconds: float = 100.0) -> dict[str, Any]:
    """Counts of a server that did 1,000 tokens a second at full load, a tenth of its prompt tokens counted in."""
    load = FullLoad(seconds, prompt_tokens=200 * seconds, completion_tokens=980 * seconds)
    return {"gpus": gpus, "full_load": load.as_json()}


def test_examples_may_be_named_in_config(tmp_path: Path) -> None:
    example = run_files.write_run(tmp_path / "other")
    run_files.asked(example, "extract_problems", 100, prompt_tokens=123_400)
    found = estimated(
        tmp_path / "small",
        estimate={"seen": [str(example)], "rows_per_problem": 8},
        raw_data=raw_threads(tmp_path, 620),
    )
    assert stage(found, "extract_problems")["prompt_tokens"] == 620 * 1234


def test_an_overlay_without_what_it_lies_over_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not whole: it lacks estimate") as caught:
        main(["--run", str(tmp_path), "--config", "config/demo.yaml"])
    assert "--config config/config.yaml config/models.yaml config/benchmarks.yaml config/demo.yaml" in str(caught.value)


def test_an_example_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere: there is no run"):
        estimated(tmp_path / "small", estimate={"seen": [str(tmp_path / "nowhere")], "rows_per_problem": 8})


def test_a_speed_that_was_measured_serves_where_config_says_none(tmp_path: Path) -> None:
    example = run_files.write_run(tmp_path / "other")
    run_files.asked(example / run_files.RECIPE, "generate_solutions/seed-00", 10, **measured())
    models = {"solver": {"path": "p", "server": "vllm", "gpus": 8, "nodes": 2}}
    found = estimated(tmp_path / "small", "--seen", str(example), models=models)
    solve = stage(found, "generate_solutions")
    tokens = solve["completion_tokens"] + PROMPT_TOKEN_WEIGHT * solve["prompt_tokens"]
    assert solve["gpu_hours"] == pytest.approx(16 * tokens / 1000 / 3600)
    notes = {note["what"]: note for note in found["assumptions"]}
    own = notes["tokens per second of solver at generate_solutions (cot-small)"]
    assert (own["value"], own["source"]) == (pytest.approx(1000), f"measured in {example}")
    # A stage that was too short to be measured is taken to be as fast as another of the same model.
    assert stage(found, "judge_answers")["gpu_hours"] > 0
    other = notes["tokens per second of solver at judge_answers (cot-small)"]
    assert (other["value"], other["source"]) == (own["value"], f"measured in {example}, at generate_solutions")


@pytest.mark.parametrize(
    ("counts", "why_not"), [(measured(gpus=8), "another size"), (measured(seconds=5), "too short to tell")]
)
def test_a_speed_of_another_server_or_of_a_moment_does_not_serve(
    tmp_path: Path, counts: dict[str, Any], why_not: str
) -> None:
    example = run_files.write_run(tmp_path / "other")
    run_files.asked(example / run_files.RECIPE, "generate_solutions/seed-00", 10, **counts)
    models = {"solver": {"path": "p", "server": "vllm", "gpus": 8, "nodes": 2}}
    found = estimated(tmp_path / "small", "--seen", str(example), models=models)
    assert stage(found, "generate_solutions")["gpu_hours"] is None, why_not


def test_an_example_need_not_know_the_recipe(tmp_path: Path) -> None:
    example = run_files.write_run(tmp_path / "other")
    recipes = {"cot-new": run_files.config()["recipes"][run_files.RECIPE]}
    found = estimated(tmp_path / "small", "--seen", str(example), recipes=recipes, recipes_to_run=["cot-new"])
    assert stage(found, "generate_solutions")["basis"] == "assumed"


def test_what_another_model_wrote_says_nothing_of_this_ones_tokens(tmp_path: Path) -> None:
    example = run_files.write_run(tmp_path / "other")
    run_files.asked(example / run_files.RECIPE, "generate_solutions/seed-00", 10, model="parrot", completion_tokens=70)
    run_files.asked(example / run_files.RECIPE, "generate_solutions/seed-01", 10, model="parrot", completion_tokens=70)
    found = estimated(tmp_path / "small", "--seen", str(example))
    assert stage(found, "generate_solutions")["basis"] == "assumed"


def test_starts_of_servers_are_counted_for_every_try(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    without = stage(long_running(tmp_path), "generate_solutions")
    assert without["start_hours"] is None
    assert "Starts of solver are not counted: config lacks its start_min." in capsys.readouterr().out
    # Two jobs of 1.1 h each, in three tries of an hour, of which half is the start.
    found = stage(long_running(tmp_path, start_min=30, runtime_min=60), "generate_solutions")
    assert found["start_hours"] == 2 * 3 * 0.5 * 16
    assert found["gpu_hours"] == pytest.approx(without["gpu_hours"] + 48)
    assert "3 tries, and one more for a failed one, which `retries` of the profile must" in capsys.readouterr().out


@pytest.mark.parametrize(("gpus", "minutes"), [(16, 12.0), (8, 30.0)])
def test_starts_that_were_measured_on_as_many_gpus_count_before_what_config_assumes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], gpus: int, minutes: float
) -> None:
    example = run_files.write_run(tmp_path / "other")
    run_files.asked(example / run_files.RECIPE, "generate_solutions/seed-00", 10, gpus=gpus, starts=2, start_s=1440.0)
    solver = {"path": "p", "server": "vllm", "gpus": 8, "nodes": 2, "tokens_per_second": 1.0, "start_min": 30.0}
    found = estimated(tmp_path / "small", "--seen", str(example), models={"solver": solver})
    assert stage(found, "generate_solutions")["start_min"] == pytest.approx(minutes)
    assert f"solver starts in {minutes:g} min" in capsys.readouterr().out


def test_jobs_that_are_too_short_for_their_starts_are_told_with_how_many_would_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long_running(tmp_path, start_min=30, runtime_min=60)
    said = capsys.readouterr().out
    assert "a job that works 16.2 h for each start loses 3% to it, but `runtime_min` of 60 makes that 50.0%" in said
    assert (
        "generate_solutions works 1.1 h a job on average and loses 57% to starts: 1 instead of 2 jobs would do" in said
    )
    assert "judge_answers works" not in said  # one job it is already


def test_what_config_should_say_is_yaml_and_ends_the_advice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipes = run_files.config()["recipes"]
    model = {"path": "p", "server": "vllm", "gpus": 8, "tokens_per_second": 1000.0, "start_min": 3}

    def told(runtime_min: int, **changes: int) -> list[str]:
        recipe = {run_files.RECIPE: recipes[run_files.RECIPE] | changes}
        models = {"solver": model | {"runtime_min": runtime_min}}
        estimated(tmp_path / "small", raw_data=raw_threads(tmp_path, 620), models=models, recipes=recipes | recipe)
        return capsys.readouterr().out.splitlines()

    said = told(30, shards=4)
    place = said.index("Config that makes jobs as long as that (of recipes only before their first solutions):")
    lines = [line for line in said[place + 1 :] if line.startswith("  ")][:2]
    assert yaml.safe_load("\n".join(lines)) == {
        "recipes": {run_files.RECIPE: {"seeds_per_job": 2, "shards": 1}},
        "models": {"solver": {"runtime_min": 146}},
    }
    advised = told(146, seeds_per_job=2, shards=1)
    assert not [line for line in advised if line.startswith("Config that makes")]


def test_gpus_of_a_stage_that_ran_are_those_that_it_held(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    run_files.asked(run, "extract_problems", 10, wall_s=1800.0, gpus=16)
    models = {"solver": {"path": "some/solver", "server": "vllm", "gpus": 8, "nodes": 2, "tokens_per_second": 1.0}}
    extract = stage(estimated(run, models=models), "extract_problems")
    assert (extract["basis"], extract["gpu_hours"]) == ("counted", 8.0)


@pytest.mark.parametrize(("runtime_min", "told"), [(720, False), (60, True)])
def test_jobs_that_outlast_their_time_limit_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], runtime_min: int, told: bool
) -> None:
    long_running(tmp_path, runtime_min=runtime_min)
    said = capsys.readouterr().out
    assert ("works about 1.1 h, its time limit is 1.0 h: 2 tries, and one more for a failed one" in said) == told


def test_switching_off_converted_proofs_asks_less(tmp_path: Path) -> None:
    stages = run_files.config()["problems"] | {"use_converted_proofs": False}
    found = estimated(tmp_path / "small", problems=stages)
    assert not [entry for entry in found["stages"] if entry["stage"] in ("convert_proofs", "classify_converted")]
    assert stage(found, "generate_solutions")["requests"] < 580_000


def test_filters_of_code_and_votes_on_it_are_part_of_the_flow(tmp_path: Path) -> None:
    run = write_code_run(tmp_path)
    for path in (run / "tir-small/counts/judge_code").iterdir():
        path.unlink()
    found = estimated(run, **code_config(raw_data=raw_threads(tmp_path, 3)))
    # Two right solutions, both cleaned, each with a block to vote on: two questions, eight votes. One stays.
    assert stage(found, "judge_code")["requests"] == 2 * 1 * 2 * 8
    assert found["sft_rows"] == {"tir-small": 1}
    asked = [entry["stage"] for entry in found["stages"] if entry["recipe"] == "tir-small"]
    assert asked[0] == "generate_solutions"
    assert "generate_summaries" not in asked


def test_solutions_with_code_send_their_prompts_again_with_each_turn(tmp_path: Path) -> None:
    fresh = tmp_path / "fresh" / "small"
    config = code_config(raw_data=raw_threads(tmp_path, 58))
    config["recipes"]["tir-small"]["seeds"] = 1
    models = {"solver": {"path": "a/b", "server": "vllm", "gpus": 1, "tokens_per_second": 100.0, "start_min": 0}}
    found = stage(estimated(fresh, **config, models=models), "generate_solutions")
    turns, (prompt, completion) = RATIOS["turns"].value, TOKENS["generate_solutions"]
    each = turns * prompt + completion * (turns - 1) / 2
    assert found["prompt_tokens"] == pytest.approx(found["requests"] * each, rel=0.02)
    computed = found["requests"] * (completion + PROMPT_TOKEN_WEIGHT * each * (1 - RATIOS["reused"].value))
    assert found["gpu_hours"] == pytest.approx(computed / 100 / 3600, rel=0.02)
    assert found["code"]["executions"] == RATIOS["executions"].value
    assert found["code"]["cpu_s"] == pytest.approx(RATIOS["executions"].value * RATIOS["code_cpu_s"].value)


def test_what_solutions_with_code_did_is_learned_from_their_counts(tmp_path: Path) -> None:
    run = write_code_run(tmp_path)
    for path in (run / "tir-small/counts/generate_solutions").rglob("*.json"):
        counts = json.loads(path.read_text())
        counts |= {"prompt_tokens": 1000, "cached_tokens": 900, "answered": 4, "requests": 4}
        counts["code"] = {"turns": 10, "executions": 5, "cpu_s": 2.5, "ended": {"stop": 4}}
        path.write_text(json.dumps(counts))
    config = code_config(raw_data=raw_threads(tmp_path, 3))
    found = stage(estimated(run, **config), "generate_solutions")
    assert found["code"] == {"turns": 2.5, "executions": 1.25, "cpu_s": 0.625, "reused": 0.9}


def test_what_a_problem_solved_and_a_row_kept_cost_is_told(tmp_path: Path) -> None:
    found = estimated(tmp_path, raw_data=raw_threads(tmp_path, 620))
    (name, told), *_ = found["yields"].items()
    hours = sum(stage["gpu_hours"] or 0.0 for stage in found["stages"] if stage["recipe"] == name)
    assert told["solutions"] == stage(found, "generate_solutions")["requests"]
    if told["gpu_hours"] is not None:
        assert told["gpu_hours"] == pytest.approx(hours)
        assert told["gpu_hours_per_row_kept"] * told["rows_kept"] == pytest.approx(hours, rel=0.01)
    assert 0 < told["problems_solved"] <= 540
    assert told["rows_kept"] <= told["rows_per_problem_at_most"] * told["problems_solved"]


def test_measured_pass_rates_replace_the_assumed_distribution(tmp_path: Path) -> None:
    run = tmp_path / "small"
    rates = [
        {"id": f"{n:016x}-1", "share": share, "solutions": 4, "answer_source": "extracted"}
        for n, share in enumerate([0.0, 1.0, 1.0, 1.0])
    ]
    (run / "cot-small" / "pass_rates.jsonl").parent.mkdir(parents=True, exist_ok=True)
    (run / "cot-small" / "pass_rates.jsonl").write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in rates))
    found = estimated(run, raw_data=raw_threads(tmp_path, 620))
    told = found["yields"]["cot-small"]
    assert told["right"] == pytest.approx(0.75 * told["solutions"], rel=0.01)
    assert any("pass rates of cot-small" in note["what"] for note in found["assumptions"])


def test_comparisons_follow_from_problems_and_summaries_of_wrong_solutions_from_solutions(tmp_path: Path) -> None:
    config = selection_config()
    found = estimated(tmp_path / "small", raw_data=raw_threads(tmp_path, 1000), **config)
    solved = stage(found, "generate_solutions")["requests"] / 2
    groups = solved * RATIOS["groups"].value
    assert stage(found, "select_solutions")["requests"] == pytest.approx(groups, rel=0.01)
    right = groups * RATIOS["right_picks"].value
    assert stage(found, "generate_selection_summaries")["requests"] == pytest.approx(4 * right, rel=0.01)
    assert found["sft_rows"]["genselect-small"] == pytest.approx(right * RATIOS["selections"].value, rel=0.01)
    wrong = 2 * solved * RATIOS["wrong_traces"].value
    assert stage(found, "generate_wrong_summaries")["requests"] == pytest.approx(4 * wrong, rel=0.01)


def test_a_run_learns_from_another_how_many_groups_there_are(tmp_path: Path) -> None:
    config = selection_config()
    example = run_files.write_run(tmp_path / "other")
    run_files.write_config(example, **config)
    counts = {"read": 10, "passed": 5, "written": 30, "dropped": {}}
    path = example / "genselect-small/counts/form_groups/shard-000-of-001.json"
    run_files.write_counts(path, **counts)
    raw = raw_threads(tmp_path, 1000)
    found = estimated(tmp_path / "small", "--seen", str(example), raw_data=raw, **config)
    assert stage(found, "select_solutions")["requests"] == pytest.approx(
        3 * stage(found, "generate_solutions")["requests"] / 2, rel=0.01
    )


def test_a_finished_run_has_the_rows_of_its_files_and_nothing_remains(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_files.write_run(tmp_path)
    for stage_name in ("match_answers", "judge_answers", "generate_summaries", "judge_summaries"):
        run_files.asked(run / run_files.RECIPE, stage_name, 0)
    recipe = run_files.config()["recipes"][run_files.RECIPE]
    recipe["summaries"] = recipe["summaries"] | {"enabled": False}
    for stage_name in ("classify_problems", "extract_answers", "convert_proofs", "classify_converted"):
        run_files.asked(run, stage_name, 2)
    run_files.asked(run, "check_contamination", 4)
    for stage_name in ("extract_planted_problems", "extract_planted_answers"):
        run_files.asked(run, stage_name, 1)
    found = estimated(run, recipes={run_files.RECIPE: recipe})
    assert found["sft_rows"] == {run_files.RECIPE: 1}
    assert [entry["stage"] for entry in found["stages"] if entry["basis"] != "counted"] == []
    assert found["remaining"] == dict.fromkeys(found["remaining"], 0)
    said = capsys.readouterr().out
    assert "Remains: nothing; every model stage has run." in said
    assert f"Training rows: {run_files.RECIPE} 1 (made)." in said


def test_what_remains_is_what_no_finished_job_has_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fresh = estimated(tmp_path / "fresh/small", raw_data=raw_threads(tmp_path, 100))
    assert fresh["remaining"]["requests"] == fresh["total"]["requests"]
    assert fresh["remaining"]["usd"] == pytest.approx(fresh["total"]["usd"])
    stages = run_files.config()["problems"]
    stages["extract_problems"]["shards"] = 2
    run = tmp_path / "half/small"
    run_files.asked(run, "extract_problems", 40, shard="shard-000-of-002")
    half = estimated(run, raw_data=raw_threads(tmp_path, 100), problems=stages)
    extract = stage(half, "extract_problems")
    others = sum(entry["requests"] for entry in half["stages"]) - extract["requests"]
    assert half["remaining"]["requests"] == others + 60
    assert f"Remains: {others + 60:,} requests, " in capsys.readouterr().out


def test_tokens_that_no_server_counted_are_unknown_and_so_is_their_price(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_files.write_run(tmp_path)
    none = {"prompt_tokens": 0, "completion_tokens": 0}
    run_files.asked(run, "extract_problems", 3, without_usage=3, **none)
    found = stage(estimated(run), "extract_problems")
    assert (found["basis"], found["tokens_counted"], found["usd"]) == ("counted", False, None)
    said = capsys.readouterr().out
    row = next(line for line in said.splitlines() if line.startswith("  extract_problems "))
    assert row.split()[2:4] == ["unknown"] * 2
    assert next(line for line in said.splitlines() if line.startswith("all ")).split()[2].startswith(">=")
    assert json.loads((tmp_path / "estimate.json").read_text())["total"]["tokens_counted"] is False
    assert "Unknown: the cost of solver; its server counts no tokens." in said


def test_given_problems_are_counted_whatever_their_file_and_no_thread_is_labelled(tmp_path: Path) -> None:
    path = tmp_path / "problems.json"
    path.write_text(json.dumps([{"problem": f"Find ${n}x$.", "expected_answer": n} for n in range(50)], indent=1))
    given = run_files.config()["problems_from"] | {"path": str(path)}
    first = estimated(tmp_path / "run", problems_from=given)
    assert (first["threads"]["number"], first["threads"]["what"]) == (50, "problems")
    assert "extract_problems" not in {entry["stage"] for entry in first["stages"]}
    assert stage(first, "check_contamination")["requests"] == round(50 * RATIOS["pairs"].value)
    limited = estimated(tmp_path / "run", problems_from=given | {"limit": 7})
    assert limited["threads"]["number"] == 7


def test_given_problems_that_are_classified_cost_four_questions_each_and_their_proofs_more(tmp_path: Path) -> None:
    path = tmp_path / "problems.jsonl"
    run_files.write_rows(path, *({"problem": f"Find ${n}x$.", "expected_answer": n} for n in range(50)))
    given = run_files.config()["problems_from"] | {"path": str(path), "classify": True}
    found = estimated(tmp_path / "run", problems_from=given)
    assert stage(found, "classify_problems")["requests"] == 200
    assert stage(found, "convert_proofs")["requests"] == round(50 * RATIOS["proofs"].value)
    assert {"extract_problems", "extract_answers"}.isdisjoint(entry["stage"] for entry in found["stages"])
    merged = 50 * RATIOS["merged"].value * RATIOS["unique"].value
    assert stage(found, "check_contamination")["requests"] == round(merged * RATIOS["pairs"].value)


def test_the_share_of_known_answers_is_that_of_the_problems_that_were_read(tmp_path: Path) -> None:
    path = tmp_path / "problems.jsonl"
    run_files.write_rows(path, {"problem": "Find $x$.", "expected_answer": 1})
    given = run_files.config()["problems_from"] | {"path": str(path)}
    types = {"has_answer_extracted": 3, "no_answer_extracted": 1}
    counts = {"read": 4, "passed": 4, "written": 4, "dropped": {}, "problem_types": types}
    run_files.write_counts(tmp_path / "run/counts/read_problems.json", stage="read_problems", **counts)
    found = {each["what"]: each["value"] for each in estimated(tmp_path / "run", problems_from=given)["assumptions"]}
    assert found[RATIOS["known"].what] == 0.75
