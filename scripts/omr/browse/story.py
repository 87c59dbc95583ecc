"""The story of a thread, a problem or a solution as cards: one for each row, reply and drop that led to it, in order.

What is told, and in which order, is what `scripts/trace.py` prints (omr/runs/lineage.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import urlencode

from markupsafe import Markup

from omr.answers.reasoning import split_reasoning
from omr.asking.prompt_fields import CODE_BUDGET
from omr.asking.prompts import PLACEHOLDER, Prompt, load_prompt
from omr.browse.facts import OPEN, SOURCES, fact, is_told, text_of
from omr.browse.kinds import FileKind, kind_of
from omr.browse.search import PlacedRow
from omr.browse.shown import Drawer, Shown, plain, why
from omr.browse.votes import Counted, votes_of
from omr.errors import UserError
from omr.files.jsonl import Row
from omr.report.words import MODEL_STAGES, NETS, reason_in_words
from omr.runs.lineage import Event, Lineage, end_of

PROMPTS = Path(__file__).parents[3] / "prompts"
_TITLES = {
    "raw_aops_data": "The thread",
    "origins": "Where the thread comes from",
    "problems": "A problem that its first post states",
    "classified": "Classified",
    "answers": "With the answer that the discussion gives",
    "converted": "Restated with an answer that can be checked",
    "proofs": "Classified again",
    "merged": "One of the problems, each once",
    "deduplicated": "Compared with the other problems: reposts are told",
    "contamination": "Compared with the benchmarks",
    "decontaminated": "Clean: it goes on to be solved",
    "undecided": "The vote hangs on which answers are the same",
    "matches": "Are these two answers the same?",
    "votes": "Its answer, before the vote",
    "majority": "The vote",
    "comparisons": "Its answer compared with the expected one",
    "judged": "The verdict",
    "cleaned": "Its code ran",
    "fragments": "A block of its code, for the judges of code",
    "selected": "Chosen",
    "traces": "Its reasoning is kept, to be summarized",
    "summary_comparisons": "The answer of a summary compared",
    "summarized": "With its new summary",
    "wrong_traces": "Wrong, and a candidate for comparisons",
    "wrong_summarized": "Wrong, with a summary that states its own answer",
    "groups": "A group of solutions to compare",
    "sft": "The training row",
}
#: Of rows that went on all the same, by what left something of them out.
_LEFT_OUT = {
    "prepare_raw_data": "A copy of the thread was left out",
    "read_problems": "A copy of the problem was left out",
    "cut_fragments": "A part that was left out",
    "select_traces": "Without a new summary: it keeps its own text",
    "merge_summaries": "Without a new summary",
    "merge_wrong_summaries": "No candidate for comparisons",
    "form_groups": "No candidate for comparisons",
}
#: Where problems were given.
_TITLES_OF_GIVEN = {"problems": "The problem as it was given", "merged": "One of the given problems, each once"}
#: Stages whose rows are about something of their own, and not about what the story has told so far.
_OF_THEIR_OWN = frozenset({"contamination", "matches", "comparisons", "summary_comparisons"})
#: Replies up to this length are open.
_OPEN_CHARS = 1500
#: Answers with a bar, and spellings of one.
_MOST_BARS = 8
_VERDICTS = {"yes": ("right", "good"), "no": ("wrong", "bad"), "unjudged": ("unjudged", "unsure")}


class Text(NamedTuple):
    """A long value: under its name, `open` or folded; `more` is the page that shows all of it."""

    name: str
    shown: Shown
    more: str
    open: bool
    css: str = ""


@dataclass
class Card:
    """A row of the story. `tone` is `good`, `bad`, `unsure`, `drop`, `reply` or nothing."""

    title: str
    tone: str
    where: str
    row_url: str
    badge: str = ""
    facts: list[tuple[str, Markup]] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)


class Seat(NamedTuple):
    """A solution in the list of its problem."""

    seed: int
    answer: Markup
    verdict: str
    tone: str
    by: str
    tokens: Any
    fate: str
    fate_tone: str


class Bar(NamedTuple):
    """An answer, its other spellings, and how many solutions gave it."""

    answer: Markup
    others: list[Markup]
    n: int
    percent: int


class Solved(NamedTuple):
    """The solutions of a problem by one recipe."""

    recipe: str
    expected: Markup
    source: str
    vote: Markup | None  # the answer that most solutions give, however they write it
    agree: str  # how many do
    bars: list[Bar]  # of the commonest answers
    answers: int  # of all solutions
    as_voted: bool  # else bars count answers as they were written
    seats: list[Seat]
    right: int


class Group(NamedTuple):
    id: str
    size: int
    fate: str
    tone: str


class Teller:
    """Makes the cards of one page."""

    def __init__(self, lineage: Lineage, recipes: Iterable[str]) -> None:
        self.lineage = lineage
        self.drawer = Drawer()
        self._recipes = frozenset(recipes)
        #: What prompts are filled with: the fields of the rows so far.
        self._context: Row = {}
        self._told: set[tuple[str, str]] = set()
        #: Pairs of answers that a comparison settled: a judge is asked about some of them to measure it.
        self._settled: set[str] = set()

    def cards(self, events: Iterable[Event]) -> list[Card]:
        return [self._card(event) for event in events]

    def after(self, statement: Row, events: Iterable[Event]) -> list[Card]:
        """The cards of what followed, for readers who know the problem."""
        self._context.update(statement)
        self._told.update((name, str(statement[name])) for name in ("problem", "expected_answer") if name in statement)
        return self.cards(events)

    def _card(self, event: Event) -> Card:
        kind = kind_of(event.where, self._recipes)
        if event.kind == "reply":
            return self._reply(event, kind)
        row = dict(event.row)
        titles = _TITLES | _TITLES_OF_GIVEN if self.lineage.starts_from_problems else _TITLES
        title, tone, badge = titles.get(kind.stage, kind.stage.replace("_", " ")), "", ""
        if event.kind == "dropped":
            reason = str(row.pop("reason", ""))
            title, tone, badge = (
                f"Dropped: {reason_in_words(reason, kind.stage)}",
                "drop",
                f"{kind.stage} · {plain(reason, 60)}",
            )
        elif event.kind == "left_out":
            reason = plain(row.pop("reason", ""), 60)
            title, badge = _LEFT_OUT.get(kind.stage, "Left out"), reason_in_words(reason, kind.stage)
        if kind.stage == "judged":
            badge, tone = _VERDICTS.get(str(row.get("judgement")), ("", ""))
        elif kind.stage == "sft":
            tone = "good"
        elif kind.stage == "contamination":
            badge = NETS.get(PurePosixPath(event.where).stem, "")
        if row.get("settled_by") and "comparison" in row:
            self._settled.add(str(row.get("id")))
        known = self._told if kind.stage not in _OF_THEIR_OWN else set()
        card = Card(title, tone, event.where, _url("/row", event.row), badge)
        for name, value in row.items():
            self._add(card, event.row, name, value, known)
        if event.kind == "row":
            self._context.update(row)
        return card

    def _add(self, card: Card, row: Row, name: str, value: Any, known: set[tuple[str, str]]) -> None:
        """Add a value to a card, unless it is `known`."""
        one = (name, str(value))
        if one in known or not is_told(name, value):
            return
        known.add(one)
        self._told.add(one)
        short = fact(self.drawer, name, value)
        if short is not None:
            card.facts.append((_label(name), short))
            return
        shown = self.drawer.text(text_of(name, value))
        card.texts.append(Text(_label(name), shown, _url("/text", row, field=name), name in OPEN))

    def _reply(self, event: Event, kind: FileKind) -> Card:
        row = event.row
        usage = row.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        title = f"A model was asked to {MODEL_STAGES.get(kind.stage, kind.stage.replace('_', ' '))}"
        is_audit = str(row.get("id")) in self._settled
        title = f"An audit: {title[0].lower()}{title[1:]}" if is_audit else title
        card = Card(title, "reply", event.where, _url("/row", row), plain(row.get("prompt"), 60))
        known = [
            ("model", row.get("model")),
            ("ended", row.get("ended") or row.get("finish_reason")),
            ("tokens", f"{usage.get('prompt_tokens', '?')} + {usage.get('completion_tokens', '?')}"),
            ("seed", row.get("seed")),
            ("of", row.get("id") if row.get("id") != self._context.get("id") else None),
            ("failed", row.get("error")),
            ("for", "measuring the judge: a comparison had settled this pair" if is_audit else None),
        ]
        if row.get("steps"):
            known.append(("code", f"ran {row.get('executions')} of {row.get('executions_allowed')} blocks"))
        card.facts = [(name, Markup.escape(plain(value))) for name, value in known if value is not None]
        prompt = self._prompt(str(row.get("prompt")), row)
        if prompt is not None:
            text, is_whole = prompt
            name = f"prompt, as prompts/{row.get('prompt')}.yaml reads now"
            name += "" if is_whole else ", without what the run has not kept"
            card.texts.append(Text(name, Drawer(0).text(text), "", open=False, css="asked"))
        if isinstance(row.get("reasoning"), str):
            shown = self.drawer.text(row["reasoning"])
            card.texts.append(Text("reasoning", shown, _url("/text", row, field="reasoning"), open=False))
        card.texts += self._said(row)
        return card

    def _said(self, row: Row) -> Iterator[Text]:
        """What a model replied: its reasoning folded, what follows it open; of long replies the end as well."""
        text, more = row.get("text"), _url("/text", row, field="text")
        text = text if isinstance(text, str) else ""
        thought, rest = (None, text) if row.get("steps") else split_reasoning(text)
        if thought is not None and rest.strip():
            if thought.strip():
                yield Text("reasoning", self.drawer.text(thought.strip()), more, open=False)
            yield Text("reply", self.drawer.text(rest.strip()), more, open=True)
            return
        shown = self.drawer.reply(row)
        yield Text("reply", shown, more, open=shown.chars < _OPEN_CHARS)
        if shown.left:
            yield Text("its end", self.drawer.text(text[-_OPEN_CHARS:]), more, open=True)

    def _prompt(self, name: str, reply: Row) -> tuple[str, bool] | None:
        """The prompt with this story's fields, and whether it has all: what it lacks stays in braces. None where there
        is no such file."""
        prompt = _prompt_file(name)
        if prompt is None:
            return None
        texts = [] if prompt.system is None else [prompt.system]
        allowed = reply.get("executions_allowed")
        context = self._context if allowed is None else self._context | {CODE_BUDGET: allowed}
        filled = (
            PLACEHOLDER.sub(lambda match: str(context.get(match[1], match[0])), text) for text in [*texts, prompt.user]
        )
        return "\n\n".join(filled), context.keys() >= prompt.fields

    # ---- lists of a problem ------------------------------------------------------------------------------------

    def solved(self, recipe: str, problem: str) -> Solved | None:
        """The votes and the solutions of a problem by one recipe; None if there are none."""
        rows, unvoted = self.lineage.seats(recipe, problem), self.lineage.unvoted(recipe, problem)
        if not rows and unvoted is None:
            return None
        votes = votes_of(rows)
        bars = [self._bar(one, votes.total) for one in votes.answers[:_MOST_BARS]]
        first = (rows or [{}])[0]
        seats = [self._seat(recipe, problem, row, unvoted) for row in rows]
        expected = self.drawer.answer(first.get("expected_answer"))
        source = SOURCES.get(str(first.get("answer_source")), plain(first.get("answer_source") or "not known yet"))
        if unvoted is not None:
            source = f"without a vote: {_dropped_for(unvoted)}"
        vote, agree = None, ""
        if first.get("majority_votes") and first.get("total_votes"):
            winner = first.get("majority_answer")
            vote = Markup("tied") if winner is None else self.drawer.answer(winner)
            agree = (
                f"{plain(first['majority_votes'])} of {plain(first['total_votes'])}{' each' if winner is None else ''}"
            )
        right = sum(seat.tone == "good" for seat in seats)
        return Solved(recipe, expected, source, vote, agree, bars, votes.total, votes.as_voted, seats, right)

    def _bar(self, answer: Counted, total: int) -> Bar:
        first, *others = map(self.drawer.answer, answer.spellings[:_MOST_BARS])
        return Bar(first, others, answer.n, round(100 * answer.n / total))

    def _seat(self, recipe: str, problem: str, row: Row, unvoted: Event | None) -> Seat:
        seed = row.get("seed", 0)
        waiting = "not judged yet" if unvoted is None else "without a vote"
        verdict, tone = _VERDICTS.get(str(row.get("judgement")), (waiting, ""))
        by = row.get("judged_by") or row.get("unjudged_reason") or row.get("answer_fault") or ""
        fate, fate_tone = told_fate(self.lineage.fate(recipe, problem, seed))
        answer = self.drawer.answer(row.get("predicted_answer"))
        tokens = row.get("completion_tokens")
        return Seat(seed, answer, verdict, tone, plain(by, 40) if by else "", tokens, fate, fate_tone)

    def ungrouped(self, recipe: str, problem: str) -> str:
        """Why a problem's solutions were not compared by a recipe, in words; empty where they were."""
        event = self.lineage.ungrouped(recipe, problem)
        return "" if event is None else _dropped_for(event)

    def groups(self, recipe: str, problem: str) -> list[Group]:
        """The groups of a problem's solutions that were compared by one recipe."""
        found = []
        for row in self.lineage.groups(recipe, problem):
            fate, tone = told_fate(self.lineage.fate_of_group(recipe, problem, row["id"]))
            found.append(Group(row["id"], len(row.get("candidates") or ()), fate, tone))
        return found


