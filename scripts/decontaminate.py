"""Keep the problems that resemble no benchmark problem, and report what was found, per benchmark and for the canaries.

In: deduplicated problems, canaries, benchmark files, match files, decisive matches, pairs, and the model's replies
about the pairs. Out: the clean problems as they came; a dropped file (reasons `contaminated_<net>` for a decisive
match, `contaminated_llm`, `contamination_unreadable`, with `benchmark`, `row`, `nets`, `score`); counts; a report.
Step: decontaminate. One True in either order is enough; an unreadable or missing verdict is not clean. Canaries go
through everything that problems go through, but never into the output.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Self

from omr.contamination.benchmarks import Pool
from omr.contamination.report import Finding, Question, Report
from omr.contamination.steps import (
    DIRECTIONS,
    Match,
    MatchFiles,
    RowsInStep,
    is_canary,
    named_paths,
    pair_id,
    read_problems,
)
from omr.errors import UserError, leave, run_command
from omr.files.jsonl import AtomicFile, Row
from omr.parsers.readable import is_readable
from omr.parsers.verdicts import parse_true_false
from omr.replies.reply import usable_text
from omr.replies.tries import TriedReplies
from omr.stages.flags import open_stage
from omr.stages.stage import Stage


class Evidence:
    """Everything that is known about the problems, read in step with them. Use as a context manager."""

    def __init__(self, pool: Pool, arguments: argparse.Namespace, matches: Mapping[str, str]) -> None:
        self._pool = pool
        self._prompt = arguments.prompt_name
        self._pairs_path = arguments.pairs
        self._matches = MatchFiles(matches)
        self._decisive = RowsInStep(arguments.decisive, {"net": str, "benchmark": str, "row": int})
        self._pairs = RowsInStep(arguments.pairs, {"benchmark": str, "row": int}, key="problem_id")
        self.replies = TriedReplies(arguments.replies, is_readable)
        self._open = ExitStack()

    def __enter__(self) -> Self:
        for file in (self._matches, self._decisive, self._pairs, self.replies):
            self._open.enter_context(file)
        return self

    def __exit__(self, *error: object) -> None:
        self._open.__exit__(*error)  # type: ignore[arg-type]

    def take(self, problem_id: str) -> Finding:
        """What was found about the problem that is next in order."""
        matches = {net: self._scores(found) for net, found in self._matches.take(problem_id).items()}
        decisive = self._decisive.take(problem_id)
        pairs = self._pairs.take(problem_id)
        if decisive:
            row = decisive[0]
            text = self._pool.text_of(row["benchmark"], row["row"])
            same = self._pool.row(row["benchmark"], row["row"])
            return Finding(matches, reason=f"contaminated_{row['net']}", text=text, row=same)
        if matches and not pairs:
            raise UserError(
                f"the problem {problem_id!r} has matches, but neither a decisive one nor a pair",
                file=self._pairs_path,
                remedy="delete this file and run again: it was made from other matches",
            )
        return judged(matches, tuple(self._ask(problem_id, pairs)))

    def _scores(self, matches: Sequence[Match]) -> dict[int, float]:
        scores: dict[int, float] = {}
        for match in matches:
            text = self._pool.text_of(match.benchmark, match.row)
            scores[text] = max(match.score, scores.get(text, match.score))
        return scores

    def _ask(self, problem_id: str, pairs: Sequence[Row]) -> Iterator[Question]:
        for benchmark, number in dict.fromkeys((pair["benchmark"], pair["row"]) for pair in pairs):
            row = self._pool.row(benchmark, number)
            # The replies are looked up by id in both orders, so that a lost row of the pairs is a missing verdict.
            ids = [pair_id(problem_id, row, direction) for direction in DIRECTIONS]
            verdicts, faults = zip(*map(self._verdict, ids), strict=True)
            told = tuple(fault for fault in faults if fault is not None)
            yield Question(self._pool.text_of(benchmark, number), verdicts, told, row)

    def _verdict(self, pair: str) -> tuple[bool | None, str | None]:
        text, fault = usable_text(self.replies.get(pair, self._prompt))
        if text is None:
            return None, fault
        verdict = parse_true_false(text)
        return verdict, "unreadable_verdict" if verdict is None else None


def judged(matches: Mapping[str, Mapping[int, float]], questions: tuple[Question, ...]) -> Finding:
    """The finding from the model's answers: contaminated if any says so, else unreadable if any is, else clean."""
    for verdict, reason in ((True, "contaminated_llm"), (None, "contamination_unreadable")):
        for question in questions:
            if question.verdict is verdict:
                return Finding(matches, questions, reason, question.text, question.row)
    return Finding(matches, questions)


