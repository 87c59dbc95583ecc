from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import prepare_sft
import pytest
from code_files import Ran, coded_reply
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.asking.prompts import load_prompt
from omr.errors import UserError
from omr.files.jsonl import dumps, read_rows
from omr.stages.shards import shard_of
from omr.training.columns import COLUMNS, NAMES, REQUIRED, fault_of_messages
from omr.training.dropped_samples import MAX_CHARS, sample_of
from omr.training.figures import DROPPED_SAMPLES, read_figures
from sft_files import MODEL, ROOT, Inputs, problem, solution, write_lines
from small_tokenizer import save_tokenizer


def of_one_problem(folder: Path, *judgements: str, **fields: Any) -> Inputs:
    """A problem whose solutions 0, 1, ... were judged so."""
    return Inputs(folder, solutions=[solution("aa-1", n, verdict) for n, verdict in enumerate(judgements)], **fields)


def test_a_row_has_the_published_columns_and_the_lineage(tmp_path: Path) -> None:
    (row,) = of_one_problem(tmp_path, "yes").prepare().rows
    assert tuple(row) == NAMES
    assert NAMES[:9] == (
        "expected_answer", "problem_type", "problem_source", "generation_model", "pass_rate_72b_tir", "problem",
        "generated_solution", "inference_mode", "used_in_kaggle",
    )  # fmt: skip
    prompt = load_prompt(ROOT / "prompts" / "solve_cot.yaml")
    whole = "<think>\nI think 0.\n</think>\n\nIt is \\boxed{7}."
    assert row == {
        "expected_answer": "7.0", "problem_type": "has_answer_extracted", "problem_source": None,
        "generation_model": "some-model", "pass_rate_72b_tir": "n/a", "problem": "What is {{ aa-1 }}?",
        "generated_solution": whole, "inference_mode": "cot", "used_in_kaggle": None,
        "id": "aa-1-0", "pass_rate": 1.0, "pass_rate_of": 1,
        "messages": [*prompt.render({"problem": "What is {{ aa-1 }}?"}), {"role": "assistant", "content": whole}],
        "thread_id": "aa", "cluster": None, "duplicate_of": None, "source_url": None,
        "source_license": None, "source_author": None, "source_date": None, "problem_id": "aa-1", "seed": 0, "predicted_answer": "7",
        "answer_source": "majority", "majority_votes": 3, "total_votes": 4, "majority_agrees": None,
        "judgement": "yes", "judged_by": "llm", "tokens": None, "summary_model": None, "summary_candidate": None, "summary_judged_by": None,
        "completion_tokens": 100, "prompt_hash": row["prompt_hash"], "model": MODEL, "reply_key": "key-aa-1-0",
        "code_budget": None, "code_blocks": None, "code_failures": None, "messages_with_tools": None, "tools": None,
        "original_problem": None, "group": None, "candidate_ids": None, "selected": None, "selected_id": None,
        "group_size": None, "group_right": None,
        "pass_rates": None, "original_expected_answer": None, "changed_answer_to_majority": None,
    }  # fmt: skip


def test_types_are_the_published_ones() -> None:
    types = {column.name: column.type for column in COLUMNS[:9]}
    assert types.pop("used_in_kaggle") is bool
    assert set(types.values()) == {str}
    assert REQUIRED["used_in_kaggle"] == (bool, None)


def test_only_right_and_finished_solutions_pass_and_the_others_say_why(tmp_path: Path) -> None:
    reasons = {
        "no": "wrong", "failed": "failed", "unfinished": "unfinished", "no_answer": "no_answer",
        "verdict_unreadable": "unjudged", "verdict_no_reply": "unjudged",
    }  # fmt: skip
    made = of_one_problem(tmp_path, "yes", *reasons).prepare()
    assert [row["id"] for row in made.rows] == ["aa-1-0"]
    assert made.dropped == {f"aa-1-{n}": reason for n, reason in enumerate(reasons.values(), 1)}
    assert (made.counts["read"], made.counts["written"]) == (7, 1)