def told_fate(events: Iterable[Event]) -> tuple[str, str]:
    """(where something ended in words, tone)."""
    end = end_of(events)
    if end is None:
        return "", ""
    return (_dropped_for(end), "drop") if end.kind == "dropped" else ("a training row", "good")


def ending(events: Iterable[Event]) -> tuple[str, str]:
    """(where a problem ended or how far it came in words, tone)."""
    end = end_of(events)
    if end is None:
        return "nothing is known of it", ""
    if end.kind == "dropped":
        return _dropped_for(end), "drop"
    return ("clean", "good") if end.is_kept else (f"in {end.where}", "")


def _dropped_for(event: Event) -> str:
    """Why a row was dropped, in words."""
    return why(plain(event.row.get("reason"), 100), event.stage)


def _label(name: str) -> str:
    return plain(name.replace("_", " "), 60)


def _url(page: str, row: Row, **more: str) -> str:
    """The address of a page about a row; none for one that does not know its place."""
    if not isinstance(row, PlacedRow):
        return ""
    return f"{page}?{urlencode({'file': row.path, 'at': row.offset} | more)}"


def _prompt_file(name: str) -> Prompt | None:
    # Looked for among the files that are there: a name may be anything.
    path = next((path for path in PROMPTS.glob("*.yaml") if path.stem == name), None)
    return None if path is None else _loaded(path, path.stat().st_mtime_ns)


@lru_cache(64)
def _loaded(path: Path, mtime_ns: int) -> Prompt | None:
    """A prompt file as it is at that time; None for one that is being edited and cannot be read."""
    try:
        return load_prompt(path)
    except UserError:
        return None
