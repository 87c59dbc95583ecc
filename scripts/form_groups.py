"""Groups of candidates that a model will compare: right and wrong solutions of one problem, in new words.

In: decontaminated.jsonl, and of every source recipe the summarized rows of right and of wrong solutions and the judged
rows; of all of these only what belongs to problems of the shard is looked at. Out, in the order of the problems: light
rows without texts: `id` = `<problem id>-g<number>`, `problem_id`, `candidates` in the order in which they are shown
([{"recipe", "id", "seed", "summary_candidate", "answer", "answer_class", "right", "judged_by"}]; equal `answer_class`
means the same answer, 0 a right one), `pool_right` and `pool_wrong` (candidates of the problem), `expected_answer`,
`answer_source`, `pass_rate` and `pass_rate_of` (of the solutions of the recipes `pass_rate_by`), `votes` (by recipe).
Which groups there are follows from the candidates alone: not from the order of any rows, nor from the shards.
Dropped problems: `no_right`, `no_wrong`, `pool_too_small`, `answer_source_left_out`, `sources_disagree` (their recipes
hold different answers for right), `over_tokens` (every group is too long). Parts: groups `over_tokens`; candidates that
cannot be shown: `candidate_too_long`, `think_tag_in_text`, `control_token_in_text`, `looks_like_heading`, `equal_text`,
`right_and_wrong`.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omr.answers.equivalence import EquivalenceChecker, Verdict
from omr.errors import UserError, leave, run_command
from omr.files.jsonl import Fields, Row
from omr.selections.candidates import SUMMARIZED, Candidate, PoolRules, candidate_of, usable_candidates
from omr.selections.groups import Formed, Group, GroupRules, form_groups
from omr.selections.sources import SourceIndex, add_source_files, by_recipe
from omr.solutions.pass_rate import pass_rate
from omr.stages.flags import add_problems, add_shard, open_stage, stage_parser
from omr.stages.shard_problems import shard_problems
from omr.stages.shards import member_of
from omr.stages.stage import Stage
from omr.threads.token_counts import ByteCounter, TokenCounter, TokenizerCounter

_JUDGED: Fields = {"id": str, "judgement": str, "unjudged_reason": (str, None)}
#: Tokens of a candidate's heading and the blank line before it, at most.
_HEADING_TOKENS = 8


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="groups", dropped="problems without one, groups and candidates left out")
    add_problems(parser)
    add_shard(parser)
    add_source_files(parser, "--summarized", "summaries of right solutions")
    add_source_files(parser, "--wrong-summarized", "summaries of wrong solutions")
    add_source_files(parser, "--judged", "judged rows")
    add = parser.add_argument
    add("--groups", type=int, required=True, help="most groups of a problem")
    add("--max-size", type=int, required=True, help="most candidates of a group")
    add("--min-pool", type=int, required=True, help="fewest candidates of a problem")
    add("--max-right-share", type=float, required=True, help="greatest share of right candidates in a group")
    add("--max-chars", type=int, required=True, help="most characters of a candidate; none is cut")
    add("--max-tokens", type=int, help="most tokens of the candidates of a group")
    add("--tokenizer", type=Path, help="tokenizer.json that counts them (default: UTF-8 bytes, which are more)")
    add("--answer-sources", nargs="+", required=True, help="where the expected answer may be from")
    return parser.parse_args(argv)


@dataclass
class Figures:
    """What the counts say besides rows."""

    candidates: Counter[str] = field(default_factory=lambda: Counter(read=0, usable=0))
    sources: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    sizes: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    groups_of_problems: Counter[str] = field(default_factory=Counter)
    answer_sources: Counter[str] = field(default_factory=Counter)
    equal_sets: int = 0

    def add_candidates(self, every: Sequence[Candidate], usable: int) -> None:
        self.candidates.update(read=len(every), usable=usable)
        for candidate in every:
            self.sources[candidate.recipe]["right" if candidate.right else "wrong"] += 1

    def add(self, formed: Formed, answer_source: str) -> None:
        self.groups_of_problems[f"{len(formed.groups):02d}"] += 1
        self.equal_sets += formed.equal
        for group in formed.groups:
            self.sizes[f"{len(group.members):02d}"] += 1
            self.right[f"{group.right:02d}"] += 1
            self.answer_sources[answer_source] += 1

    def note(self, stage: Stage) -> None:
        for name in ("candidates", "sizes", "right", "groups_of_problems", "answer_sources"):
            stage.note(name, dict(sorted(getattr(self, name).items())))
        stage.note("equal_sets", self.equal_sets)
        stage.note("sources", {recipe: dict(sorted(kinds.items())) for recipe, kinds in sorted(self.sources.items())})


class Lengths:
    """Whether the candidates of a group are within the most tokens; those of one problem after the other."""

    def __init__(self, counter: TokenCounter, max_tokens: int | None) -> None:
        self._counter = counter
        self._max_tokens = max_tokens
        self._known: dict[str, int] = {}

    def start_problem(self) -> None:
        self._known.clear()

    def fit(self, members: Sequence[Candidate]) -> bool:
        if self._max_tokens is None:
            return True
        room = self._max_tokens - _HEADING_TOKENS * len(members)
        if sum(self._counter.at_most(member.text) for member in members) <= room:
            return True
        unknown = [member for member in members if member.name not in self._known]
        counts = self._counter.count([member.text for member in unknown])
        self._known.update(zip((member.name for member in unknown), counts, strict=True))
        return sum(self._known[member.name] for member in members) <= room


@dataclass(frozen=True)
class Pool:
    """The candidates of a problem, and what all of them share."""

    usable: list[Candidate]
    shared: dict[str, Any]

    @property
    def right(self) -> int:
        return sum(candidate.right for candidate in self.usable)


@dataclass(frozen=True)
class Former:
    """Forms the groups of one problem after the other."""

    stage: Stage
    sources: Mapping[str, SourceIndex]  # right, wrong, judged
    checker: EquivalenceChecker
    pool_rules: PoolRules
    group_rules: GroupRules
    min_pool: int
    answer_sources: frozenset[str]
    lengths: Lengths
    figures: Figures

    def form(self, problem_id: str) -> None:
        """Write the groups of a problem, or drop it."""
        rows = {kind: self.sources[kind].get(problem_id) for kind in ("right", "wrong")}
        every = [
            candidate_of(row, recipe, right=kind == "right") for kind, pairs in rows.items() for recipe, row in pairs
        ]
        usable, left_out = usable_candidates(every, self.pool_rules)
        self.figures.add_candidates(every, len(usable))
        for candidate, why in left_out:
            self.stage.drop_part(_named(candidate), why)
        reason = self._fault_of_problem([row for pairs in rows.values() for _, row in pairs], usable)
        if reason is not None:
            kinds = Counter("right" if candidate.right else "wrong" for candidate in usable)
            self.stage.drop({"id": problem_id}, reason, pool_right=kinds["right"], pool_wrong=kinds["wrong"])
            return
        self._write(problem_id, Pool(usable, self._shared(problem_id, rows)))

    def _fault_of_problem(self, rows: Sequence[Row], usable: Sequence[Candidate]) -> str | None:
        kinds = Counter(candidate.right for candidate in usable)
        if not kinds[True]:
            return "no_right"
        if not kinds[False]:
            return "no_wrong"
        answers = list(dict.fromkeys(row["expected_answer"] for row in rows))
        if any(self.checker.compare(answers[0], other) is not Verdict.EQUAL for other in answers[1:]):
            return "sources_disagree"
        if {row["answer_source"] for row in rows} - self.answer_sources:
            return "answer_source_left_out"
        largest = self.group_rules.largest(kinds[True], kinds[False])
        return "pool_too_small" if len(usable) < self.min_pool or largest < self.group_rules.smallest else None

    def _shared(self, problem_id: str, rows: Mapping[str, Sequence[tuple[str, Row]]]) -> dict[str, Any]:
        """The fields that all groups of a problem have."""
        first = rows["right"][0][1]
        judged = self.sources["judged"].get(problem_id)
        rate = pass_rate([row for _, row in judged])
        names = ("majority_votes", "total_votes", "majority_agrees")
        votes = {recipe: {name: row.get(name) for name in names} for recipe, row in rows["right"]}
        return {
            "expected_answer": first["expected_answer"],
            "answer_source": first["answer_source"],
            "pass_rate": round(rate.share, 6),
            "pass_rate_of": rate.known,
            "pass_rate_by": sorted({recipe for recipe, _ in judged}),
            "votes": dict(sorted(votes.items())),
        }

    def _write(self, problem_id: str, pool: Pool) -> None:
        self.lengths.start_problem()
        formed = form_groups(problem_id, pool.usable, self.group_rules, self.lengths.fit)
        long = [{"id": _group_id(problem_id, group), "problem_id": problem_id} for group in formed.refused]
        if not formed.groups:
            self.stage.drop({"id": problem_id}, "over_tokens", groups=[group["id"] for group in long])
            return
        for group in long:
            self.stage.drop_part(group, "over_tokens")
        self.figures.add(formed, pool.shared["answer_source"])
        classes = self._classes(pool.usable)
        self.stage.write_all(
            {"id": _group_id(problem_id, group), "problem_id": problem_id}
            | {"candidates": [_shown(member, classes[member.name]) for member in group.members]}
            | {"pool_right": pool.right, "pool_wrong": len(pool.usable) - pool.right}
            | pool.shared
            for group in formed.groups
        )

    def _classes(self, candidates: Iterable[Candidate]) -> dict[str, int]:
        """The class of each candidate's answer, by name: 0 if it is right, else one for each different answer."""
        by_kind: dict[bool, list[Candidate]] = defaultdict(list)
        for candidate in candidates:
            by_kind[candidate.right].append(candidate)
        found = self.checker.group([candidate.answer for candidate in by_kind[False]])
        wrong = {candidate.name: 1 + number for candidate, number in zip(by_kind[False], found, strict=True)}
        return wrong | {candidate.name: 0 for candidate in by_kind[True]}