def test_the_pass_rate_leaves_out_what_nobody_knows(tmp_path: Path) -> None:
    verdicts = ("yes", "no", "unfinished", "no_answer", "failed", "verdict_unreadable")
    (row,) = of_one_problem(tmp_path, *verdicts).prepare().rows
    assert (row["pass_rate"], row["pass_rate_of"]) == (0.25, 4)


@pytest.mark.parametrize(
    ("option", "reason"), [("--min-pass-rate=0.6", "pass_rate_too_low"), ("--max-pass-rate=0.4", "pass_rate_too_high")]
)
def test_problems_outside_the_bounds_of_the_pass_rate_are_dropped(tmp_path: Path, option: str, reason: str) -> None:
    made = of_one_problem(tmp_path, "yes", "no").prepare(option)
    assert made.dropped == {"aa-1-0": reason, "aa-1-1": "wrong"}


def test_a_pass_rate_on_the_bound_is_inside(tmp_path: Path) -> None:
    assert len(of_one_problem(tmp_path, "yes", "no").prepare("--min-pass-rate=0.5", "--max-pass-rate=0.5").rows) == 1


def test_bounds_that_nothing_can_pass_are_an_error(tmp_path: Path) -> None:
    inputs = of_one_problem(tmp_path, "yes")
    with pytest.raises(UserError, match="above the greatest"):
        inputs.prepare("--min-pass-rate=0.6", "--max-pass-rate=0.5")
    with pytest.raises(UserError, match="solutions_per_problem must be at least 1"):
        inputs.prepare("--solutions-per-problem=0")
    assert not (tmp_path / "output").exists()


def test_solutions_of_a_problem_that_is_no_longer_clean_are_dropped(tmp_path: Path) -> None:
    inputs = Inputs(tmp_path, [problem("bb-1")], [solution("aa-1", 0), solution("aa-1", 1, "no"), solution("bb-1", 0)])
    inputs.summaries = {"aa-1-0": "x", "bb-1-0": "y"}
    made = inputs.prepare()
    assert made.dropped == {"aa-1-0": "contaminated", "aa-1-1": "contaminated"}
    assert [row["id"] for row in made.rows] == ["bb-1-0"]


def test_where_a_problem_comes_from_and_what_it_repeats_reach_its_rows(tmp_path: Path) -> None:
    told = {
        "problem_source": "forum", "source_url": "https://example.org/1", "source_license": "CC BY-SA", "source_author": "ann",
        "source_date": "2020", "cluster": "bb-1", "duplicate_of": "bb-1",
    }  # fmt: skip
    (row,) = Inputs(tmp_path, [problem("aa-1") | told], [solution("aa-1", 0)], summaries={"aa-1-0": "x"}).prepare().rows
    assert {name: row[name] for name in told} == told


def test_rows_of_another_shard_are_an_error_and_not_contaminated(tmp_path: Path) -> None:
    other = next(f"{n:02x}-1" for n in range(100) if shard_of(f"{n:02x}-1", 2) == 1)
    inputs = Inputs(tmp_path, [problem(other)], [solution(other, 0)], shards=2)
    with pytest.raises(UserError, match="none of shard 0 of 2"):
        inputs.prepare()


def test_a_solution_without_reasoning_passes_only_where_none_is_required(tmp_path: Path) -> None:
    inputs = Inputs(tmp_path, solutions=[solution("aa-1", 0, reasoning="")])
    assert inputs.prepare("--require-reasoning").dropped == {"aa-1-0": "empty_reasoning"}
    assert [row["generated_solution"] for row in inputs.prepare().rows] == ["It is \\boxed{7}."]


