"""Which fields of its rows each stage's prompts may use, and braces that look like a field but insert nothing.

Other tools write `{problem}`, `{{ problem | upper }}` or `{% if problem %}`. Here such text would reach the model as it
is, for every row, and its replies would look like any others.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from omr.asking.prompts import PLACEHOLDER, Prompt
from omr.errors import UserError
from omr.files.jsonl import read_rows
from omr.files.patterns import lazy

_THREAD = frozenset({"forum_post", "forum_discussions"})
_CANDIDATES = frozenset({"problem", "solutions", "num_solutions", "max_index"})
_ANSWERS = frozenset({"problem", "predicted_answer", "expected_answer"})
_TRACE = frozenset({"problem", "solution", "expected_answer"})
#: Model stage -> the fields that its rows offer; config/README.md has the same table.
ROW_FIELDS = {
    "extract_problems": _THREAD,
    "classify_problems": _THREAD | {"problem"},
    "extract_answers": _THREAD | {"problem"},
    "convert_proofs": _THREAD | {"problem"},
    "classify_converted": frozenset({"problem", "original_problem"}),
    "check_contamination": frozenset({"first", "second"}),
    "generate_solutions": frozenset({"problem"}),
    "match_answers": frozenset({"problem", "first_answer", "second_answer"}),
    "judge_answers": _ANSWERS,
    "judge_answers_of_round": _ANSWERS,
    "judge_code": frozenset({"fragment"}),
    "generate_summaries": _TRACE,
    "judge_summaries": _ANSWERS,
    "generate_wrong_summaries": _TRACE,
    "select_solutions": _CANDIDATES,
    "generate_selection_summaries": _CANDIDATES | {"comparison"},
}
#: The same of problems that were given: there is no post, and the discussion is the solution that came along.
GIVEN_FIELDS = {stage: frozenset({"problem", "forum_discussions"}) for stage in ("classify_problems", "convert_proofs")}
#: What solutions with code are told besides: the blocks that each may run. It is no field of a row.
CODE_BUDGET = "code_budget"

_INSERTED = "\0"
_BRACES = lazy(r"(?P<open>\{+)(?P<inside>[^{}]*)(?P<close>\}*)")
#: LaTeX whose argument stands in the braces behind it: `\boxed{`, `x^{`, `\frac{1}{`; `\{` is a brace to be seen.
_LATEX_BEFORE = lazy(r"(?:\\(?:[A-Za-z]+\*?)?|[\^_}\]]) *$")


def check_prompt(prompt: Prompt, fields: Collection[str], runs_code: bool = False) -> None:
    """Raise UserError if a prompt uses none of its rows' `fields`, or others, or has braces round a field's name that
    insert nothing. `runs_code`: it may also say how many blocks of code a solution may run."""
    known = {*fields, CODE_BUDGET} if runs_code else set(fields)
    has = f"the rows have: {', '.join(sorted(known))}"
    for text in prompt.texts:
        leftover = leftover_braces(text, known)
        if leftover is None and text == prompt.tool and (placeholder := PLACEHOLDER.search(text)):
            leftover = placeholder.group(0)  # what a tool does is said once, not per row
        if leftover is not None:
            what = f"{leftover!r} inserts nothing: it would be sent as it stands, for every row"
            raise UserError(
                what,
                file=prompt.path,
                remedy=f"write `{{{{ field }}}}` in `user` or `system` to insert a field ({has})",
            )
    unknown = sorted(prompt.fields - known)
    if unknown:
        raise UserError(
            f"the prompt uses {', '.join(map(repr, unknown))}, which its rows lack ({has})",
            file=prompt.path,
            remedy="use only fields of the rows that the stage reads; config/README.md lists them",
        )
    if not prompt.fields & set(fields):
        raise UserError(
            "the prompt uses no field of its rows: every row would be asked the same",
            file=prompt.path,
            remedy=f"write `{{{{ field }}}}` where the row's text belongs ({has})",
        )


def fields_of_rows(path: str | Path | None) -> frozenset[str]:
    """What the first row of a file has, which may be more than the workflow's own rows have; nothing if there is none.

    Ids are no text for a model.
    """
    if path is None or not Path(path).is_file():
        return frozenset()
    first = next(iter(read_rows(path)), {})
    return frozenset(name for name in first if name != "id" and not name.endswith("_id"))


def leftover_braces(text: str, fields: Collection[str]) -> str | None:
    """The first braces of a prompt's text that look as if they should insert one of `fields`, but do not.

    The argument of a LaTeX command may be a field's name (`\\text{problem}`); two braces are no
    LaTeX, wherever they are.
    """
    names = "|".join(sorted(map(re.escape, fields), key=len, reverse=True))
    mentions = re.compile(rf"(?<![A-Za-z0-9_])(?:{names}|{_INSERTED})(?![A-Za-z0-9_])", re.IGNORECASE)
    # `{problem}`, `{ problem!r }`, `{problem:>10}`, `{row.problem}`, `{row["problem"]}`
    alone = re.compile(
        rf"\s*(?:[\w.]+[.\[]['\"]?)?(?:{names}|{_INSERTED})(?:\s*|[!.\[|\]'\"].*|:[^\s].*|\s+\|.*)", re.I | re.S
    )
    seen = PLACEHOLDER.sub(_INSERTED, text)
    for found in _BRACES.finditer(seen):
        inside, opened, closed = found["inside"], len(found["open"]), len(found["close"])
        if opened == 1 and _LATEX_BEFORE.search(seen[max(0, found.start() - 40) : found.start()]):
            continue
        is_statement = opened == 1 and inside[:1] in ("%", "#") and mentions.search(inside)
        is_double = opened > 1 and (mentions.search(inside) or (not inside.strip() and closed > 1))
        if is_statement or is_double or (opened == 1 and alone.fullmatch(inside)):
            before = seen[: found.start("open")].count(_INSERTED)
            shown = found["open"] + inside + found["close"]
            for field in PLACEHOLDER.findall(text)[before : before + shown.count(_INSERTED)]:
                shown = shown.replace(_INSERTED, f"{{{{ {field} }}}}", 1)
            return shown
    return None