def _group_id(problem_id: str, group: Group) -> str:
    return f"{problem_id}-g{group.number}"


def _named(candidate: Candidate) -> Row:
    names = {"id": candidate.id, "problem_id": candidate.problem_id, "recipe": candidate.recipe}
    return names | {"right": candidate.right, "chars": len(candidate.text)}


def _shown(candidate: Candidate, answer_class: int) -> Row:
    return {
        "recipe": candidate.recipe,
        "id": candidate.id,
        "seed": candidate.seed,
        "summary_candidate": candidate.summary_candidate,
        "answer": candidate.answer,
        "answer_class": answer_class,
        "right": candidate.right,
        "judged_by": candidate.judged_by,
    }


def group_rules(args: argparse.Namespace) -> GroupRules:
    """The rules of the command line. Raises UserError for those that no group can keep."""
    rules = GroupRules(args.groups, args.max_size, args.max_right_share)
    if not 0 < args.max_right_share < 1 or rules.smallest > rules.max_size:
        what = f"a group of at most {args.max_size} cannot have a share of at most {args.max_right_share} right ones"
        raise UserError(what, remedy="mend `candidates` of the recipe: raise `max_size` or `max_right_share`")
    return rules


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    counter: TokenCounter = ByteCounter()
    if args.tokenizer and args.max_tokens is not None:
        counter = TokenizerCounter(args.tokenizer)

    is_ours = member_of(args.shard, args.shards)
    with ExitStack() as stack:
        stage = stack.enter_context(open_stage("form_groups", args))
        # Forked before files and indexes are in memory.
        checker = stack.enter_context(EquivalenceChecker(workers=1))
        files = {"right": (args.summarized, SUMMARIZED), "wrong": (args.wrong_summarized, SUMMARIZED)}
        sources = {
            kind: stack.enter_context(SourceIndex(by_recipe(pairs), fields, is_ours))
            for kind, (pairs, fields) in (files | {"judged": (args.judged, _JUDGED)}).items()
        }
        former = Former(
            stage=stage,
            sources=sources,
            checker=checker,
            pool_rules=PoolRules(args.max_chars),
            group_rules=group_rules(args),
            min_pool=args.min_pool,
            answer_sources=frozenset(args.answer_sources),
            lengths=Lengths(counter, args.max_tokens),
            figures=Figures(),
        )
        for problem in shard_problems(args.problems, args.shard, args.shards):
            stage.count_read()
            former.form(problem["id"])
        strangers = sum(len(sources[kind]) for kind in ("right", "wrong")) - former.figures.candidates["read"]
        if strangers:
            raise UserError(
                f"{strangers} summaries belong to problems that are not among the decontaminated ones",
                file=args.problems,
                remedy="the files belong to different runs: make the summaries anew",
            )
        former.figures.note(stage)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