def test_reasoning_from_a_field_of_its_own_looks_the_same(tmp_path: Path) -> None:
    inputs = Inputs(tmp_path, solutions=[solution("aa-1", 0, text="It is \\boxed{7}.", reasoning="")])
    inputs.solutions[0]["reply"]["reasoning"] = "\nI think 0.\n"
    (row,) = inputs.prepare("--require-reasoning").rows
    assert row["generated_solution"] == "<think>\nI think 0.\n</think>\n\nIt is \\boxed{7}."


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<think>a</think>b</think>\\boxed{7}", "think_tag_in_text"),
        ("<think>a\n```output\n7\n```</think>\\boxed{7}", "invented_output"),
        ("<think>a<think>b</think>\\boxed{7}", "think_tag_in_text"),
        ("<think>\\boxed{7}</think>\n \n", "empty_solution"),
    ],
)
def test_texts_in_which_the_reasoning_has_no_clear_end_are_dropped(tmp_path: Path, text: str, reason: str) -> None:
    assert Inputs(tmp_path, solutions=[solution("aa-1", 0, text=text)]).prepare().dropped == {"aa-1-0": reason}


def test_of_equal_solutions_of_a_problem_the_first_seed_stays(tmp_path: Path) -> None:
    rows = [solution("aa-1", seed, reasoning="the same" if seed != 1 else "another") for seed in range(4)]
    rows.append(solution("bb-1", 0, reasoning="the same"))
    made = Inputs(tmp_path, [problem("aa-1"), problem("bb-1")], rows).prepare()
    assert [row["id"] for row in made.rows] == ["aa-1-0", "aa-1-1", "bb-1-0"]
    assert made.dropped == {"aa-1-2": "duplicate", "aa-1-3": "duplicate"}


def test_a_new_summary_follows_the_trimmed_reasoning(tmp_path: Path) -> None:
    made = of_one_problem(tmp_path, "yes", "no", "yes", summaries={"aa-1-2": "So \\boxed{7}."}).prepare()
    (row,) = made.rows
    assert row["generated_solution"] == "<think>\ntrimmed 2\n</think>\n\nSo \\boxed{7}."
    assert row["messages"][-1] == {"role": "assistant", "content": row["generated_solution"]}
    lineage = ("summary_model", "summary_candidate", "summary_judged_by", "model", "reply_key")
    assert [row[name] for name in lineage] == ["owner/summarizer", 2, "solution", MODEL, "key-aa-1-2"]
    assert made.dropped == {"aa-1-0": "no_summary", "aa-1-1": "wrong"}


def test_a_solution_without_reasoning_needs_no_summary(tmp_path: Path) -> None:
    inputs = Inputs(tmp_path, solutions=[solution("aa-1", 0, reasoning=""), solution("aa-1", 1)], summaries={})
    made = inputs.prepare()
    assert [(row["id"], row["summary_candidate"]) for row in made.rows] == [("aa-1-0", None)]
    assert made.dropped == {"aa-1-1": "no_summary"}


def test_summaries_of_other_rows_are_an_error(tmp_path: Path) -> None:
    inputs = of_one_problem(tmp_path, "yes", summaries={"aa-1-0": "s"})
    arguments = inputs.arguments()
    with (tmp_path / "traces").open("ab") as file:
        file.write(dumps({"problem_id": "zz-1", "seed": 0, "solution": "stray", "reply": {}}))
    with pytest.raises(UserError, match="'zz-1' with seed 0 is of no right solution"):
        prepare_sft.main(arguments)
    (tmp_path / "traces").write_bytes(b"")
    with pytest.raises(UserError, match="there is no trace, nor a reason for it"):
        prepare_sft.main(arguments)
    assert not (tmp_path / "output").exists()


def test_where_traces_say_whose_replies_they_are_no_reply_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    solutions = [solution("aa-1", 0), solution("aa-1", 1, reasoning=""), solution("aa-1", 2)]
    inputs = Inputs(tmp_path, solutions=solutions, summaries={"aa-1-0": "So \\boxed{7}.", "aa-1-2": "Thus \\boxed{7}."})
    whole = inputs.prepare("--require-reasoning")
    assert [row["reply_key"] for row in whole.rows] == ["key-aa-1-0", "key-aa-1-2"]
    assert [row["completion_tokens"] for row in whole.rows] == [100, 102]

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("replies were read")

    monkeypatch.setattr(prepare_sft, "SAMPLED_PROBLEMS", 0)
    monkeypatch.setattr("omr.training.solution_replies.ReplyIndex", refuse)
    assert inputs.prepare("--require-reasoning").rows == whole.rows
    with pytest.raises(AssertionError):
        inputs.prepare()


