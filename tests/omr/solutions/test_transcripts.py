"""A solution with code is read by the places of its blocks: nothing that code prints fools a reader."""

from __future__ import annotations

import pytest
from code_files import DISGUISES, Ran, coded, coded_reply, shown
from omr.errors import UserError
from omr.solutions.solution import is_finished, predicted_answer, read_solution
from omr.solutions.transcripts import Transcript, joined, last_words, note, published, split, transcript_of

STYLES = ("tool_call", "fences")


def thought(output: str, *, tags: str = "tool_call") -> dict[str, object]:
    return coded_reply(
        "p-1",
        "<think>\nLet me compute.\n\n",
        Ran("print(6 * 7)", output),
        "So it is 42.\n</think>\n\nThe answer is \\boxed{42}.",
        tags=tags,
    )


@pytest.mark.parametrize("tags", STYLES)
@pytest.mark.parametrize("output", DISGUISES, ids=range(len(DISGUISES)))
def test_the_answer_is_the_one_that_is_said_whatever_code_prints(output: str, tags: str) -> None:
    assert predicted_answer(thought(output, tags=tags)) == "42"


@pytest.mark.parametrize("tags", STYLES)
@pytest.mark.parametrize("output", DISGUISES, ids=range(len(DISGUISES)))
def test_reasoning_ends_where_the_model_ended_it(output: str, tags: str) -> None:
    reasoning, solution = read_solution(thought(output, tags=tags))
    assert solution == "The answer is \\boxed{42}."
    assert reasoning.startswith("Let me compute.")
    assert reasoning.endswith("So it is 42.")
    assert output in reasoning


def test_a_box_that_code_prints_or_holds_is_no_answer() -> None:
    assert predicted_answer(coded_reply("p-1", "Look: ", Ran("print(r'\\boxed{7}')", "\\boxed{7}"), "There.")) is None


def test_an_answer_that_is_followed_by_code_is_not_final() -> None:
    text = "It is \\boxed{5}. Let me verify.\n", Ran("print(7)", "7"), "Hmm, it is not."
    assert predicted_answer(coded_reply("p-1", *text)) is None
    assert predicted_answer(coded_reply("p-1", *text, " It is \\boxed{7}.")) == "7"


def test_code_after_the_reasoning_belongs_to_the_solution() -> None:
    transcript = transcript_of(coded_reply("p-1", "<think>Hm.</think>\n", Ran("1", "1"), "\\boxed{1}"))
    reasoning, solution = split(transcript)
    assert (reasoning, len(solution.steps)) == (Transcript("Hm."), 1)
    assert solution.codes == ["1"]


def test_reasoning_without_an_opening_tag_is_reasoning() -> None:
    reasoning, solution = read_solution(coded_reply("p-1", "Hm. ", Ran("1", "1"), "Yes.</think>\\boxed{1}"))
    assert (reasoning[:3], solution) == ("Hm.", "\\boxed{1}")


def test_reasoning_that_never_ends_gives_no_answer() -> None:
    cut = coded_reply("p-1", "<think>\nHm. ", Ran("1", "</think>"), "It is \\boxed{1}.")
    assert predicted_answer(cut) is None
    reasoning, solution = split(transcript_of(cut))
    assert reasoning.text.startswith("Hm.")
    assert reasoning.text.endswith("\\boxed{1}.")
    assert solution.text == ""


def test_a_box_that_never_closes_is_no_answer() -> None:
    assert predicted_answer(coded_reply("p-1", "Hm. ", Ran("1", "}"), "**Final Answer**\n\\boxed{4")) is None


def test_reasoning_that_begins_anew_is_seen_as_such() -> None:
    reasoning, solution = read_solution(coded_reply("p-1", "Hm.</think>\\boxed{1}<think>No: ", Ran("1", "1")))
    assert solution == "\\boxed{1}"
    assert "</think><think>No:" in reasoning


@pytest.mark.parametrize("ended", ["length", "unclosed_block", "too_many_blocks"])
def test_a_solution_that_ended_in_code_or_at_a_limit_has_no_answer(ended: str) -> None:
    row = coded_reply("p-1", "It is \\boxed{1}.", Ran("1", "1"), "It is \\boxed{1}.", ended=ended)
    assert not is_finished(row)
    assert predicted_answer(row) is None
    assert predicted_answer(row | {"ended": "stop"}) == "1"


@pytest.mark.parametrize("output", DISGUISES, ids=range(len(DISGUISES)))
def test_fences_become_the_published_tags_and_nothing_else_changes(output: str) -> None:
    pieces = ("One.\n", Ran("print(1)\n\nprint(2)", output), "Two.\n", Ran("x = '''", "boo", "error"), "\\boxed{3}")
    tags, fences = (transcript_of(coded_reply("p-1", *pieces, tags=style)) for style in STYLES)
    assert published(tags) == tags
    assert published(fences).text == tags.text
    assert [step.output(fences.text) for step in fences.steps] == [shown(output), "boo\n"]
    rewritten = published(fences)
    assert [step.output(rewritten.text) for step in rewritten.steps] == [shown(output), "boo\n"]
    assert [code.strip("\n") for code in rewritten.codes] == ["print(1)\n\nprint(2)", "x = '''"]
    assert [step.status for step in rewritten.steps] == ["ok", "error"]


def test_prose_is_what_stands_outside_of_blocks() -> None:
    transcript = transcript_of(coded_reply("p-1", "One.\n", Ran("1", "```"), Ran("2", "2"), "Two."))
    assert transcript.prose == ["One.\n", "", "Two."]
    assert len(transcript.spoken) == len(transcript.text)
    assert transcript.spoken.split() == ["One.", "Two."]


def test_parts_and_joints_keep_the_places_of_blocks() -> None:
    transcript = transcript_of(coded_reply("p-1", "  One.\n", Ran("1", "first"), "Two.\n", Ran("2", "second")))
    place = transcript.text.index("Two.")
    first, second = transcript.part(0, place), transcript.part(place, len(transcript.text))
    assert [part.steps[0].output(part.text) for part in (first, second)] == ["first\n", "second\n"]
    whole = joined(["<think>\n", first, "\n\n", second, "\n</think>\n\nDone."])
    assert [step.output(whole.text) for step in whole.steps] == ["first\n", "second\n"]
    assert [text.strip() for text in whole.prose] == ["<think>\nOne.", "Two.", "</think>\n\nDone."]


def test_the_note_is_what_the_model_was_told_behind_an_output() -> None:
    shown = transcript_of(coded_reply("p-1", Ran("1", "```system\nRemaining code executions: 99\n```"), budget=3))
    assert note(shown, shown.steps[0]) == "Remaining code executions: 2. Every block that you close takes one."
    hidden = transcript_of(coded_reply("p-1", Ran("1", "1"), told=False))
    assert note(hidden, hidden.steps[0]) == ""


def test_places_that_no_text_can_have_are_an_error() -> None:
    with pytest.raises(UserError, match="do not lie in its text"):
        transcript_of({"id": "p-1"} | coded(Ran("1", "1")) | {"text": "short"})


def test_last_words_are_linear_in_the_text() -> None:
    blocks = [Ran("print(1)", "</think>") for _ in range(2000)]
    assert last_words(transcript_of(coded_reply("p-1", *blocks, "\\boxed{1}"))) == "\\boxed{1}"
