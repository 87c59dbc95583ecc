"""Where code and output lie in a reply: what is stored is read back."""

from __future__ import annotations

from typing import Any

import pytest
from omr.replies.steps import Step, steps_of, stored_steps

TEXT = "So <tool_call>\nprint(1)\n</tool_call>\n```output\n1\n```\nand 1."
STEP = Step(3, 14, 24, 47, 48, 53, "ok")


def reply(**fields: Any) -> dict[str, Any]:
    return {"id": "a", "text": TEXT} | fields


def test_stored_steps_are_read_back() -> None:
    assert steps_of(reply(**stored_steps([STEP]))) == [STEP]


def test_a_steps_code_and_output_are_without_tags_and_fences() -> None:
    assert (STEP.code(TEXT), STEP.output(TEXT)) == ("\nprint(1)\n", "1")
    assert TEXT[STEP.block_from : STEP.block_to].startswith("<tool_call>")
    assert TEXT[STEP.block_to :] == "and 1."


def test_a_reply_without_code_has_no_steps() -> None:
    assert steps_of(reply()) == steps_of(reply(steps=[], blocks=[])) == []


@pytest.mark.parametrize(
    "stored",
    [
        {"steps": [[14, 24, 47, 48, "ok"]], "blocks": []},
        {"steps": [[14, 24, 20, 48, "ok"]], "blocks": [[3, 53]]},
        {"steps": [[14, 24, 47, 48, "ok"]], "blocks": [[3, len(TEXT) + 1]]},
        {"steps": [[14, 24, 47, 48, "ok"], [14, 24, 47, 48, "ok"]], "blocks": [[3, 53], [3, 53]]},
    ],
)
def test_offsets_that_no_text_can_have_are_refused(stored: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"zip\(\)|in their order"):
        steps_of(reply(**stored))