def test_what_select_traces_dropped_makes_no_row_and_keeps_its_reason(tmp_path: Path) -> None:
    inputs = of_one_problem(tmp_path, "yes", summaries={})
    arguments = inputs.arguments()
    write_lines(tmp_path / "traces", [])
    write_lines(tmp_path / "untraced", [{"id": "aa-1", "seed": 0, "reason": "invented_output"}])
    assert prepare_sft.main(arguments) == 0
    assert [row["reason"] for row in read_rows(tmp_path / "dropped")] == ["invented_output"]


def test_samples_of_dropped_solutions_are_of_the_first_problems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [f"{n:02x}-1" for n in range(6)]
    inputs = Inputs(tmp_path, [problem(one) for one in ids], [solution(one, 0, "no") for one in ids])
    inputs.prepare()
    [wrong] = read_figures([tmp_path / "figures"]).dropped.values()
    assert len(wrong) == DROPPED_SAMPLES
    monkeypatch.setattr(prepare_sft, "SAMPLED_PROBLEMS", 2)
    inputs.prepare()
    [wrong] = read_figures([tmp_path / "figures"]).dropped.values()
    assert sorted(row["id"] for row in wrong) == ids[:2]


def test_a_missing_or_cut_reply_to_a_solution_judged_right_is_an_error(tmp_path: Path) -> None:
    inputs = of_one_problem(tmp_path, "yes", "yes")
    arguments = inputs.arguments()
    write_lines(tmp_path / "r1", [])
    with pytest.raises(UserError, match="seed 1 was judged right, but there is no finished reply"):
        prepare_sft.main(arguments)
    inputs.solutions[0]["reply"]["finish_reason"] = "length"
    with pytest.raises(UserError, match="seed 0 was judged right, but there is no finished reply"):
        inputs.prepare()
    assert not (tmp_path / "output").exists()


def test_a_missing_seed_file_is_an_error(tmp_path: Path) -> None:
    arguments = of_one_problem(tmp_path, "yes").arguments()
    (tmp_path / "r1").unlink()
    with pytest.raises(UserError, match="there is no such file"):
        prepare_sft.main(arguments)


def test_an_empty_shard_makes_empty_files(tmp_path: Path) -> None:
    made = Inputs(tmp_path, summaries={}).prepare()
    assert (made.rows, made.dropped, made.counts["read"], made.counts["problems"]) == ([], {}, 0, 0)


def test_the_limit_per_problem_prefers_no_seed_and_is_the_same_in_any_order(tmp_path: Path) -> None:
    ids = [f"{n:02x}-1" for n in range(20)]
    rows = [solution(one, seed) for one in ids for seed in range(8)]
    made = Inputs(tmp_path / "a", [problem(one) for one in ids], rows).prepare("--solutions-per-problem=2")
    kept = [row["id"] for row in made.rows]
    assert len(kept) == 40
    assert {row["seed"] for row in made.rows} == set(range(8))
    backwards = Inputs(tmp_path / "b", [problem(one) for one in ids], rows[::-1]).prepare("--solutions-per-problem=2")
    assert sorted(row["id"] for row in backwards.rows) == sorted(kept)
    # One solution more changes the choice only where it is chosen itself.
    more = [solution(one, 8) for one in ids]
    third = Inputs(tmp_path / "c", [problem(one) for one in ids], sorted(rows + more, key=lambda r: r["reply"]["id"]))
    new = {row["id"] for row in third.prepare("--solutions-per-problem=2").rows}
    assert len(new - set(kept)) == len({row_id for row_id in new if row_id.endswith("-8")}) > 0


def test_without_a_tokenizer_the_servers_count_bounds_the_length(tmp_path: Path) -> None:
    inputs = of_one_problem(tmp_path, "yes", "yes", "yes")
    inputs.solutions[2]["reply"]["usage"] = None
    made = inputs.prepare("--max-tokens=100")
    assert [row["id"] for row in made.rows] == ["aa-1-0"]
    assert made.dropped == {"aa-1-1": "too_long", "aa-1-2": "unknown_length"}
    assert made.counts["tokens_counted_by"] == "server"


