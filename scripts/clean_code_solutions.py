"""Right solutions whose code did something: it was run, within the budget, and the answer came of it.

In: judged rows of one shard and its solutions. Out, in the order of the judged rows: the same rows with `blocks` and
`blocks_ok` (blocks that were run, and that ended well) and `budget` (how many could have been run); no text.
Dropped, by the first reason that holds:
  budget_overused       it wrote a block when no execution was left
  block_not_run         it ended inside a block, or shows Python as code that was never run
  failed, unfinished, no_answer, unjudged, wrong
  no_code               nothing was run
  sandbox_failed        what code did to its sandbox leaves its output in doubt
  invented_output       it wrote an output, or the note behind one, itself
  too_many_blocks       more than --max-blocks
  box_before_code       a final answer stands in a box before the first block
  answer_before_code    what it calls its answer before the first block is provably the answer that it ends with
  no_block_succeeded    every block ended in an error or at a limit
  plotting              its code draws
The reference searches the text before the code for the answer's characters, so that `n = 42, m = 7` falls with the
answer 42; it lets verdicts pass that it cannot read, and needs the words `**Final Answer**`.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence

from omr.answers.equivalence import EquivalenceChecker, Verdict
from omr.errors import leave, run_command
from omr.files.jsonl import Fields, Row
from omr.replies.reply import Reply, ReplyIndex
from omr.solutions.code_faults import Rules, fault_of_code, fault_of_ending
from omr.solutions.judging import why_not_right
from omr.solutions.solution import stored_solutions
from omr.solutions.transcripts import Transcript, transcript_of
from omr.stages.flags import add_input, add_solutions, open_stage, stage_parser
from omr.stages.stage import Stage

_JUDGED: Fields = {
    "id": str,
    "seed": int,
    "predicted_answer": (str, None),
    "judgement": str,
    "unjudged_reason": (str, None),
}


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="cleaned rows", dropped="the other solutions")
    add = parser.add_argument
    add_input(parser, "--judged", "the shard's judged rows")
    add_solutions(parser)
    add("--prompt-name", required=True, help="the prompt that asked for the solutions")
    add("--max-blocks", type=int, metavar="N", help="most blocks of a solution (default: no bound)")
    add("--answer-may-come-first", action="store_true", help="keep solutions that state their answer before any code")
    return parser.parse_args(argv)


class Figures:
    """What the counts tell of the code of all solutions, right or not."""

    def __init__(self) -> None:
        self._counters: dict[str, Counter[str]] = {}
        self._sums: Counter[str] = Counter()
        self._cpu_s = 0.0

    def add(self, reply: Reply, transcript: Transcript) -> None:
        blocks, budget = len(transcript.steps), reply.get("executions_allowed")
        self._count("solutions_by_blocks", str(blocks))
        self._count("ended", "failed" if reply["error"] else reply.get("ended") or str(reply["finish_reason"]))
        for step in transcript.steps:
            self._count("block_status", step.status)
        if budget is not None:
            self._count("budget_used", f"{budget}: {blocks}")
        for name in ("turns", "replays_differ", "ran_on"):
            self._sums[name] += reply.get(name) or 0
        self._cpu_s += reply.get("code_cpu_s") or 0.0

    def _count(self, name: str, value: str) -> None:
        self._counters.setdefault(name, Counter())[value] += 1

    def note(self, stage: Stage) -> None:
        """Add to the counts: {"solutions_by_blocks", "ended", "block_status", "budget_used" ("<budget>: <blocks>")},
        each {value: solutions or blocks}, and the sums `turns`, `replays_differ`, `ran_on`, `code_cpu_s`."""
        for name, counter in self._counters.items():
            stage.note(name, {value: counter[value] for value in sorted(counter)})
        for name, total in self._sums.items():
            stage.note(name, total)
        stage.note("code_cpu_s", round(self._cpu_s, 3))


def why_dropped(
    row: Row, reply: Reply, transcript: Transcript, rules: Rules, checker: EquivalenceChecker
) -> str | None:
    """The reason to drop a judged solution, or None."""
    reason = fault_of_ending(reply) or why_not_right(row)
    if reason is not None:
        return reason

    def same(claim: str, answer: str) -> bool:
        return checker.compare(claim, answer) is Verdict.EQUAL

    return fault_of_code(transcript, row["predicted_answer"], rules, same)


def clean(args: argparse.Namespace, stage: Stage, solutions: ReplyIndex, checker: EquivalenceChecker) -> None:
    """Write the cleaned rows of a shard."""
    figures, rules = Figures(), Rules(args.max_blocks, args.answer_may_come_first)
    for row, reply in stored_solutions(solutions, stage.read(args.judged, _JUDGED), args.prompt_name):
        transcript = transcript_of(reply)
        figures.add(reply, transcript)
        reason = why_dropped(row, reply, transcript, rules, checker)
        if reason is not None:
            stage.drop({"id": row["id"], "seed": row["seed"]}, reason)
            continue
        ok = sum(step.status == "ok" for step in transcript.steps)
        budget = reply.get("executions_allowed")
        stage.write(row | {"blocks": len(transcript.steps), "blocks_ok": ok, "budget": budget})
    figures.note(stage)


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    with (
        open_stage("clean_code_solutions", args) as stage,
        ReplyIndex(args.solutions) as solutions,
        EquivalenceChecker(workers=1) as checker,
    ):
        clean(args, stage, solutions, checker)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
