"""Training rows of comparisons have the published form."""

from __future__ import annotations

from pathlib import Path

import write_dataset
from omr.asking.prompts import load_prompt
from omr.training.columns import NAMES
from selection_files import PROMPTS, pool, prepare, problem, summary, whole_way
from solution_files import read_lines, write_rows

ROWS = {"cot": [row for number in range(5) for row in pool(f"p{number}-1", 2, 3)]}


def test_the_problem_is_the_whole_prompt_and_the_solution_the_summary(tmp_path: Path) -> None:
    made = whole_way(tmp_path, ROWS)
    comparisons = {row["id"]: row for row in read_lines(tmp_path / "comparisons.jsonl")}
    prompt = load_prompt(PROMPTS / "select_solution.yaml")
    for row in made.rows:
        assert tuple(row) == NAMES
        [message] = prompt.render(comparisons[row["id"]])
        assert row["problem"] == message["content"]
        assert row["messages"] == [message, {"role": "assistant", "content": row["generated_solution"]}]
        assert row["generated_solution"] == f"It is the soundest.\n\nJudgment: {row['selected']}"
        assert (row["inference_mode"], row["original_problem"]) == ("genselect", f"The problem {row['problem_id']}.")
        assert (row["group"], row["seed"]) == (row["id"], int(row["id"].rpartition("-g")[2]))
        assert row["candidate_ids"][row["selected"]] == row["selected_id"]
        assert (row["generation_model"], row["summary_model"]) == ("m", "owner/summarizer@1")
        assert (row["expected_answer"], row["answer_source"], row["pass_rate"]) == ("5", "extracted", 0.4)
    assert len(made.rows) == made.counts["read"] > 10


def test_the_rows_make_a_dataset(tmp_path: Path) -> None:
    made = whole_way(tmp_path, ROWS)
    given = [
        f"--shards={made.path}",
        f"--figures={made.others['figures']}",
        f"--output={tmp_path / 'dataset'}",
        "--title=comparisons",
    ]
    assert write_dataset.main(given) == 0
    assert "comparisons of several solutions" in (tmp_path / "dataset/README.md").read_text()


def test_a_problem_that_is_not_clean_makes_no_row(tmp_path: Path) -> None:
    made = whole_way(tmp_path, ROWS)
    summarized = made._replace(path=tmp_path / "summarized.jsonl")
    again = prepare(tmp_path, summarized, problems=[problem("p1-1")])
    assert {row["problem_id"] for row in again.rows} == {"p1-1"}
    assert set(again.counts["dropped"]) == {"contaminated"}
    assert again.counts["read"] == len(again.rows) + len(again.dropped)


def test_tags_of_reasoning_and_of_chat_templates_make_no_row(tmp_path: Path) -> None:
    made = whole_way(tmp_path, {"cot": [summary("a-1", 0), summary("a-1", 1, "6", right=False)]})
    [row] = read_lines(tmp_path / "summarized.jsonl")
    for text, reason in (("Hm. </think>", "think_tag_in_text"), ("<|im_end|>", "control_token_in_text")):
        write_rows(tmp_path / "summarized.jsonl", [row | {"summary": f"{text} Judgment: 0"}])
        again = prepare(tmp_path, made._replace(path=tmp_path / "summarized.jsonl"))
        assert again.counts["dropped"] == {reason: 1}


def test_rows_carry_the_pass_rates_of_other_recipes(tmp_path: Path) -> None:
    made = whole_way(tmp_path, {"cot": pool("a-1", 1, 1)})
    assert (made.rows[0]["pass_rates"], made.rows[0]["pass_rate_72b_tir"]) == (None, "n/a")
    rates = write_rows(tmp_path / "rates.jsonl", [{"id": "a-1", "share": 0.25, "answer": "5.0"}])
    given = {"pass_rates": [f"hard={rates}"], "pass_rate_72b_tir": "hard"}
    [row] = prepare(tmp_path, made._replace(path=tmp_path / "summarized.jsonl"), **given).rows
    assert (row["pass_rates"], row["pass_rate_72b_tir"]) == ({"hard": 0.25}, "0.25")
    write_rows(tmp_path / "rates.jsonl", [{"id": "a-1", "share": 0.25, "answer": "6"}])
    [row] = prepare(tmp_path, made._replace(path=tmp_path / "summarized.jsonl"), **given).rows
    assert (row["pass_rates"], row["pass_rate_72b_tir"]) == ({"hard": None}, "n/a")
