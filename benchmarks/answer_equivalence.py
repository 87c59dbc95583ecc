r"""Accuracy and speed of answer extraction and answer equivalence on labelled cases, beside Math-Verify's.

In: a folder (default `../shared/cases`) with
  equiv_cases.jsonl    {pred, gold, equal, kind}: two answers (`kind` pair), a whole reply (text) or a letter (mcq)
  extract_cases.jsonl  {text, answer, cmp}: a reply and its boxed answer; `cmp` exact, normalised or equivalent
Out: tables on the standard output. A false EQUAL is a different answer taken for equal, which no judge sees; a false
DIFFERENT an equal one taken for different, which no judge overrules; undecided is neither, and costs one question.
Math-Verify knows no third verdict: set its false DIFFERENT beside ours and our undecided together.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import resource
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

from omr.answers.equivalence import EquivalenceChecker, Verdict
from omr.answers.final_answer import answer_of_text, final_answer, normalise_answer
from omr.errors import UserError, leave, run_command

Case = dict[str, Any]
Judge = Callable[[Sequence[Case]], list[Verdict]]

_SEED = 20250401


def cpu_seconds() -> float:
    """User and system time of this process and of its children that have ended."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def read_cases(path: Path) -> list[Case]:
    """The rows of a file of cases."""
    if not path.is_file():
        raise UserError("there are no cases here", file=path, remedy="give the folder of the cases as an argument")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def judge_ours(cases: Sequence[Case]) -> list[Verdict]:
    """Our verdicts; both sides may be prose, so both are reduced to the answer they give."""
    pairs = [(answer_of_text(case["pred"]), answer_of_text(case["gold"])) for case in cases]
    with EquivalenceChecker() as checker:
        return list(checker.compare_many(pairs))


def judge_math_verify(cases: Sequence[Case]) -> list[Verdict]:
    """Math-Verify's verdicts, answers without any LaTeX delimiter wrapped in dollars."""
    from math_verify import StringExtractionConfig, parse, verify

    logging.disable(logging.WARNING)
    verdicts = []
    for case in cases:
        if case["kind"] == "mcq":
            sides = [parse(case[side], [StringExtractionConfig()]) for side in ("gold", "pred")]
        else:
            sides = [parse(_wrapped(case[side], case["kind"])) for side in ("gold", "pred")]
        verdicts.append(Verdict.EQUAL if verify(*sides) else Verdict.DIFFERENT)
    return verdicts


def _wrapped(answer: str, kind: str) -> str:
    has_delimiter = any(mark in answer for mark in ("$", "\\[", "\\(", "\\boxed"))
    return answer if has_delimiter or kind == "text" else f"${answer}$"


def report_accuracy(cases: Sequence[Case], verdicts: Sequence[Verdict], name: str, *, show: bool) -> None:
    """One line per kind of case and one for all, and the cases judged wrong."""
    whole: Counter[tuple[bool, Verdict]] = Counter()
    for kind in sorted({case["kind"] for case in cases}):
        counts = Counter(
            (case["equal"], verdict) for case, verdict in zip(cases, verdicts, strict=True) if case["kind"] == kind
        )
        _print_counts(f"{name:12} {kind:5}", counts)
        whole += counts
    _print_counts(f"{name:12} all  ", whole)
    for case, verdict in zip(cases, verdicts, strict=True):
        if show and (verdict is Verdict.EQUAL) != case["equal"]:
            print(f"    {verdict.value}, labelled {case['equal']}: {case['pred'][-90:]!r} / {case['gold'][-90:]!r}")


def _print_counts(head: str, counts: Counter[tuple[bool, Verdict]]) -> None:
    equal = sum(count for (label, _), count in counts.items() if label)
    print(
        f"{head} {equal:4} equal, {counts.total() - equal:3} different:"
        f" {counts[False, Verdict.EQUAL]:3} false EQUAL, {counts[True, Verdict.DIFFERENT]:3} false DIFFERENT,"
        f" {counts[True, Verdict.UNKNOWN]:3} + {counts[False, Verdict.UNKNOWN]:3} undecided (equal + different)"
    )


def report_extraction(cases: Sequence[Case]) -> None:
    """How many boxed answers are found as each case wants them compared."""
    found = Counter[str]()
    with EquivalenceChecker() as checker:
        for case in cases:
            found[case["cmp"]] += _is_extracted(case, checker)
    for comparison, total in sorted(Counter(case["cmp"] for case in cases).items()):
        print(f"extraction   {comparison}: {found[comparison]} of {total}")


def _is_extracted(case: Case, checker: EquivalenceChecker) -> bool:
    answer, wanted = final_answer(case["text"]), case["answer"]
    if answer is None or wanted is None:
        return answer is wanted
    if case["cmp"] == "exact":
        return answer.strip() == str(wanted).strip()
    if case["cmp"] == "normalised":
        return normalise_answer(answer) == normalise_answer(wanted)
    return checker.compare(answer, wanted) is Verdict.EQUAL


def report_speed(answers: Sequence[str], pairs: int) -> None:
    """Pairs of distinct answers per CPU second, the first time and from memory."""
    every = list(combinations(sorted(set(answers)), 2))
    chosen = random.Random(_SEED).sample(every, min(pairs, len(every)))
    with EquivalenceChecker() as checker:
        checker.compare("\\pi", "x")  # the start of the workers is not charged to the pairs
        started = cpu_seconds()
        list(checker.compare_many(chosen))
        parent = cpu_seconds() - started
        list(checker.compare_many(chosen))
        again = cpu_seconds() - started - parent
    with_workers = cpu_seconds() - started - again
    print(
        f"speed        {len(chosen)} distinct pairs: {len(chosen) / with_workers:,.0f} per CPU second (all processes),"
    )
    print(f"             {len(chosen) / again:,.0f} when asked again; start of the workers included in the first")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="?", type=Path, default=Path("../shared/cases"), help="folder of the cases")
    parser.add_argument("--pairs", type=int, default=5000, help="distinct pairs for the speed test")
    parser.add_argument("--show", action="store_true", help="print the cases judged otherwise than labelled")
    parser.add_argument("--no-baseline", action="store_true", help="leave Math-Verify out")
    args = parser.parse_args(argv)
    cases, texts = read_cases(args.cases / "equiv_cases.jsonl"), read_cases(args.cases / "extract_cases.jsonl")
    judges: list[tuple[str, Judge]] = [("ours", judge_ours)]
    if not args.no_baseline:
        judges.append(("math-verify", judge_math_verify))
    for name, judge in judges:
        started = cpu_seconds()
        verdicts = judge(cases)
        print(f"{name:12} {len(cases)} cases in {cpu_seconds() - started:.1f} CPU seconds, imports included")
        report_accuracy(cases, verdicts, name, show=args.show)
    report_extraction(texts)
    report_speed([normalise_answer(case["answer"]) for case in texts], args.pairs)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
