from __future__ import annotations

from itertools import product

import pytest
from omr.errors import UserError
from omr.stages.routing import BRANCHES, CLASS_FIELDS, branch_of

SIMPLE = {"is_proof": False, "is_mcq": False, "is_binary": False, "is_invalid": False}


@pytest.mark.parametrize(
    ("classes", "branch"),
    [
        ({}, "answers"),
        ({"is_proof": True}, "proofs"),
        ({"is_mcq": True}, "mcq"),
        ({"is_binary": True}, "binary"),
        ({"is_invalid": True}, "invalid"),
        ({"is_proof": True, "is_invalid": True}, "invalid"),
        ({"is_proof": True, "is_mcq": True, "is_binary": True}, "proofs"),
        ({"is_mcq": True, "is_binary": True}, "mcq"),
        ({"is_mcq": None}, "unreadable_class"),
        ({"is_proof": None, "is_invalid": True}, "unreadable_class"),
    ],
)
def test_classes_decide_the_branch(classes: dict[str, bool | None], branch: str) -> None:
    assert branch_of(SIMPLE | classes) == branch


def test_only_a_problem_with_four_readable_classes_enters_a_branch() -> None:
    for values in product((True, False, None), repeat=4):
        if None in values:
            assert branch_of(dict(zip(CLASS_FIELDS, values, strict=True))) not in BRANCHES


@pytest.mark.parametrize("value", ["false", "", 2, [], {}])
def test_a_class_that_is_no_verdict_is_an_error(value: object) -> None:
    with pytest.raises(UserError, match="no readable classes"):
        branch_of(SIMPLE | {"id": "a-1", "is_mcq": value})


def test_a_row_that_was_never_classified_is_an_error_that_names_it() -> None:
    with pytest.raises(UserError, match=r"'a-1'.*'is_proof': 'missing'"):
        branch_of({"id": "a-1", "problem": "Find $x$."})