def test_a_tokenizer_counts_the_whole_text(tmp_path: Path) -> None:
    tokenizer = save_tokenizer(tmp_path / "tokenizer.json")
    inputs = Inputs(
        tmp_path / "in", solutions=[solution("aa-1", 0), solution("aa-1", 1, reasoning="many words " * 200)]
    )
    made = inputs.prepare("--max-tokens=150", f"--tokenizer={tokenizer}")
    assert made.dropped == {"aa-1-1": "too_long"}
    assert made.counts["tokens_counted_by"] == "tokenizer"


def test_two_runs_make_the_same_bytes(tmp_path: Path) -> None:
    rows = [solution(one, seed) for one in ("bb-1", "aa-1") for seed in range(3)]
    outputs = []
    for name in ("one", "two"):
        Inputs(tmp_path / name, [problem("aa-1"), problem("bb-1")], rows).prepare("--solutions-per-problem=2")
        folder = tmp_path / name
        outputs.append([(folder / "output/00000.parquet").read_bytes(), (folder / "figures").read_bytes()])
    assert outputs[0] == outputs[1]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["yes", "no", "unfinished"]), st.text(max_size=30)), min_size=1, max_size=6))
def test_whatever_models_write_no_solution_is_lost(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, str]]
) -> None:
    rows = [solution("aa-1", seed, verdict, text=text) for seed, (verdict, text) in enumerate(drawn)]
    made = Inputs(tmp_path_factory.mktemp("drawn"), solutions=rows).prepare("--require-reasoning")
    assert len(made.rows) + len(made.dropped) == len(drawn) == made.counts["read"]
    for row in made.rows:
        assert fault_of_messages(row["messages"]) is None
        assert drawn[row["seed"]][0] == "yes"


def rate(problem_id: str, share: float | None, answer: str = "7") -> dict[str, Any]:
    return {"id": problem_id, "share": share, "answer": answer}


def test_rows_carry_no_pass_rate_that_was_measured_by_another_answer(tmp_path: Path) -> None:
    rates = write_lines(tmp_path / "rates.jsonl", [rate("aa-1", 0.5, "8")])
    (row,) = of_one_problem(tmp_path, "yes").prepare(f"--pass-rates=m={rates}", "--pass-rate-72b-tir=m").rows
    assert (row["pass_rates"], row["pass_rate_72b_tir"]) == ({"m": None}, "n/a")


def test_rows_carry_the_pass_rates_of_other_recipes(tmp_path: Path) -> None:
    rates = write_lines(tmp_path / "rates.jsonl", [rate("aa-1", 0.65625), rate("bb-1", None)])
    inputs = of_one_problem(tmp_path, "yes")
    (row,) = inputs.prepare(f"--pass-rates=measure={rates}", "--pass-rate-72b-tir=measure").rows
    assert (row["pass_rates"], row["pass_rate_72b_tir"]) == ({"measure": 0.65625}, "0.65625")
    (row,) = inputs.prepare(f"--pass-rates=measure={rates}").rows
    assert (row["pass_rates"], row["pass_rate_72b_tir"]) == ({"measure": 0.65625}, "n/a")


def test_a_pass_rate_that_nobody_knows_is_null(tmp_path: Path) -> None:
    rates = write_lines(tmp_path / "rates.jsonl", [rate("bb-1", 1.0)])
    (row,) = of_one_problem(tmp_path, "yes").prepare(f"--pass-rates=m={rates}", "--pass-rate-72b-tir=m").rows
    assert (row["pass_rates"], row["pass_rate_72b_tir"]) == ({"m": None}, "n/a")


