"""Pythons whose regular expressions are wrong are refused."""

from __future__ import annotations

import pytest
from omr.config.python import check_python
from omr.errors import UserError


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 11, 2), (3, 11, 4)])
def test_a_python_that_finds_no_answers_is_refused_with_a_remedy(version: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"answers are not found.*\n.*install Python 3\.11\.5 or newer"):
        check_python(version)


@pytest.mark.parametrize("version", [(3, 11, 5), (3, 11, 7), (3, 12, 0), (3, 14, 1)])
def test_others_are_fine(version: tuple[int, ...]) -> None:
    check_python(version)
