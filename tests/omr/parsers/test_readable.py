from __future__ import annotations

from pathlib import Path

import pytest
from omr.parsers.readable import is_readable

READABLE = {
    "extract_problems": ["Problem 1: Find $x$.", "No problems identified."],
    "classify_proof": ["not proof"],
    "classify_mcq": ["mcq"],
    "classify_binary": ["not binary"],
    "classify_invalid": ["not invalid"],
    "extract_answers": ["Answer: 5", "Answer not found."],
    "convert_proofs": ["Find $x$.", "Prove that $x = 1$."],
    "check_contamination": ["False"],
    "judge_answers": ["Judgement: Yes"],
    "match_answers": ["Judgement: No"],
    "judge_novelty": ["Novelty: check"],
    "judge_significance": ["Significance: moderate"],
}


def reply(prompt: str, text: str | None, finish_reason: str = "stop", error: object = None) -> dict[str, object]:
    return {"prompt": prompt, "text": text, "finish_reason": finish_reason, "error": error}


@pytest.mark.parametrize("prompt", READABLE)
def test_what_a_parser_reads_is_readable_and_what_it_does_not_is_asked_again(prompt: str) -> None:
    assert all(is_readable(reply(prompt, text)) for text in READABLE[prompt])
    unreadable = ["I am not able to say what this is.", " ", "<think>Problem 1: Find $x$."]
    assert not any(is_readable(reply(prompt, text)) for text in unreadable)


@pytest.mark.parametrize("prompt", READABLE)
def test_a_reply_that_was_cut_is_asked_again_and_a_failed_one_is_not(prompt: str) -> None:
    text = READABLE[prompt][0]
    assert not is_readable(reply(prompt, text, "length"))
    assert is_readable(reply(prompt, None, error={"kind": "bad_request"}))


def test_every_prompt_with_labels_is_known_and_solutions_are_never_asked_again() -> None:
    prompts = {path.stem for path in (Path(__file__).parents[3] / "prompts").glob("*.yaml")}
    labelling = {
        name for name in prompts if name.startswith(("extract_", "classify_", "convert_", "check_", "judge_", "match_"))
    }
    assert labelling == set(READABLE)
    assert is_readable(reply("solve_cot", "", "length"))
