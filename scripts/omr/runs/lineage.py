"""Everything in a run's files that led to a row: from the forum post over replies and verdicts to the training row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from omr.config.seeds import seeds_in
from omr.errors import UserError
from omr.files.jsonl import Row
from omr.runs.counts import read_counts
from omr.runs.saved import Saved
from omr.runs.search import FileSearch, Search
from omr.stages.row_search import ids_of, nearest

_ID = re.compile(r"(?P<thread>[0-9a-f]{16})(?:-(?P<problem>\d+))?(?:-(?P<seed>\d+)|-g(?P<group>\d+)(?=$))?(?:[~-].*)?")
#: Stages of the problems: (the stage that drops, its rows, the model stage before it).
_PROBLEM_CHAIN = (
    ("parse_classes", "classified.jsonl", "classify_problems"),
    ("parse_answers", "answers.jsonl", "extract_answers"),
    ("parse_conversions", "converted.jsonl", "convert_proofs"),
    ("parse_proofs", "proofs.jsonl", "classify_converted"),
    ("merge_data", "merged.jsonl", None),
    ("deduplicate", "deduplicated.jsonl", None),
)
#: The same where problems are given, which may have ids of their own, and not classified.
_GIVEN_CHAIN = (("read_problems", "merged.jsonl", None), ("deduplicate", "deduplicated.jsonl", None))
_PART_OF_PROBLEM = re.compile(r"(?P<problem>.+?)(?:-(?P<seed>\d+)|-g(?P<group>\d+))")


#: Stages that drop groups of solutions to compare.
_SELECTION_STAGES = ("parse_selections", "select_comparisons", "merge_selection_summaries", "prepare_selections")
#: Stages that drop solutions; those of a problem without a vote are dropped by the first two.
_FATES = (
    "fill_majority_answer",
    "settle_votes",
    "clean_code_solutions",
    "cut_fragments",
    "select_by_code",
    "select_traces",
    "merge_summaries",
    "prepare_sft",
)
#: Of them, those whose drops only end a solution where rows must have reasoning: else it keeps its own text.
_REASONING_STAGES = frozenset({"select_traces", "merge_summaries"})


class Event(NamedTuple):
    """A row of a file (`where`, relative to the run).

    `kind` is `row`, `reply`, `dropped`, or `left_out`: said of a copy or a part, or by a stage that is no end of it.
    """

    where: str
    kind: str
    row: Row

    @property
    def stage(self) -> str:
        """The stage that dropped a row, or left it out."""
        return self.where.partition("dropped/")[2].partition("/")[0].removesuffix(".jsonl")

    @property
    def is_kept(self) -> bool:
        """Whether it is a training row, or a clean problem: whatever else is said of it, it has not ended before."""
        return self.kind == "row" and (self.where == "decontaminated.jsonl" or "/sft/" in self.where)


class Id(NamedTuple):
    """What an id names: a thread, one of its problems, or a solution or a group of solutions of a problem."""

    thread: str
    problem: str | None
    seed: int | None
    group: int | None = None


def end_of(events: Iterable[Event]) -> Event | None:
    """What decides about a row: that it was kept, else that it was dropped, else how far it came; None of nothing."""
    kept = dropped = last = None
    for event in events:
        if event.is_kept:
            kept = event
        elif event.kind == "dropped":
            dropped = dropped or event
        elif event.kind != "left_out":
            last = event
    return kept or dropped or last


def parse_id(text: str) -> Id | None:
    """`<thread>`, `<thread>-<problem>`, `<thread>-<problem>-<seed>`, `<thread>-<problem>-g<group>`; of longer ids
    (pairs, questions) the problem."""
    match = _ID.fullmatch(text)
    if match is None:
        return None
    problem = None if match["problem"] is None else f"{match['thread']}-{match['problem']}"
    seed, group = (None if match[name] is None else int(match[name]) for name in ("seed", "group"))
    return Id(match["thread"], problem, seed, group)


def problem_in(text: str) -> str | None:
    """The problem that a longer id (of a solution, a group, a pair) begins with, whatever ids look like; None if it is
    not longer."""
    whole = text.partition("~")[0]
    part = _PART_OF_PROBLEM.fullmatch(whole)
    return part["problem"] if part is not None else whole if whole != text else None


class Lineage:
    """The rows of a run by what led to them; every method yields events in the order of the recipe."""

    def __init__(self, run: Path, search: Search | None = None) -> None:
        self.run = run
        self.saved = Saved.of(run)
        self._search = search or FileSearch()
        #: Whether problems were given, so that there are no threads; and whether a model classified the problems.
        self.starts_from_problems, self.classifies = self._beginning()
        #: Recipes that solve problems, and those that compare solutions of others, as far as the run's config has them;
        #: and those that it has no longer, whose files are there.
        solving, comparing = (self._recipes_with(folder) for folder in ("solutions", "groups"))
        self.recipes = [name for name in solving if self.saved.knows(name) and not self.saved.compares(name)]
        self.comparing = [
            name for name in comparing if self.saved.knows(name) and self.saved.compares(name) is not False
        ]
        self.unknown_recipes = sorted(name for name in {*solving, *comparing} if not self.saved.knows(name))

    def _beginning(self) -> tuple[bool, bool]:
        settings = self.saved.settings
        if settings is not None:
            return settings.starts_from_problems, settings.classifies
        given = self.run / "counts" / "read_problems.json"
        from_problems = given.exists() and not (self.run / "raw_aops_data.jsonl").exists()
        return from_problems, not from_problems or bool(read_counts(given).get("to_classify"))

    def _recipes_with(self, folder: str) -> list[str]:
        return sorted(path.parent.name for path in self.run.glob(f"*/{folder}"))

    def _files(self, folder: str, sharded_by: str | None) -> Iterator[Path]:
        """The files of a folder (or `folder`.jsonl) that the run has by its config."""
        for file in self._search.shard_files(self.run / folder, sharded_by):
            if self.saved.has_file(file.relative_to(self.run).as_posix()):
                yield file

    def _event(self, path: Path, kind: str, row: Row) -> Event:
        return Event(str(path.relative_to(self.run)), kind, row)

    def _rows(self, name: str, field: str, value: str, kind: str = "row") -> Iterator[Event]:
        """Rows of `name` (a file, or a folder of shards that are told apart by the problem's id)."""
        shards = None if field == "thread_id" else value
        yield from self._found(name.removesuffix(".jsonl"), field, value, shards, kind)

    def _found(self, folder: str, field: str, value: str, sharded_by: str | None, kind: str) -> Iterator[Event]:
        for file in self._files(folder, sharded_by):
            yield from (self._event(file, kind, row) for row in self._search.rows_with(file, field, value))

    def _replies(self, folder: str, row_id: str, sharded_by: str | None) -> Iterator[Event]:
        yield from self._found(folder, "id", row_id, sharded_by, "reply")

    def _dropped(self, stage: str, row_id: str, sharded_by: str | None = None) -> Iterator[Event]:
        yield from self._found(stage, "id", row_id, sharded_by, "dropped")

    def id_of(self, text: str) -> Id | None:
        """What an id of this run names; None if it cannot be one. Given problems may have ids of any form."""
        if not self.starts_from_problems:
            return parse_id(text)
        whole, part = text.partition("~")[0], _PART_OF_PROBLEM.fullmatch(text.partition("~")[0])
        if part is None or any(True for _ in self._given(whole)):
            return Id(whole, whole, None)
        seed, group = (None if part[name] is None else int(part[name]) for name in ("seed", "group"))
        return Id(part["problem"], part["problem"], seed, group)

    def _given(self, problem: str) -> Iterator[Event]:
        yield from self._rows(self._first_rows, "id", problem)
        yield from self._dropped("dropped/read_problems", problem)

    @property
    def _first_rows(self) -> str:
        """The file with all problems that were given and can be used."""
        return "problems.jsonl" if self.classifies else "merged.jsonl"

    # ---- threads and problems ----------------------------------------------------------------------------------

    def thread(self, thread: str) -> Iterator[Event]:
        """The thread itself, up to its reply with problems, and what was dropped of it."""
        found = list(self._rows("raw_aops_data.jsonl", "id", thread))
        yield from found
        yield from self._rows("origins.jsonl", "id", thread)
        # Of a thread that is there, copies were dropped, which have its id.
        yield from self._rows("dropped/prepare_raw_data", "id", thread, "left_out" if found else "dropped")
        yield from self._replies("replies/extract_problems", thread, thread)
        yield from self._dropped("dropped/parse_problems", thread)

    def problems(self, thread: str) -> list[str]:
        """The ids of a thread's problems."""
        if self.starts_from_problems:
            return [thread] if any(True for _ in self._given(thread)) else []
        return [event.row["id"] for event in self._rows("problems.jsonl", "thread_id", thread)]

    def problem(self, problem: str) -> Iterator[Event]:
        """Everything about a problem before it is solved."""
        if self.classifies:
            yield from self._rows("problems.jsonl", "id", problem)
        if self.starts_from_problems and self.classifies:
            yield from self._dropped_of_given(problem)
        for stage, rows, model_stage in _PROBLEM_CHAIN if self.classifies else _GIVEN_CHAIN:
            if model_stage is not None:
                yield from self._replies(f"replies/{model_stage}", problem, problem)
            yield from self._rows(rows, "id", problem)
            is_first = stage == "read_problems"
            yield from self._dropped_of_given(problem) if is_first else self._dropped(f"dropped/{stage}", problem)
        yield from self._contamination(problem)
        yield from self._rows("decontaminated.jsonl", "id", problem)
        yield from self._dropped("dropped/decontaminate", problem)

    def _dropped_of_given(self, problem: str) -> Iterator[Event]:
        """Why a given problem was left out; of one that was not, its copies, whose ids are made of the same text."""
        for event in self._dropped("dropped/read_problems", problem):
            yield event._replace(kind="left_out") if event.row.get("kept") == problem else event

    def _contamination(self, problem: str) -> Iterator[Event]:
        for net in ("exact", "ngrams", "tfidf", "embeddings"):
            yield from self._rows(f"contamination/{net}.jsonl", "id", problem)
        for pair in self._rows("contamination/pairs.jsonl", "problem_id", problem):
            yield pair
            yield from self._replies("replies/check_contamination", pair.row["id"], pair.row["id"])

    # ---- solutions ---------------------------------------------------------------------------------------------

    def seats(self, recipe: str, problem: str) -> list[Row]:
        """The judged (or else voted, or else read) rows of a problem's solutions, by seed; of a problem without a vote
        the replies."""
        for stage in ("judged", "majority", "votes"):
            rows = [event.row for event in self._rows(f"{recipe}/{stage}", "id", problem)]
            if rows:
                return sorted(rows, key=lambda row: row["seed"])
        rows = [event.row for event in self._solutions(recipe, problem)]
        return sorted(rows, key=lambda row: row["seed"])

    def _solutions(self, recipe: str, problem: str, seed: int | None = None) -> Iterator[Event]:
        """The replies of a problem's solutions, or of that one; only files that have room for it are read."""
        for folder in sorted(path.name for path in (self.run / recipe / "solutions").glob("seed-*")):
            if seed is None or seed in seeds_in(folder):
                replies = self._replies(f"{recipe}/solutions/{folder}", problem, problem)
                yield from (event for event in replies if seed in (None, event.row["seed"]))

    def solution(self, recipe: str, problem: str, seed: int) -> Iterator[Event]:
        """Everything about one solution, up to its training row."""
        replies = list(self._solutions(recipe, problem, seed))
        voted, seats, judged = (
            [event for event in self._rows(f"{recipe}/{stage}", "id", problem) if event.row["seed"] == seed]
            for stage in ("votes", "majority", "judged")
        )
        if not (replies or voted or seats or judged):
            return
        yield from replies
        yield from self._open_vote(recipe, problem)
        yield from seats or voted
        for seat in seats:
            yield from self._verdict(recipe, problem, seat.row.get("predicted_answer"))
        yield from judged
        yield from self._code(recipe, problem, seed)
        yield from self._summaries(recipe, problem, seed)
        yield from self.fate(recipe, problem, seed)
        yield from self._wrong_summaries(recipe, problem, seed)
        yield from self._as_candidate(recipe, problem, seed)

    def _open_vote(self, recipe: str, problem: str) -> Iterator[Event]:
        """What a model said of the answers of a vote that hung on it."""
        yield from self._rows(f"{recipe}/undecided", "id", problem)
        for event in self._of_problem(f"{recipe}/matches", problem):
            yield event
            yield from self._replies(f"{recipe}/replies/match_answers", event.row["id"], problem)

    def _verdict(self, recipe: str, problem: str, predicted: str | None) -> Iterator[Event]:
        for event in self._of_problem(f"{recipe}/comparisons", problem):
            if event.row.get("predicted_answer") == predicted:
                yield event
                asked = event.row.get("asked_as") or event.row["id"]
                yield from self._replies(f"{recipe}/replies/judge_answers", asked, problem)

    def _code(self, recipe: str, problem: str, seed: int) -> Iterator[Event]:
        """What was found of a solution's code: its cleaned row, the votes on its blocks, its selected row."""
        cleaned = [event for event in self._rows(f"{recipe}/cleaned", "id", problem) if event.row["seed"] == seed]
        yield from cleaned
        for block in range(sum(event.row["blocks"] for event in cleaned)):
            fragment = f"{problem}-{seed}-{block}"
            yield from self._rows_of(f"{recipe}/fragments", problem, fragment)
            # Only a part of the solution was dropped.
            yield from self._found(f"{recipe}/dropped/cut_fragments", "id", fragment, problem, "left_out")
            yield from self._replies(f"{recipe}/replies/judge_code", fragment, problem)
        rows = self._rows(f"{recipe}/selected", "id", problem)
        yield from (event for event in rows if event.row.get("seed") == seed)

    def _of_problem(self, folder: str, problem: str) -> Iterator[Event]:
        yield from self._found(folder, "problem_id", problem, problem, "row")

    def _candidates(self, recipe: str, stage: str, row_id: str, problem: str) -> Iterator[Event]:
        """The replies of a stage that asks for several texts of a row, in parts."""
        for path in sorted((self.run / recipe / "replies" / stage).glob("part-*")):
            yield from self._replies(str(path.relative_to(self.run)), row_id, problem)

    def _wrong_summaries(self, recipe: str, problem: str, seed: int) -> Iterator[Event]:
        """What became of a wrong solution as a candidate for comparisons."""
        trace = f"{problem}-{seed}"
        yield from self._rows_of(f"{recipe}/wrong_traces", problem, trace)
        yield from self._candidates(recipe, "generate_wrong_summaries", trace, problem)
        rows = self._rows(f"{recipe}/wrong_summarized", "id", problem)
        yield from (event for event in rows if event.row["seed"] == seed)
        yield from self._found(f"{recipe}/dropped/merge_wrong_summaries", "id", trace, problem, "left_out")

    def _as_candidate(self, recipe: str, problem: str, seed: int) -> Iterator[Event]:
        """Why recipes that compare solutions do not show this one."""
        for comparing in self.comparing:
            found = self._found(f"{comparing}/dropped/form_groups", "id", f"{problem}-{seed}", problem, "left_out")
            yield from (event for event in found if event.row.get("recipe") == recipe)

    def _rows_of(self, folder: str, problem: str, row_id: str) -> Iterator[Event]:
        """Rows with an id that begins with a problem's, in shards that are told apart by the problem."""
        yield from self._found(folder, "id", row_id, problem, "row")

    def _summaries(self, recipe: str, problem: str, seed: int) -> Iterator[Event]:
        trace = f"{problem}-{seed}"
        yield from self._rows_of(f"{recipe}/traces", problem, trace)
        candidates = list(self._candidates(recipe, "generate_summaries", trace, problem))
        yield from candidates
        if candidates:
            for event in self._of_problem(f"{recipe}/summary_comparisons", problem):
                yield event
                yield from self._replies(f"{recipe}/replies/judge_summaries", event.row["id"], problem)
        yield from (event for event in self._rows(f"{recipe}/summarized", "id", problem) if event.row["seed"] == seed)

    def fate(self, recipe: str, problem: str, seed: int) -> Iterator[Event]:
        """Where a solution ended: rows that say why it was dropped, or its training row."""
        no_end = frozenset[str]() if self.saved.requires_reasoning(recipe) else _REASONING_STAGES
        for stage in _FATES:
            kind = "left_out" if stage in no_end else "dropped"
            for row_id in (problem, f"{problem}-{seed}"):
                events = self._found(f"{recipe}/dropped/{stage}", "id", row_id, problem, kind)
                yield from (event for event in events if event.row.get("seed", seed) == seed)
        yield from self._training_rows(recipe, problem, f"{problem}-{seed}")

    # ---- groups of solutions -----------------------------------------------------------------------------------

    def groups(self, recipe: str, problem: str) -> list[Row]:
        """The groups of a problem's solutions that were compared."""
        return [event.row for event in self._of_problem(f"{recipe}/groups", problem)]

    def unvoted(self, recipe: str, problem: str) -> Event | None:
        """Why a problem's solutions were not judged, or none was asked for; None where they were, or will be."""
        stages = (f"{recipe}/dropped/{stage}" for stage in ("fill_majority_answer", "settle_votes"))
        return next((event for stage in stages for event in self._dropped(stage, problem, problem)), None)

    def ungrouped(self, recipe: str, problem: str) -> Event | None:
        """Why solutions of a problem were not compared; None where they were, or nothing is known."""
        return next(self._dropped(f"{recipe}/dropped/form_groups", problem, problem), None)

    def group(self, recipe: str, problem: str, group: str) -> Iterator[Event]:
        """Everything about one group: its candidates, what was chosen, what was made of it."""
        found = list(self._rows_of(f"{recipe}/groups", problem, group))
        yield from found
        for shown in (each for event in found for each in event.row["candidates"]):
            folder = "summarized" if shown["right"] else "wrong_summarized"
            rows = self._rows(f"{shown['recipe']}/{folder}", "id", problem)
            yield from (event for event in rows if event.row["seed"] == shown["seed"])
        yield from self._replies(f"{recipe}/replies/select_solutions", group, problem)
        yield from self._rows_of(f"{recipe}/selected", problem, group)
        yield from self._candidates(recipe, "generate_selection_summaries", group, problem)
        yield from self._rows_of(f"{recipe}/summarized", problem, group)
        yield from self.fate_of_group(recipe, problem, group)

    def fate_of_group(self, recipe: str, problem: str, group: str) -> Iterator[Event]:
        """Where a group ended: the row that says why it was dropped, or its training row."""
        for stage in _SELECTION_STAGES:
            yield from self._dropped(f"{recipe}/dropped/{stage}", group, problem)
        yield from self._training_rows(recipe, problem, group)

    def _training_rows(self, recipe: str, problem: str, row_id: str) -> Iterator[Event]:
        for folder, row in self._search.training_rows(self.run / recipe / "sft", problem, row_id):
            if self.saved.has_file(folder.relative_to(self.run).as_posix()):
                yield self._event(folder, "row", row)

    # ---- ids that are not there --------------------------------------------------------------------------------

    def unknown(self, wanted: str) -> UserError:
        """The error for an id that no file has, with ids that look like it."""
        files: tuple[str, ...] = ("raw_aops_data.jsonl", "problems.jsonl", "dropped/prepare_raw_data.jsonl")
        if self.starts_from_problems:
            files = (self._first_rows, "dropped/read_problems.jsonl")
        near = nearest(wanted, set(chain.from_iterable(ids_of(self.run / name) for name in files)))
        remedy = f"did you mean {' or '.join(near)}?" if near else "ids are those of the rows in that folder"
        return UserError(f"no row of {self.run} has the id {wanted!r}", remedy=remedy)
