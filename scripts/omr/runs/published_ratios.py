"""What an estimate assumes where nothing was seen yet, each with its source.

Published: OpenMathReasoning (arXiv 2504.16891), sections 2 and 3, and the dataset's card. "Ours" are assumptions of
this project: round numbers on the cautious side; a small run (`raw_data.limit`) replaces them with what was seen.
"""

from __future__ import annotations

from typing import NamedTuple


class Assumption(NamedTuple):
    """A number, what it is (as a phrase), and where it comes from."""

    value: float
    what: str
    source: str


_PAPER = "published"
_OURS = "our assumption"

THREADS = Assumption(620_000, "threads in the raw data", _PAPER)
PROBLEMS = Assumption(540_000, "problems", _OURS)
KNOWN_SHARE = Assumption(190 / 540, "problems with a known answer, per problem", f"{_PAPER}: 190K of 540K")
#: Rows of one kind per row of another.
RATIOS = {
    "problems": Assumption(580 / 620, "problems per thread", f"{_PAPER}: 580K of 620K"),
    "asked_answers": Assumption(
        550 / 580 * 280 / 540, "problems whose answer is sought", f"{_PAPER}: 190K found + 90K not, of 540K"
    ),
    "proofs": Assumption(550 / 580 * 260 / 540, "problems that are proofs", f"{_PAPER}: 260K of 540K, before filters"),
    "converted": Assumption(1.0, "proofs that can be restated", _OURS),
    "merged": Assumption(550 / 580, "problems that pass the filters", f"{_PAPER}: 550K of 580K"),
    "merged_without_proofs": Assumption(
        550 / 580 * 280 / 540, "problems that pass the filters", f"{_PAPER}: those with an answer sought"
    ),
    "unique": Assumption(1.0, "problems that are no reposts of others", _OURS),
    "pairs": Assumption(2.0, "questions about benchmarks per problem", _OURS),
    "known": KNOWN_SHARE,
    "clean": Assumption(540 / 550, "problems that no benchmark contains", f"{_PAPER}: 540K of 550K"),
    "voted": Assumption(1.0, "problems with an answer after the vote", _OURS),
    "match_calls": Assumption(0.01, "questions which answers of a vote are the same, per solution", _OURS),
    "judge_calls": Assumption(0.25, "answers that a model must judge, per solution", _OURS),
    "turns": Assumption(4.0, "requests per solution with code", _OURS),
    "executions": Assumption(3.0, "blocks of code that run, per solution", _OURS),
    "code_cpu_s": Assumption(0.5, "CPU seconds of a block of code", "measured: median 0.14; with 3% that take ten"),
    "reused": Assumption(
        0.8, "share of the prompts of turns that the server still knows", "measured on vLLM: 0.83-0.91"
    ),
    "right": Assumption(3.2 / 5.2, "solutions that are right", f"{_PAPER}: 3.2M of 5.2M kept"),
    "cleaned": Assumption(0.3, "right solutions whose code passes the filters", _OURS),
    "fragments": Assumption(1.5, "blocks of code to vote on, per solution", _OURS),
    "selected": Assumption(0.07, "solutions that needed their code", f"{_PAPER}: 15K of 1.2M, with all before"),
    "summary_calls": Assumption(0.2, "summaries that a model must judge, per trace", _OURS),
    "groups": Assumption(1000 / 540, "groups of candidates per problem", f"{_PAPER}: 1M of 540K problems"),
    "right_picks": Assumption(565 / 1000, "comparisons that choose a right one", f"{_PAPER}: 565K of 1M"),
    "selections": Assumption(0.95, "comparisons with a summary that agrees", _OURS),
    "wrong_traces": Assumption(0.2, "solutions that are wrong, of problems with a right one, and get a summary", _OURS),
    "summarized": Assumption(0.95, "traces with a right summary", f"{_PAPER}: under 5% lost"),
}
#: Pass rates are taken to be beta distributed, with the mean that `right` is.
CONCENTRATION = Assumption(1.0, "concentration of pass rates: most problems are solved nearly always or never", _OURS)
#: The share of a thread that a request of these stages holds besides: the first post, or all of it.
THREAD_SHARES = {"extract_problems": 0.3, "extract_answers": 1.0, "convert_proofs": 1.0}
#: (prompt, completion) tokens of one request of a stage, without threads.
TOKENS = {
    "extract_problems": (450, 200),
    "classify_problems": (450, 5),
    "extract_answers": (450, 150),
    "convert_proofs": (450, 300),
    "classify_converted": (450, 5),
    "check_contamination": (450, 5),
    "generate_solutions": (200, 7500),
    "match_answers": (500, 150),
    "judge_answers": (500, 150),
    "judge_code": (1400, 80),
    "generate_summaries": (6000, 700),
    "judge_summaries": (500, 150),
    "generate_wrong_summaries": (6000, 700),
    "select_solutions": (6000, 6000),
    "generate_selection_summaries": (12000, 700),
}
TOKENS_SOURCES = {"prompt": _OURS, "completion": f"{_OURS}, at most the stage's max_tokens"}
BYTES_PER_TOKEN = Assumption(3.0, "bytes of text per token", _OURS)
REPLY_BYTES = Assumption(350, "bytes of a reply besides its text", "as generate.py writes them")
ROW_BYTES = Assumption(22_000, "bytes of a training row", f"{_PAPER}: 22 KB")
THREAD_BYTES = Assumption(5_000, "bytes of a thread", _OURS)
PROBLEM_BYTES = Assumption(300, "bytes of a problem", _OURS)
