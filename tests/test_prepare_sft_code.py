"""Training rows of solutions that ran code: in the published form, as a chat with tools, and beside rows of other modes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import write_dataset
from code_files import DISGUISES, Ran, coded_reply, write_replies
from omr.errors import UserError
from omr.training.code_rows import TOOLS, told_budget
from sft_files import ROOT, Row, judged_row, problem, training_rows
from solution_files import Made, run_stage, write_rows

OK = Ran("print(6 * 7)", "42\n")
SUMMARY = "We compute. The answer is \\boxed{42}."
Pieces = tuple[str | Ran, ...]
THOUGHT: Pieces = (
    "<think>\nHm.\n",
    OK,
    "So \\boxed{42}.\n\nLet me be sure.\n",
    OK,
    "Yes.\n</think>\n\nIt is \\boxed{42}.",
)
PLAIN: Pieces = ("Hm.\n", OK, "So it is \\boxed{42}.\n\n**Good luck!**")


def judged(problem_id: str, seed: int) -> Row:
    row: Row = judged_row({"judgement": "yes", "reply": {"id": problem_id, "seed": seed}})
    return row | {"predicted_answer": "42", "expected_answer": "42"}


class Shard:
    """The files of a shard from the pieces of its solutions; all of them are right, and in `kept` but for those named."""

    def __init__(self, folder: Path, *solutions: Pieces, dropped: tuple[int, ...] = (), **options: Any) -> None:
        self.folder, self._options = folder, options
        replies = [coded_reply("aa-1", *pieces, seed=n, **options) for n, pieces in enumerate(solutions)]
        rows = [judged("aa-1", n) for n in range(len(solutions))]
        self.solutions = write_replies(folder, replies)
        self.problems = write_rows(folder / "problems.jsonl", [problem("aa-1")])
        self.judged = write_rows(folder / "judged.jsonl", rows)
        self.kept = write_rows(folder / "kept.jsonl", [row for row in rows if row["seed"] not in dropped])

    def traces(self) -> Made:
        given = {
            "problems": self.problems,
            "judged": self.kept,
            "solutions": self.solutions,
            "prompt-name": "solve_tir",
        }
        return run_stage("select_traces", self.folder / "traces.jsonl", given)

    def prepare(self, prompt: str = "solve_tir", *, summaries: bool = False, **flags: Any) -> Made:
        given: dict[str, Any] = {"problems": self.problems, "shard": 0, "shards": 1, "judged": self.judged}
        given |= {"kept": self.kept, "solutions": self.solutions, "mode": "tir"}
        given["prompt"] = write_prompt(self.folder)
        if summaries:
            made = self.traces()
            rows = [
                judged("aa-1", row["seed"]) | {"summary": SUMMARY, "summary_candidate": 0, "summary_judged_by": "llm"}
                for row in made.rows
            ]
            given["untraced"] = made.path.with_suffix(".dropped")
            given |= {"traces": made.path, "summarized": write_rows(self.folder / "summarized.jsonl", rows)}
            given["summary-model"] = "owner/summarizer"
        return run_stage("prepare_sft", self.folder / "sft", given | flags, files=["figures"])


def write_prompt(folder: Path) -> Path:
    """A prompt of the name that replies have, which tells the budget."""
    path = folder / "solve_tir.yaml"
    path.write_text("user: Run code up to {{ code_budget }} times.\n\n  {{ problem }}\n")
    return path


# ---- the row


def test_a_row_has_the_trimmed_transcript_and_the_new_summary(tmp_path: Path) -> None:
    made = Shard(tmp_path, THOUGHT, budget=5).prepare(summaries=True)
    (row,) = made.rows
    assert row["generated_solution"] == (
        "<think>\nHm.\n<tool_call>\nprint(6 * 7)\n</tool_call>\n```output\n42\n```\n"
        "```system\nRemaining code executions: 4. Every block that you close takes one.\n```\nSo \\boxed{42}.\n</think>\n\n"
        + SUMMARY
    )
    assert (row["code_budget"], row["code_blocks"], row["code_failures"]) == (5, 1, 0)
    assert (row["inference_mode"], row["problem"]) == ("tir", problem("aa-1")["problem"])
    assert (row["summary_model"], row["tools"]) == ("owner/summarizer", TOOLS)
    prompt = row["messages"][0]["content"]
    assert prompt.startswith("Run code up to 5 times.")
    assert row["messages"][1:] == [{"role": "assistant", "content": row["generated_solution"]}]
    assert row["messages_with_tools"][0] == row["messages"][0]
    assert row["messages_with_tools"][-1]["content"] == "<think>\nSo \\boxed{42}.\n</think>\n\n" + SUMMARY


def test_without_summaries_the_row_is_what_the_model_saw(tmp_path: Path) -> None:
    (row,) = Shard(tmp_path, THOUGHT).prepare().rows
    assert row["generated_solution"].startswith("<think>\nHm.\n<tool_call>")
    assert row["generated_solution"].endswith("Yes.\n</think>\n\nIt is \\boxed{42}.")
    assert row["code_blocks"] == 2


def test_a_row_may_end_at_its_answer_with_another_prompt(tmp_path: Path) -> None:
    shard = Shard(tmp_path, PLAIN, THOUGHT, tags="fences", told=False)
    made = shard.prepare(**{"end-at-answer": [], "row-prompt": ROOT / "prompts/solve_cot.yaml"})
    first, second = made.rows
    block = "<tool_call>\nprint(6 * 7)\n</tool_call>\n```output\n42\n```\n"
    assert first["generated_solution"] == f"Hm.\n{block}So it is \\boxed{{42}}"
    assert second["generated_solution"] == f"Hm.\n{block}So \\boxed{{42}}"
    assert (first["code_budget"], first["code_blocks"]) == (None, 1)
    assert first["messages"][0]["content"].startswith("Solve the following mathematics problem.")
    assert first["messages_with_tools"][-1]["content"] == "So it is \\boxed{42}"


@pytest.mark.parametrize("budget", [1, 2, 8])
def test_a_loader_reads_the_budget_of_every_row_back(tmp_path: Path, budget: int) -> None:
    solutions = [THOUGHT if budget > 1 else PLAIN, PLAIN]
    for summaries in (False, True):
        if summaries and budget == 1:
            continue
        rows = Shard(tmp_path, *solutions[: 1 + (not summaries)], budget=budget).prepare(summaries=summaries).rows
        assert rows
        assert [told_budget(row["generated_solution"]) for row in rows] == [row["code_budget"] for row in rows]
        assert {row["code_budget"] for row in rows} == {budget}


# ---- what is dropped


def test_code_that_reads_a_table_by_a_named_constant_holds_no_control_token(tmp_path: Path) -> None:
    table = Ran("MAX_SUM = 9\ndp = [0] * 10\nprint(dp[MAX_SUM])", "0\n")
    (row,) = Shard(tmp_path, ("Hm.\n", table, "Since dp[MAX_SUM] is \\boxed{42}.")).prepare().rows
    assert "print(dp[MAX_SUM])" in row["generated_solution"]


def test_right_solutions_that_filters_dropped_say_so_and_count_for_the_pass_rate(tmp_path: Path) -> None:
    made = Shard(tmp_path, PLAIN, PLAIN + (" ",), THOUGHT, dropped=(1,)).prepare()
    assert [row["seed"] for row in made.rows] == [0, 2]
    assert made.counts["dropped"] == {"code_filtered": 1}
    assert {row["pass_rate"] for row in made.rows} == {1.0}


@pytest.mark.parametrize("output", DISGUISES, ids=range(len(DISGUISES)))
def test_rows_of_odd_outputs_are_whole_or_dropped_with_a_reason(tmp_path: Path, output: str) -> None:
    made = Shard(tmp_path, ("<think>\nHm.\n", Ran("print(1)", output), "So.\n</think>\n\n\\boxed{42}")).prepare()
    assert made.counts["read"] == 1 == len(made.rows) + len(made.dropped)
    for row in made.rows:
        assert row["generated_solution"].endswith("So.\n</think>\n\n\\boxed{42}")
        assert told_budget(row["generated_solution"]) == row["code_budget"]
        assert row["code_blocks"] == 1
    for row in made.dropped:
        assert row["reason"] in ("think_tag_in_text", "code_tag_in_text", "control_token_in_text", "budget_misread")
        assert any(mark in output for mark in ("think>", "tool_call>", "executions"))


def test_a_solution_whose_code_comes_after_its_reasoning_gets_no_summary(tmp_path: Path) -> None:
    shard = Shard(tmp_path, ("<think>Hm.</think>", OK, "It is \\boxed{42}."))
    made = shard.traces()
    assert (made.rows, made.counts["dropped"]) == ([], {"code_not_in_reasoning": 1})
    assert shard.prepare(summaries=True).counts["dropped"] == {"code_not_in_reasoning": 1}


def test_a_box_with_a_placeholder_ends_no_trace(tmp_path: Path) -> None:
    pieces = "<think>\nI shall put it into \\boxed{?}.\n\nNow: ", OK, "So it is.\n</think>\n\nIt is \\boxed{42}."
    (trace,) = Shard(tmp_path, pieces).traces().rows
    assert trace["solution"].endswith("So it is.")


def test_a_trace_holds_the_places_of_its_blocks(tmp_path: Path) -> None:
    (trace,) = Shard(tmp_path, THOUGHT, tags="fences").traces().rows
    ((code_from, code_to, output_from, output_to, status),) = trace["code"]["steps"]
    assert trace["solution"][code_from:code_to] == "print(6 * 7)"
    assert (trace["solution"][output_from:output_to], status) == ("42\n", "ok")
    assert trace["solution"].endswith("So \\boxed{42}.")


def test_kept_rows_of_other_judged_rows_are_an_error(tmp_path: Path) -> None:
    shard = Shard(tmp_path, PLAIN)
    write_rows(shard.kept, [judged("bb-1", 0)])
    with pytest.raises(UserError, match="is of no right solution"):
        shard.prepare()


# ---- the dataset


def test_a_dataset_with_code_loads_and_so_do_files_of_other_modes_beside_it(tmp_path: Path) -> None:
    with_code = Shard(tmp_path, THOUGHT, PLAIN).prepare()
    training_rows(tmp_path / "cot", 3)
    folder, cot = tmp_path / "both", (tmp_path / "cot/output", tmp_path / "cot/figures")
    for name, (rows, figures) in {"tir": (with_code.path, with_code.others["figures"]), "cot": cot}.items():
        given = [f"--shards={rows}", f"--figures={figures}", f"--output={folder / name}", "--title=t"]
        assert write_dataset.main(given) == 0
    code = (
        "import json, sys, datasets\n"
        "files = [f'{sys.argv[1]}/{name}/data/*.parquet' for name in sys.argv[2:]]\n"
        "print(json.dumps(list(datasets.load_dataset('parquet', data_files=files, split='train'))))"
    )
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(tmp_path / "cache")}
    for names in (["cot", "tir"], ["tir", "cot"]):
        command = [sys.executable, "-c", code, str(folder), *names]
        loaded = json.loads(
            subprocess.run(command, env=os.environ | offline, capture_output=True, text=True, check=True).stdout
        )
        assert sorted(row["inference_mode"] for row in loaded) == ["cot"] * 3 + ["tir"] * 2
        assert [row["tools"] for row in loaded if row["inference_mode"] == "tir"] == [TOOLS] * 2
        assert all(
            row["messages_with_tools"] is row["tools"] is None for row in loaded if row["inference_mode"] == "cot"
        )
    card = (folder / "tir" / "README.md").read_text()
    assert "`messages_with_tools`" in card
