"""Training rows: right, finished solutions of clean problems, with their texts.

In: decontaminated.jsonl; judged rows and solutions (all seeds) of one shard; for a recipe with summaries, its traces
and summarized rows, and what select_traces.py dropped: then solutions are only read where these do not say enough; for
one that runs code, the rows that its filters kept. Out: a folder of Parquet files, in the order of the judged rows,
with the columns of omr/training/columns.py; and their figures (omr/training/figures.py). A row is one solution.
Dropped, by the first reason that holds:
  contaminated          the problem is not in decontaminated.jsonl
  failed, unfinished, no_answer, several_answers, unjudged, wrong
  pass_rate_too_low, pass_rate_too_high
  unfit_<reason>        with --require-checkable: its answer is not fit to be checked, see omr/answers/fitness.py
  code_filtered         of right solutions that ran code: an earlier stage says why (--kept)
  no_summary            none of the candidates was right
  code_not_in_reasoning all of its code comes behind the reasoning, where the new summary would stand
  invented_output       it shows the output of code that nobody ran
  empty_reasoning       with --require-reasoning
  empty_solution        nothing follows the reasoning
  think_tag_in_text     reasoning or solution hold a tag that would end or open reasoning
  control_token_in_text reasoning or solution hold a token of a chat template
  code_not_in_text, code_tag_in_text, budget_misread
                        by its tags or notes, readers would take the text of a solution with code for another one
  too_long, unknown_length
  duplicate             another solution of the problem has the same text
  over_limit            more than --solutions-per-problem are left; those with the least hash of their ids stay
With --verdicts, solutions that were judged wrong (`no`), or that have an answer which nobody could judge (`unjudged`),
become rows as well, as the model wrote them: no new summary, no filter on code; a right one that is not asked for is
dropped as `right`. The limit per problem then holds for each verdict.
The pass rate is the share of right ones among the solutions of which it is known: failed requests and unreadable
verdicts are left out, unfinished solutions and those without an answer count as not right.
Tokens are counted in the whole text with --tokenizer; without one, the count of the server that generated the reply is
taken, which knows nothing of trimmed reasoning and new summaries.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omr.answers.fitness import fault_of_answer
from omr.asking.prompts import Prompt, load_prompt
from omr.errors import UserError, leave, run_command
from omr.files.jsonl import Fields, Row
from omr.solutions.judging import by_problem, why_not_right
from omr.solutions.pass_rate import PassRate, pass_rate
from omr.solutions.solution_figures import SolutionFigures
from omr.stages.flags import add_input, add_problems, add_shard, add_solutions, open_stage, stage_parser
from omr.stages.problem_index import ProblemIndex
from omr.stages.stage import Stage
from omr.threads.token_counts import TokenCounter, TokenizerCounter
from omr.training.choice import over_limit
from omr.training.code_rows import messages_with_tools
from omr.training.columns import NAMES, model_name, prompt_hash
from omr.training.dropped_samples import sample_of
from omr.training.figures import Figures
from omr.training.measured import Measured, add_measures
from omr.training.row_files import RowFiles, add_figures, add_text_columns
from omr.training.solution_replies import SAMPLED_PROBLEMS, Replies, SolutionReplies
from omr.training.texts import RowsInStep, Summaries, Text, Texts

_JUDGED: Fields = {
    "id": str,
    "seed": int,
    "predicted_answer": (str, None),
    "expected_answer": (str, None),
    "answer_source": str,
    "majority_votes": int,
    "total_votes": int,
    "judgement": str,
    "judged_by": (str, None),
    "unjudged_reason": (str, None),
}


VERDICTS = ("yes", "no", "unjudged")
#: What keeps a solution of another verdict than `yes` out, unless it is asked for.
_FAULT_OF_VERDICT = {"no": "wrong", "unjudged": "unjudged"}


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="training rows", dropped="solutions that are not among them")
    add_figures(parser)
    add_text_columns(parser)
    add_problems(parser)
    add_shard(parser)
    add_input(parser, "--judged", "the shard's judged rows")
    add_solutions(parser)
    add = parser.add_argument
    add("--prompt", type=Path, required=True, help="the prompt that asked for the solutions")
    add("--row-prompt", type=Path, help="the prompt of the training rows (default: the same)")
    add("--mode", default="cot", help="way of solving, for the column inference_mode")
    add("--verdicts", nargs="+", choices=VERDICTS, default=["yes"], help="of which solutions rows are made")
    add("--traces", type=Path, help="the shard's traces, for a recipe with summaries")
    add("--summarized", type=Path, help="the shard's summarized rows, for a recipe with summaries")
    add("--untraced", type=Path, help="what select_traces.py dropped of the shard, for a recipe with summaries")
    add("--summary-model", help="path and revision of the model that wrote the summaries")
    add(
        "--kept", type=Path, help="of the judged rows, those whose code is as it should be, for a recipe that runs code"
    )
    add("--end-at-answer", action="store_true", help="end solutions with code behind the box of their answer")
    add("--require-checkable", action="store_true", help="drop problems whose answer no comparison can check")
    add("--require-reasoning", action="store_true", help="drop solutions without reasoning")
    add("--min-pass-rate", type=float, help="least share of right solutions of a problem")
    add("--max-pass-rate", type=float, help="greatest share of right solutions of a problem")
    add("--max-tokens", type=int, help="most tokens of a whole solution")
    add("--tokenizer", type=Path, help="tokenizer.json that counts them (default: the server's count)")
    add("--solutions-per-problem", type=int, help="most rows of a problem")
    add_measures(parser)
    args = parser.parse_args(argv)
    if len({args.traces is None, args.summarized is None, args.untraced is None}) > 1:
        parser.error("--traces, --summarized and --untraced go together")
    return args


@dataclass(frozen=True)
class Bounds:
    """What a recipe asks of its training rows; None sets no bound."""

    require_reasoning: bool
    require_checkable: bool
    min_pass_rate: float | None
    max_pass_rate: float | None
    max_tokens: int | None
    counter: TokenCounter | None
    solutions_per_problem: int | None

    def fault_of_problem(self, rate: PassRate, problem: Row, rows: Sequence[Row]) -> str | None:
        """Why no solution of a problem passes, or None; `rows` are its judged ones."""
        fault = fault_of_answer(problem["problem"], rows[0]["expected_answer"]) if self.require_checkable else None
        if fault is not None:
            return f"unfit_{fault}"
        if self.min_pass_rate is not None and rate.share < self.min_pass_rate:
            return "pass_rate_too_low"
        if self.max_pass_rate is not None and rate.share > self.max_pass_rate:
            return "pass_rate_too_high"
        return None

    def fault_of_text(self, text: Text) -> str | None:
        """Why a right solution does not pass, or None."""
        if self.require_reasoning and not text.reasoning:
            return "empty_reasoning"
        if not text.solution:
            return "empty_solution"
        return text.fault or self._fault_of_length(text)

    def _fault_of_length(self, text: Text) -> str | None:
        if self.max_tokens is None:
            return None
        if self.counter is None:
            tokens = text.origin.completion_tokens
            if tokens is None:
                return "unknown_length"
        else:
            tokens = self.counter.at_most(text.whole)
            if tokens > self.max_tokens:
                tokens = self.counter.count([text.whole])[0]
        return "too_long" if tokens > self.max_tokens else None


class RowWriter:
    """Puts rows together from what the stages before know."""

    def __init__(self, prompt: Prompt, mode: str, summary_model: str | None, rates: Measured) -> None:
        self._prompt = prompt
        self._rates = rates
        self._has_budget = "code_budget" in prompt.fields
        self._summary_model = summary_model
        self._same_everywhere = {
            "inference_mode": mode,
            "used_in_kaggle": None,
            "prompt_hash": prompt_hash(prompt),
        }

    def of_problem(self, problem: Row, rate: PassRate, answer: str | None) -> Row:
        """What the rows of a problem share; `messages` end with the prompt, if that is the same for all of them."""
        return {
            **problem,
            **self._same_everywhere,
            "problem_id": problem["id"],
            "thread_id": problem.get("thread_id") or problem["id"].rpartition("-")[0],
            "pass_rate": round(rate.share, 6),
            "pass_rate_of": rate.known,
            **self._rates.columns(problem["id"], answer),
            "messages": None if self._has_budget else self._prompt.render(problem),
        }

    def row(self, row_id: str, shared: Row, judged: Row, text: Text) -> Row:
        """A training row."""
        allowed = None if text.code is None else text.code.allowed
        prompt = shared["messages"] or self._prompt.render(shared | {"code_budget": allowed})
        values: dict[str, Any] = {
            **shared,
            **judged,
            **(text.summary or {}),
            **text.origin._asdict(),
            "id": row_id,
            "generated_solution": text.whole,
            "generation_model": model_name(text.origin.model),
            "summary_model": self._summary_model if text.summary else None,
            "messages": [*prompt, {"role": "assistant", "content": text.whole}],
        }
        if text.code is not None:
            values |= text.code.columns | {"messages_with_tools": messages_with_tools(prompt, text.code)}
        return {name: values.get(name) for name in NAMES}


@dataclass(frozen=True)
class Preparer:
    """Makes the training rows of one problem after the other."""

    stage: Stage
    problems: ProblemIndex
    replies: SolutionReplies
    texts: Texts
    summaries: Summaries | None
    bounds: Bounds
    writer: RowWriter
    kept: RowsInStep | None
    verdicts: frozenset[str]
    solutions: SolutionFigures
    figures: Figures

    def prepare(self, problem_id: str, rows: Sequence[Row], replies: Replies) -> None:
        """Write or drop every solution of a problem; `replies` are of those that need theirs."""
        problem, rate = self.problems.get(problem_id), pass_rate(rows)
        self.solutions.add(rate, rows)
        fault = "contaminated" if problem is None else self.bounds.fault_of_problem(rate, problem, rows)
        passed: dict[str, tuple[Row, Text]] = {}
        seen: dict[str, str] = {}
        for row in rows:
            row_id = f"{problem_id}-{row['seed']}"
            text = self._text(row, fault, replies)
            if isinstance(text, str):
                self._drop(row_id, row, text, problem)
            elif (first := seen.setdefault(text.whole, row_id)) != row_id:
                self._drop(row_id, row, "duplicate", problem, duplicate_of=first)
            else:
                passed[row_id] = row, text
        if problem is not None and passed:
            self._write(passed, self.writer.of_problem(problem, rate, rows[0]["expected_answer"]))

    def _text(self, row: Row, fault: str | None, replies: Replies) -> Text | str:
        """The text of a solution that passes, else the reason why it does not."""
        not_right = why_not_right(row)
        # Also for a row that is dropped: its trace and summary must be stepped over.
        traced = None if self.summaries is None else self.summaries.take(row)
        if self.kept is not None and self.kept.take(row["id"], row["seed"]) is None:
            not_right = not_right or "code_filtered"
        unfit = self._fault_of_verdict(row["judgement"], not_right)
        reason = fault if fault == "contaminated" else unfit or fault
        if reason is not None:
            return reason
        if traced is None or not_right is not None:
            text = self.texts.own(row, replies[row["seed"]])
        elif traced.untraced == "empty_reasoning" and self.bounds.require_reasoning:
            return "empty_reasoning"
        else:
            text = self.texts.summarized(row, traced, lambda: self.replies.get(row))
        return text if isinstance(text, str) else self.bounds.fault_of_text(text) or text

    def needs_reply(self, row: Row) -> bool:
        """Whether the text of a judged row can only be had from its reply."""
        not_right = why_not_right(row)
        has_trace = self.summaries is not None and not_right is None
        return not has_trace and self._fault_of_verdict(row["judgement"], not_right) is None

    def _fault_of_verdict(self, judgement: str, not_right: str | None) -> str | None:
        """Why a solution is none of those that rows are made of, or None."""
        if not_right is None:
            return None if "yes" in self.verdicts else "right"
        is_asked_for = judgement in self.verdicts and not_right == _FAULT_OF_VERDICT.get(judgement)
        return None if is_asked_for else not_right

    def _write(self, passed: dict[str, tuple[Row, Text]], shared: Row) -> None:
        too_many: set[str] = set()
        for verdict in self.verdicts:
            alike = [row_id for row_id, (row, _) in passed.items() if row["judgement"] == verdict]
            too_many |= over_limit(alike, self.bounds.solutions_per_problem)
        for row_id, (row, text) in passed.items():
            if row_id in too_many:
                self._drop(row_id, row, "over_limit", shared)
            else:
                self.stage.write(self.writer.row(row_id, shared, row, text))

    def _drop(self, row_id: str, row: Row, reason: str, problem: Row | None, **what: Any) -> None:
        told = None if problem is None else problem["problem"]
        # Whose replies lie where files begin: looking up others would cost more than all rows.
        if self.solutions.problems <= SAMPLED_PROBLEMS:
            self.figures.offer_dropped(row_id, reason, lambda: sample_of(row, told, self.replies.sample(row)))
        self.stage.drop({"id": row_id, "problem_id": row["id"], "seed": row["seed"]}, reason, **what)


def bounds_of(args: argparse.Namespace) -> Bounds:
    """The bounds of the command line. Raises UserError for those that nothing can pass."""
    low, high = args.min_pass_rate, args.max_pass_rate
    if low is not None and high is not None and low > high:
        raise UserError(f"the least pass rate {low} is above the greatest, {high}", remedy="mend the recipe's `sft`")
    for name in ("max_tokens", "solutions_per_problem"):
        if getattr(args, name) is not None and getattr(args, name) < 1:
            raise UserError(f"{name} must be at least 1", remedy="mend the recipe's `sft`")
    counter = TokenizerCounter(args.tokenizer) if args.tokenizer and args.max_tokens is not None else None
    return Bounds(
        args.require_reasoning, args.require_checkable, low, high, args.max_tokens, counter, args.solutions_per_problem
    )


def prepare(args: argparse.Namespace) -> None:
    """Read the shard and write its training rows."""
    prompt, bounds = load_prompt(args.prompt), bounds_of(args)
    with ExitStack() as stack:
        measured = stack.enter_context(Measured(args, args.shard, args.shards))
        output = RowFiles(args.output, args.figures, measured.recipes, args.text_columns)
        output.figures.solutions = judged = SolutionFigures()
        verdicts = frozenset(args.verdicts)
        name = "prepare_sft" if verdicts == {"yes"} else "prepare_verdicts"
        stage = stack.enter_context(open_stage(name, args, output))
        problems = stack.enter_context(ProblemIndex(args.problems, args.shard, args.shards))
        replies = stack.enter_context(SolutionReplies(args.solutions, prompt.name))
        summaries = None if args.traces is None else Summaries(args.traces, args.summarized, args.untraced)
        kept = None if args.kept is None else RowsInStep(args.kept, {"id": str, "seed": int}, "id")
        texts = Texts(args.end_at_answer)
        writer = RowWriter(load_prompt(args.row_prompt or args.prompt), args.mode, args.summary_model, measured)
        preparer = Preparer(
            stage, problems, replies, texts, summaries, bounds, writer, kept, verdicts, judged, output.figures
        )
        of_problems = by_problem(stage.read(args.judged, _JUDGED), "id")
        if summaries is None or verdicts != {"yes"}:
            for problem in replies.ahead(of_problems, preparer.needs_reply):
                preparer.prepare(*problem)
        else:
            for problem_id, rows in of_problems:
                preparer.prepare(problem_id, rows, {})
        if summaries is not None:
            summaries.check_end()
        if kept is not None:
            kept.check_end()
        stage.note("problems", judged.problems)
        if args.max_tokens is not None:
            stage.note("tokens_counted_by", "server" if bounds.counter is None else bounds.counter.name)


def main(argv: list[str] | None = None) -> int:
    prepare(parse_arguments(argv))
    return 0


if __name__ == "__main__":
    leave(run_command(main))
