"""Print everything that led to a row of a run: forum post, every reply and verdict, training row, or where it ended.

In: an id of any kind (thread; problem `<thread>-<n>`; solution `<problem>-<seed>`; group of solutions that were
compared `<problem>-g<n>`) and the results folder of a run. Out: text, in the order of the recipe. For a thread or a
problem its solutions and groups are listed in short: ask for one of them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from omr.errors import UserError, leave, run_command
from omr.files.counted import counted
from omr.files.jsonl import Row
from omr.files.printable import printable
from omr.runs.lineage import Event, Id, Lineage, end_of
from omr.runs.run_folder import check_run, newest_run
from omr.runs.search import FileSearch

#: Values up to this length stand behind their name, longer ones below it.
_SHORT = 90


class Printer:
    """Lines of text for events: of each row what is new, so that one sees what a stage added."""

    def __init__(self, max_chars: int) -> None:
        self._max_chars = max_chars
        self._printed: set[int] = set()
        self._fields: set[tuple[str, str]] = set()

    def start_section(self) -> None:
        """From here on, fields are printed again even if they have the same value."""
        self._fields.clear()

    def lines(self, event: Event) -> Iterator[str]:
        row = dict(event.row)
        if event.kind == "reply":
            yield from self._reply(event.where, row)
            return
        if event.kind == "dropped":
            yield f"{event.where}: DROPPED, {printable(str(row.pop('reason', '')))}"
        else:
            yield f"{event.where}:"
        for name, value in row.items():
            known = (name, str(value))
            if name == "id" or known not in self._fields:
                self._fields.add(known)
                yield from self._field(name, value)

    def _reply(self, where: str, row: Row) -> Iterator[str]:
        usage = row.get("usage") or {}
        tokens = f"{usage.get('prompt_tokens', '?')} + {usage.get('completion_tokens', '?')} tokens"
        asked = f"prompt {row.get('prompt')}, seed {row.get('seed')}, {row.get('model')}"
        yield printable(f"{where}: REPLY for {row.get('id')} to {asked}, {row.get('finish_reason')}, {tokens}")
        if row.get("steps"):
            ran = ", ".join(str(step[-1]) for step in row["steps"])
            allowed = row.get("executions_allowed", "?")
            yield printable(f"  ran {len(row['steps'])} of {allowed} blocks ({ran}), ended: {row.get('ended')}")
        for name in ("error", "reasoning", "text"):
            if row.get(name) is not None:
                yield from self._field(name, row[name])

    def _field(self, name: str, value: Any) -> Iterator[str]:
        text = printable(value if isinstance(value, str) else "null" if value is None else str(value))
        name = printable(name)
        if len(text) <= _SHORT and "\n" not in text:
            yield f"  {name}: {text}"
            return
        if hash(text) in self._printed:
            yield f"  {name}: (the same text as above)"
            return
        self._printed.add(hash(text))
        yield f"  {name}:"
        shown = text[: self._max_chars] if self._max_chars else text
        yield from (f"    | {line}" for line in shown.splitlines())
        if len(shown) < len(text):
            yield f"    | ... {counted(len(text) - len(shown), 'more character')} (--max-chars 0 shows all)"


def trace(lineage: Lineage, wanted: Id, printer: Printer, recipes: Iterable[str]) -> Iterator[str]:
    """The lines to print for an id. Raises UserError if nothing has it."""
    thread = list(lineage.thread(wanted.thread))
    problems = lineage.problems(wanted.thread)
    named = wanted.thread if wanted.problem is None else wanted.problem
    if lineage.starts_from_problems:
        if not problems:
            raise lineage.unknown(named)
        yield from _problem(lineage, named, wanted, printer, recipes)
        return
    if wanted.problem is not None and wanted.problem not in problems:
        if not thread:
            raise lineage.unknown(named)
        remedy = f"it has: {', '.join(problems)}" if problems else f"trace {wanted.thread} says why"
        raise UserError(f"the thread {wanted.thread} has no problem {wanted.problem!r}", remedy=remedy)
    if not thread:
        raise lineage.unknown(named)
    yield from _heading(f"thread {wanted.thread}")
    yield from _printed(thread, printer)
    if not problems:
        yield _ending(wanted.thread, thread)
    for problem in [wanted.problem] if wanted.problem else problems:
        yield from _problem(lineage, problem, wanted, printer, recipes)


def _heading(text: str) -> Iterator[str]:
    yield ""
    yield text
    yield "=" * len(text)


def _printed(events: Iterable[Event], printer: Printer) -> Iterator[str]:
    printer.start_section()
    for event in events:
        yield from printer.lines(event)
        yield ""


def _ending(name: str, events: Iterable[Event]) -> str:
    """The last line about a row: where it ended, or how far it came."""
    end = end_of(events)
    if end is None:
        return f"=> nothing is known of {name}"
    if end.kind == "dropped":
        return f"=> {name} ended at {end.stage}: {printable(str(end.row.get('reason')))}"
    return f"=> {name} is in {end.where}"


def _problem(lineage: Lineage, problem: str, wanted: Id, printer: Printer, recipes: Iterable[str]) -> Iterator[str]:
    events = list(lineage.problem(problem))
    yield from _heading(f"problem {problem}")
    yield from _printed(events, printer)
    ending = _ending(problem, events)
    yield ending
    seed = wanted.seed
    if wanted.group is not None:
        compared = [(recipe, groups) for recipe in recipes if (groups := lineage.groups(recipe, problem))]
        yield from _group(lineage, problem, f"{problem}-g{wanted.group}", printer, compared)
        return
    if seed is None:
        for recipe in recipes:
            seats, groups = lineage.seats(recipe, problem), lineage.groups(recipe, problem)
            if seats or lineage.unvoted(recipe, problem) is not None:
                yield from _seats(lineage, recipe, problem, seats)
            if groups or lineage.ungrouped(recipe, problem) is not None:
                yield from _groups(lineage, recipe, problem, groups)
        return
    found = False
    for recipe in recipes:
        about = list(lineage.solution(recipe, problem, seed))
        if about:
            found = True
            yield from _heading(f"solution {problem}-{seed} of {recipe}")
            yield from _printed(about, printer)
            yield _ending(f"{problem}-{seed} ({recipe})", about)
    if not found:
        solved = [(recipe, seats) for recipe in recipes if (seats := lineage.seats(recipe, problem))]
        known = "; ".join(f"{recipe}: seeds 0 to {len(seats) - 1}" for recipe, seats in solved)
        raise UserError(
            f"there is no solution {problem}-{seed}", remedy=known or f"the problem was not solved: {ending}"
        )


def _ended(fate: Iterable[Event]) -> str:
    """Where a solution or a group ended, for a list of them."""
    found = list(fate)
    return "not ended yet" if end_of(found) is None else _ending("", found).removeprefix("=>  ")


def _seats(lineage: Lineage, recipe: str, problem: str, seats: list[Row]) -> Iterator[str]:
    """The solutions of a problem, one line each."""
    first, unvoted = (seats or [{}])[0], lineage.unvoted(recipe, problem)
    yield from _heading(f"{problem}: {len(seats)} solutions of {recipe}")
    if unvoted is not None:
        yield f"no vote: {_ended([unvoted])}"
    elif "answer_source" in first:
        yield printable(
            f"expected answer {first.get('expected_answer')!r} ({first.get('answer_source')}), "
            f"vote {first.get('majority_votes')} of {first.get('total_votes')}"
        )
    for row in seats:
        answer = printable(str(row.get("predicted_answer")))[:40]
        verdict = row.get("judgement", "not judged yet" if unvoted is None else "not judged")
        by = row.get("judged_by") or row.get("unjudged_reason") or "-"
        ended = _ended(lineage.fate(recipe, problem, row["seed"]))
        yield f"  {problem}-{row['seed']}: answer {answer}, {verdict} ({by}); {ended}"


def _groups(lineage: Lineage, recipe: str, problem: str, groups: list[Row]) -> Iterator[str]:
    """The groups of a problem, one line each; of a problem without any, why."""
    yield from _heading(f"{problem}: {len(groups)} groups of {recipe}")
    ungrouped = lineage.ungrouped(recipe, problem)
    if ungrouped is not None:
        yield f"left out: {printable(str(ungrouped.row.get('reason')))}"
    for row in groups:
        ended = _ended(lineage.fate_of_group(recipe, problem, row["id"]))
        right = sum(shown["right"] for shown in row["candidates"])
        yield f"  {row['id']}: {len(row['candidates'])} candidates, {right} right; {ended}"


def _group(
    lineage: Lineage, problem: str, group: str, printer: Printer, compared: list[tuple[str, list[Row]]]
) -> Iterator[str]:
    """Everything about one group. Raises UserError if there is none of that id."""
    found = [recipe for recipe, groups in compared if any(row["id"] == group for row in groups)]
    if not found:
        known = ", ".join(row["id"] for _, groups in compared for row in groups)
        remedy = f"there are: {known}" if known else f"trace {problem} says how far it came"
        raise UserError(f"there is no group {group!r}", remedy=remedy)
    for recipe in found:
        about = list(lineage.group(recipe, problem, group))
        yield from _heading(f"group {group} of {recipe}")
        yield from _printed(about, printer)
        yield _ending(f"{group} ({recipe})", about)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("id", help="id of a thread, a problem, a solution or a group of solutions")
    parser.add_argument("--run", type=Path, help="results folder of the run (default: the newest one in results/)")
    parser.add_argument("--recipe", help="only this recipe's solutions (default: all that there are)")
    parser.add_argument(
        "--max-chars", type=int, default=4000, help="characters shown of a text; 0: all (default: 4000)"
    )
    args = parser.parse_args(argv)
    run = args.run or newest_run(Path("results"))
    check_run(run)
    search = FileSearch()
    lineage = Lineage(run, search)
    known, unknown = [*lineage.recipes, *lineage.comparing], lineage.unknown_recipes
    if args.recipe is not None and args.recipe not in (*known, *unknown):
        what = f"the run has no recipe {args.recipe!r}"
        raise UserError(what, file=run, remedy=f"it has: {', '.join(known) or 'none yet'}")
    wanted = lineage.id_of(args.id)
    if wanted is None:
        raise lineage.unknown(args.id)
    search.about(wanted.thread)
    for line in trace(lineage, wanted, Printer(args.max_chars), [args.recipe] if args.recipe else known):
        print(line)
    if unknown and args.recipe is None and wanted.problem is not None:
        print(f"(files of {', '.join(unknown)} are there too, of which the run's config knows nothing: --recipe NAME)")
    return 0


if __name__ == "__main__":
    leave(run_command(main))
