"""What the report of a recipe calls its numbers: what they count, what they are of, and that one is one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import run_files
from omr.solutions.pass_rate import PassRate
from omr.solutions.solution_figures import SolutionFigures
from row_shards import whole_row, write_shard
from write_report import main

SHARD = "shard-000-of-001.json"


def text_of(run: Path) -> str:
    """The visible text of the page of a run."""
    page = run / "page.html"
    flags = ["--run", str(run), "--recipe", run_files.RECIPE, "--config", str(run / "config.yaml")]
    assert main([*flags, "--output", str(page)]) == 0
    return " ".join(re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8")).split())


def judged_run(folder: Path, **judged: Any) -> Path:
    """A run whose 64 requests for solutions of 14 problems gave 56 solutions, of which 52 were looked at."""
    run = run_files.write_run(folder)
    home = run / run_files.RECIPE
    counts = home / "counts"
    endings = {"answered": 48, "unfinished": 4, "without_answer": 3, "with_several_answers": 1, "failed": 8}
    dropped = {"no_readable_answer": 1}
    solved = {"read": 14, "passed": 13, "written": 60, "dropped": dropped, "solutions": endings}
    run_files.write_counts(counts / "fill_majority_answer" / SHARD, **solved)
    verdicts = {"yes": 37, "no": 10, "unjudged": 13}
    reasons = {"failed": 8, "verdict_unreadable": 1, "unfinished": 4}
    looked_at = {"read": 60, "passed": 60, "written": 60, "dropped": {}, "judgement": verdicts}
    run_files.write_counts(counts / "merge_judgements" / SHARD, **looked_at | {"unjudged_reason": reasons} | judged)
    for seed in range(2):
        kinds = {"requests": 32, "answered": 28, "failed": {"http_500": 4}}
        run_files.asked(home, f"generate_solutions/seed-{seed:02d}", **kinds)
    return run


def test_judged_are_those_with_a_verdict_and_solutions_those_with_a_reply(tmp_path: Path) -> None:
    text = text_of(judged_run(tmp_path))
    assert "47 of 56 solutions judged 66.1% of 56 solutions are right" in text
    assert "56 solutions of 14 problems became 1 training row of 1 problem: 56.0 solutions per row" in text
    assert "8 further requests failed for good, and gave no solution." in text
    assert "not finished 4 7.1%" in text
    assert "Solutions that are not finished reached the token limit." in text
    assert "verdict number share of 52 right 37 71.2% wrong 10 19.2% not judged 5 9.6%" in text
    assert "These are 52 of the 56 solutions" in text
    assert "Not judged: 4 the solution is not finished, 1 the judge's reply could not be read." in text.replace(
        "&#39;", "'"
    )


def test_a_pass_rate_is_told_with_what_counts_as_wrong_and_of_all_problems_that_were_asked(tmp_path: Path) -> None:
    text = text_of(judged_run(tmp_path))
    assert "Solutions that were cut, or state no answer or several, count as wrong." in text
    # One problem of the small run has a rate.
    assert "it is unknown for 13 of 14 problems that the model was asked about." in text
    assert "Of 1 further problem no solution states an answer" in text


def test_problems_that_the_plan_left_out_are_not_among_those_asked(tmp_path: Path) -> None:
    run = judged_run(tmp_path)
    counts = {"read": 14, "passed": 1, "written": 2, "dropped": {"not_asked": 12}, "solutions": {"answered": 2}}
    run_files.write_counts(run / run_files.RECIPE / "counts/fill_majority_answer" / SHARD, **counts)
    text = text_of(run)
    assert "it is unknown for 1 of 2 problems that the model was asked about." in text
    assert "solutions of 2 problems became 1 training row" in text


def test_nobody_is_said_to_have_left_the_tokens_of_a_failed_request_uncounted() -> None:
    figures = SolutionFigures()
    rows = [{"judgement": "unjudged", "unjudged_reason": "failed", "completion_tokens": None}]
    rows[0] |= {"majority_votes": 0, "total_votes": 0, "answer_source": "extracted"}
    figures.add(PassRate(0, 0), rows)
    assert (figures.without_length, figures.rated) == (0, 0)


def test_the_rate_of_a_sample_stands_with_the_solutions_that_it_is_of(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    row = whole_row(id="a-0", problem_id="a", pass_rate=0.5, pass_rate_of=4)
    write_shard(run / run_files.RECIPE, [row], solutions=SolutionFigures())
    assert "pass rate 0.50 of 4 solutions" in text_of(run)


def given_run(folder: Path) -> Path:
    """A run of given problems in which a vote replaced one of their answers."""
    run = run_files.write_run(folder)
    (run / "counts/prepare_raw_data.json").unlink()
    config = run_files.config()
    given = config["problems_from"] | {"path": "problems.csv"}
    run_files.write_config(run, problems_from=given)
    run_files.cpu(run, "read_problems", 2, 2, problem_types={"has_answer_extracted": 2})
    agreement = {"agrees": 1, "differs": 1}
    solved = {"read": 2, "passed": 2, "written": 4, "dropped": {}, "solutions": {"answered": 4}}
    solved |= {"extracted_answers": agreement, "answers_repaired": 1}
    run_files.write_counts(run / run_files.RECIPE / "counts/fill_majority_answer" / SHARD, **solved)
    row = whole_row(id="a-0", problem_id="a", original_expected_answer="7", changed_answer_to_majority=True)
    write_shard(run / run_files.RECIPE, [row], solutions=SolutionFigures())
    return run


def test_given_problems_have_no_forum_and_no_discussion(tmp_path: Path) -> None:
    text = text_of(given_run(tmp_path))
    assert "Where the problem set states an answer" in text
    assert "For 1 problem a large vote replaced the given answer" in text
    assert "the given answer, which the vote replaced" in text
    assert not re.search(
        r"forum|discussion|thread", text.partition("Some solutions")[0].partition("Answers and votes")[2]
    )


def test_who_gave_few_verdicts_is_not_said_to_vary(tmp_path: Path) -> None:
    def said(**verdicts: dict[str, int]) -> str:
        run = judged_run(tmp_path, verdicts=verdicts)
        return text_of(run).partition("Does anyone always say the same?")[2].partition("Some solutions")[0]

    assert "No judge or classifier was asked." in said(judge_answers={"yes": 0})
    few = said(judge_answers={"yes": 19, "unreadable": 9})
    assert (
        "Fewer than 20 replies could be read of judge_answers: too few to say whether it always says the same." in few
    )
    assert "No judge or classifier" not in few
    both = said(judge_answers={"yes": 20, "no": 20}, judge_summaries={"no": 1})
    assert "No judge or classifier with 20 readable replies or more gave one verdict in 95% of them." in both
    assert "Fewer than 20 replies could be read of judge_summaries" in both
    assert "judge_answers yes 20 20" in said(judge_answers={"yes": 20})


@pytest.mark.parametrize("authors", ["solver", "labeller"])
def test_where_people_authored_some_replies_the_stages_are_named(tmp_path: Path, authors: str) -> None:
    run = run_files.write_run(tmp_path)
    real = run_files.config()["models"]["solver"]
    models = {"solver": real, "labeller": real | {"path": "some/labeller"}}
    models[authors] = {"path": "authored", "server": "replay", "replies": "replies"}
    run_files.write_config(run, models=models, labelling_model="labeller")
    text = text_of(run)
    assert "no model wrote them" not in text
    stages = text.partition("no model wrote those of ")[2].partition(".")[0].split(", ")
    assert ("generate_solutions" in stages, "judge_answers" in stages) == (authors == "solver", authors == "labeller")
    # Problems were found with 30 tokens, solutions written with 80.
    assert ("30" if authors == "solver" else "80") + " tokens written by models" in text


@pytest.mark.parametrize("removed", [1, 2])
def test_one_is_one(tmp_path: Path, removed: int) -> None:
    run = run_files.write_run(tmp_path)
    run_files.cpu(run, "merge_data", 1, 1, problem_types={"has_answer_extracted": removed})
    text = text_of(run)
    told = "This is the 1 problem before" if removed == 1 else "These are the 2 problems before"
    assert told in text
    assert "1 training row from forum threads" in text
    assert "1 problem, free of benchmarks" in text
    assert not re.search(r"(?<![\d,.])1 (problems|solutions|choices|blocks|requests|verdicts|characters|rows)\b", text)