def test_samples_of_dropped_solutions_have_what_was_said(tmp_path: Path) -> None:
    long = "x" * (MAX_CHARS + 5)
    inputs = Inputs(
        tmp_path,
        solutions=[
            solution("aa-1", 0, "no", text=f"<think>{long}</think>It is \\boxed{{8}}."),
            solution("aa-1", 1, "failed", text=None, finish_reason=None, error={"kind": "http_500", "message": ""}),
        ],
    )
    assert inputs.prepare().dropped == {"aa-1-0": "wrong", "aa-1-1": "failed"}
    samples = orjson.loads((tmp_path / "figures").read_bytes())["dropped"]
    (wrong,), (failed,) = samples["wrong"], samples["failed"]
    assert wrong["said"] == [["reasoning", "x" * MAX_CHARS, 5], ["solution", "It is \\boxed{8}.", 0]]
    assert wrong["problem"] == problem("aa-1")["problem"]
    assert (wrong["judgement"], wrong["seed"]) == ("no", 0)
    assert failed["said"] == []


def test_samples_of_solutions_with_code_have_prose_code_and_outputs_in_order() -> None:
    reply = coded_reply("aa-1", "Hm. ", Ran("print(1)", "1"), "So ", Ran("2", "y" * MAX_CHARS), "7")
    said = sample_of({"id": "aa-1"}, None, reply)["said"]
    assert [kind for kind, _, _ in said] == ["prose", "code", "output", "prose", "code", "output", "prose"]
    assert [(text, left_out) for _, text, left_out in said[1:3]] == [("print(1)", 0), ("1\n", 0)]
    assert sum(len(text) for _, text, _ in said) == MAX_CHARS
    assert said[-1] == ("prose", "", 1)


@pytest.mark.parametrize(
    ("verdicts", "seeds"),
    [("yes", [0, 3]), ("no", [1]), ("yes no", [0, 1, 3]), ("unjudged", [2]), ("yes no unjudged", [0, 1, 2, 3])],
)
def test_rows_are_made_of_the_verdicts_that_are_asked_for(tmp_path: Path, verdicts: str, seeds: list[int]) -> None:
    judged = ("yes", "no", "verdict_unreadable", "yes", "unfinished", "no_answer", "failed")
    made = of_one_problem(tmp_path, *judged).prepare("--verdicts", *verdicts.split())
    assert [row["seed"] for row in made.rows] == seeds
    asked = {0: "yes", 1: "no", 2: "unjudged", 3: "yes"}
    assert [row["judgement"] for row in made.rows] == [asked[seed] for seed in seeds]
    assert [row["judged_by"] for row in made.rows] == [None if seed == 2 else "llm" for seed in seeds]
    others = {0: "right", 1: "wrong", 2: "unjudged", 3: "right"}
    expected = {f"aa-1-{seed}": reason for seed, reason in others.items() if seed not in seeds}
    expected |= {"aa-1-4": "unfinished", "aa-1-5": "no_answer", "aa-1-6": "failed"}
    assert made.dropped == expected
    assert made.counts["stage"] == ("prepare_sft" if verdicts == "yes" else "prepare_verdicts")


def test_wrong_solutions_keep_their_own_words_where_right_ones_get_new_ones(tmp_path: Path) -> None:
    inputs = of_one_problem(tmp_path, "yes", "no", summaries={"aa-1-0": "New words. \\boxed{7}"})
    right, wrong = inputs.prepare("--verdicts", "yes", "no").rows
    assert right["generated_solution"].endswith("New words. \\boxed{7}")
    assert wrong["generated_solution"] == "<think>\nI think 1.\n</think>\n\nIt is \\boxed{7}."
    assert wrong["summary_model"] is None


def test_the_limit_per_problem_leaves_the_same_right_ones_whatever_else_is_asked_for(tmp_path: Path) -> None:
    verdicts = ("yes", "no", "yes", "no", "yes", "no", "yes")
    limit = ("--solutions-per-problem", "2")
    alone = of_one_problem(tmp_path / "alone", *verdicts).prepare(*limit).rows
    both = of_one_problem(tmp_path / "both", *verdicts).prepare(*limit, "--verdicts", "yes", "no").rows
    assert [row for row in both if row["judgement"] == "yes"] == alone
    assert sum(row["judgement"] == "no" for row in both) == 2