def pass_on(problem: Row, finding: Finding, stage: Stage) -> None:
    """Write a clean problem, drop a contaminated one with what it resembles."""
    if is_canary(problem["id"]):
        raise AssertionError(f"the canary {problem['id']} was about to enter the training data")
    if finding.reason is None:
        stage.write(problem)
        return
    row = finding.row
    if row is None:
        raise AssertionError(f"the problem {problem['id']} was found in no benchmark row, but {finding.reason}")
    score = max(finding.nets.values(), default=None)
    found = {"benchmark": row.benchmark, "row": row.row, "nets": finding.nets, "score": score}
    stage.drop(problem | found, finding.reason)


def check_canary(canary: Row, finding: Finding, pool: Pool) -> None:
    """Raise UserError for a verbatim canary that no net found: then the nets find nothing else either."""
    text = pool.text_of(canary["benchmark"], canary["row"])
    if canary["kind"] == "verbatim" and not any(text in scores for scores in finding.matches.values()):
        raise UserError(
            f"no net found {canary['id']!r}, a word-for-word copy of a benchmark problem",
            remedy="the matches are not to be trusted: search again with these problems, canaries and benchmarks",
        )


def decontaminate(arguments: argparse.Namespace) -> None:
    """Run the stage over all problems and canaries. Raises UserError; then no output appears."""
    pool = Pool(arguments.benchmarks)
    paths = named_paths(arguments.matches)
    report = Report(pool, paths)
    with (
        AtomicFile(arguments.report) as report_file,
        open_stage("decontaminate", arguments) as stage,
        Evidence(pool, arguments, paths) as evidence,
    ):
        for problem in read_problems(arguments.problems, arguments.canaries):
            finding = evidence.take(problem["id"])
            if is_canary(problem["id"]):
                check_canary(problem, finding, pool)
                report.add_canary(problem, finding)
            else:
                stage.count_read()
                pass_on(problem, finding, stage)
                report.add_problem(finding)
        evidence.replies.note_counts(stage)
        report_file.write(report.to_json())


def _parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", required=True, help="deduplicated problems, JSONL with id and problem")
    parser.add_argument("--canaries", help="canaries")
    parser.add_argument("--benchmarks", required=True, nargs="+", help="benchmark files")
    parser.add_argument("--matches", required=True, nargs="+", metavar="NET=FILE", help="match files by net")
    parser.add_argument("--decisive", required=True, help="decisive matches")
    parser.add_argument("--pairs", required=True, help="pairs")
    parser.add_argument("--replies", required=True, nargs="+", help="replies about the pairs, all shards")
    parser.add_argument(
        "--prompt-name", default="check_contamination", help="prompt of the replies (default: %(default)s)"
    )
    parser.add_argument("--output", required=True, help="clean problems to write")
    parser.add_argument("--dropped", required=True, help="dropped problems to write")
    parser.add_argument("--counts", required=True, help="counts to write")
    parser.add_argument("--report", required=True, help="report to write")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the command. Raises UserError."""
    decontaminate(_parse_arguments(argv))
    return 0


if __name__ == "__main__":
    leave(run_command(main))
