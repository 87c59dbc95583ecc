"""What the report calls things: stages and drop reasons in words for someone who has not seen the run."""

from __future__ import annotations

from typing import NamedTuple


class Step(NamedTuple):
    """A CPU stage in the funnel: what it reads (`unit`), what it does, and what it reads where that is not what the
    step above wrote."""

    stage: str
    unit: str
    does: str
    reads: str = ""


PROBLEM_STEPS = (
    Step("prepare_raw_data", "threads", "Read forum threads: first post, and the discussion without quotations"),
    Step("parse_problems", "threads", "Find the problems that the first post states (one thread may state several)"),
    Step("read_problems", "problems", "Read the given problems and answers, each problem once"),
    Step("parse_classes", "problems", "Classify: proof, multiple choice, yes/no, invalid"),
    Step(
        "parse_answers",
        "problems",
        "Find the final answer in the discussion",
        "It reads the problems whose answer is looked for: no proofs, and none that a class has set aside.",
    ),
    Step(
        "parse_conversions",
        "proofs",
        "Restate proofs as problems with an answer that can be checked",
        "It reads the proofs alone.",
    ),
    Step("parse_proofs", "proofs", "Classify the restated proofs again"),
    Step(
        "merge_data",
        "problems",
        "Unite both branches, each problem once",
        "It reads the problems with their answers, the restated proofs, and the problems that a class sets aside.",
    ),
    Step("deduplicate", "problems", "Find problems that were posted more than once, in other words or other LaTeX"),
    Step("decontaminate", "problems", "Remove problems that a benchmark contains"),
)
RECIPE_STEPS = (
    Step(
        "fill_majority_answer",
        "problems",
        "Solve each problem several times; vote where no answer is known",
        "It reads the problems that are free of benchmarks.",
    ),
    Step(
        "settle_votes",
        "solutions",
        "Ask which answers of an open vote are the same; a vote that stays tied has none",
        "It reads solutions, several of each problem.",
    ),
    Step("merge_judgements", "solutions", "Judge every solution's final answer (all are kept for the pass rate)"),
    Step(
        "clean_code_solutions",
        "solutions",
        "Keep right solutions whose code was run, in time, and gave something",
        "It reads all judged solutions.",
    ),
    Step(
        "cut_fragments",
        "solutions",
        "Cut out each block of code with the text around it",
        "It reads the solutions that are left.",
    ),
    Step(
        "select_by_code",
        "solutions",
        "Keep solutions with a new calculation that is hard by hand",
        "It reads solutions again, and the votes on their code.",
    ),
    Step(
        "select_traces",
        "solutions",
        "Take the reasoning of right, finished solutions",
        "It reads all judged solutions.",
    ),
    Step(
        "merge_summaries",
        "solutions",
        "Write the text after the reasoning anew; keep the longest right one",
        "It reads the traces.",
    ),
    Step(
        "prepare_sft",
        "solutions",
        "Make training rows of what is left",
        "It reads all judged solutions once more.",
    ),
)
SELECTION_STEPS = (
    Step(
        "form_groups",
        "problems",
        "Put right and wrong solutions of a problem, in new words, into groups",
        "It reads problems with solutions of the recipes that are compared.",
    ),
    Step("parse_selections", "groups", "Let a model choose the best of each group; keep the choice of a right one"),
    Step("select_comparisons", "groups", "Leave out comparisons that no model can read whole to summarize them"),
    Step("merge_selection_summaries", "groups", "Write the comparison anew; keep the longest with the same choice"),
    Step(
        "prepare_selections",
        "groups",
        "Make training rows of them",
        "It reads the comparisons again.",
    ),
)

REASONS = {
    "answer_source_left_out": "the recipe leaves out answers of this origin",
    "answer_repaired": "the summary of a wrong solution states the right answer",
    "answer_before_code": "states its answer before any code",
    "binary": "yes/no question: guessing is too easy",
    "block_not_run": "shows code that was never run",
    "box_before_code": "has its answer in a box before any code",
    "budget_misread": "readers of its notes would take another number of executions for its budget",
    "budget_overused": "wants to run more code than it may",
    "code_filtered": "right, but its code is not as it should be (see the steps before)",
    "code_not_in_reasoning": "runs code only after its reasoning",
    "code_not_in_text": "what is left of it has no code",
    "code_not_needed": "no block is a new calculation that is hard by hand",
    "code_tag_in_text": "tags in the text would be taken for code",
    "code_unjudged": "undecided: too many votes on its code could not be read",
    "candidate_too_long": "a solution longer than the bound: none is cut",
    "contaminated": "a benchmark contains the problem",
    "contaminated_exact": "equals or contains a benchmark problem",
    "contaminated_ngrams": "shares nearly all its words with a benchmark problem",
    "contaminated_llm": "the model says that a benchmark has the same problem",
    "contamination_unreadable": "the verdict could not be read: not known to be clean",
    "control_token_in_text": "the text holds a control token of a chat template",
    "duplicate": "the same problem occurs before",
    "duplicate_thread": "the same thread occurs before",
    "empty_problem": "the problem has no text",
    "empty_reasoning": "a right answer without reasoning",
    "empty_reply": "the model replied nothing",
    "empty_solution": "nothing follows the reasoning",
    "enough_others": "enough other wrong solutions of the problem",
    "equal_text": "another solution of the problem has the same text",
    "failed": "the request failed for good",
    "invalid": "not a complete problem",
    "invented_output": "shows the output of code that nobody ran",
    "looks_like_heading": "a line of the solution looks like one of the comparison's own",
    "low_vote_share": "no answer known, and too few solutions agree",
    "mcq": "multiple choice: guessing is too easy",
    "near_duplicate": "a repost of another problem",
    "no_answer": "the solution states no final answer",
    "no_faithful_summary": "no new summary provably states the solution's own answer",
    "no_block_succeeded": "every block ended in an error or at a limit",
    "no_code": "runs no code",
    "no_fragments": "no block shows a result",
    "no_problem": "the thread states no problem",
    "no_readable_answer": "no answer known, and no solution states one",
    "no_right_solution": "no solution of the problem is right",
    "no_right": "no right solution to show",
    "no_wrong": "no wrong solution to show",
    "no_summary": "none of the new summaries ends with the right answer",
    "no_right_summary": "none of the new summaries ends with the right answer",
    "missing_column": "the row has no problem",
    "over_limit": "enough other solutions of the problem",
    "out_of_range": "the model chose a number that no solution has",
    "over_tokens": "the solutions of the group are too long together",
    "not_asked": "the plan wants no solution of the problem",
    "unfit_several_parts": "the problem has several parts",
    "unfit_figure_missing": "the problem speaks of a figure that is not there",
    "unfit_prose_answer": "the answer is prose, which no comparison can check",
    "unfit_answer_in_question": "the answer stands in the question",
    "unfit_no_answer": "there is no answer",
    "pass_rate_too_high": "the problem is too easy for the model",
    "pass_rate_too_low": "the problem is too hard for the model",
    "placeholder_answer": "what stands for the answer is none",
    "plotting": "its code draws",
    "pool_too_small": "too few solutions to compare",
    "right": "the final answer is right",
    "right_and_wrong": "the same text was judged right and wrong",
    "several_answers": "the solution states several answers, or takes its answer back",
    "sandbox_failed": "its code broke the sandbox's runner",
    "sources_disagree": "the recipes that are compared hold different answers for right",
    "still_a_proof": "the restated problem is still a proof",
    "think_tag_in_text": "a tag in the text would end or open the reasoning",
    "timeout": "a block that was stopped at its time limit",
    "tied_vote": "no answer known, and two answers have as many votes",
    "too_few_votes": "no answer known, and too few solutions agree on one",
    "too_long": "longer than the bound",
    "too_long_to_summarize": "does not fit the summarizing model",
    "unknown_length": "nobody counted its tokens",
    "too_long_answer": "an answer too long to be compared",
    "too_long_problem": "a problem too long to be one",
    "too_many_blocks": "more blocks of code than wanted",
    "traceback": "a block that ended in an error",
    "unreadable_json": "the row cannot be read",
    "unusable_id": "the row's own id cannot be one",
    "unfinished": "the solution is not finished",
    "unfinished_reply": "the model's reply was cut at the token limit",
    "unjudged": "nobody knows whether the answer is right",
    "unreadable": "no choice, or more than one, could be read",
    "unreadable_answer": "the model's reply could not be read",
    "unreadable_class": "a classification could not be read",
    "unreadable_extraction": "the model's reply could not be read",
    "verdict_no_reply": "the judge's reply is missing",
    "verdict_unfinished_reply": "the judge's reply was cut",
    "verdict_unreadable": "the judge's reply could not be read",
    "wrong": "the final answer is wrong",
    "wrong_type": "a value of the row is of the wrong type",
    "wrong_pick": "the model chose a wrong solution",
}

MODEL_STAGES = {
    "extract_problems": "find problems",
    "classify_problems": "classify problems",
    "extract_answers": "find answers",
    "convert_proofs": "restate proofs",
    "classify_converted": "classify restated proofs",
    "check_contamination": "compare with benchmarks",
    "extract_planted_problems": "find problems, of threads with planted instructions",
    "extract_planted_answers": "find answers, of threads with planted instructions",
    "generate_solutions": "solve",
    "match_answers": "tell which answers are the same",
    "judge_answers": "judge answers",
    "judge_code": "judge code",
    "generate_summaries": "write summaries",
    "judge_summaries": "judge summaries",
    "generate_wrong_summaries": "write summaries of wrong solutions",
    "select_solutions": "compare solutions",
    "generate_selection_summaries": "write summaries of comparisons",
}

#: Groups of shares, see omr/solutions/solution_figures.py.
SHARE_GROUPS = ("none", *(f"≤{10 * tenth}%" for tenth in range(1, 10)), "<100%", "all")

NETS = {"exact": "same text", "ngrams": "shared word runs", "tfidf": "shared letter runs", "embeddings": "near meaning"}
CANARIES = {
    "verbatim": "copied word for word",
    "paraphrased": "the same in other words",
    "renumbered": "with other numbers",
}
#: Copies of the run's own problems, that measure the search for reposts.
PLANTED_PROBLEMS = {
    "respelled": "in other LaTeX and spacing",
    "paraphrased": "in other words",
    "renumbered": "with other numbers",
    "resigned": "with another sign in a formula",
    "reasked": "about another quantity or kind",
    "exchanged": "with two numbers in each other's place",
    "recounted": "with two counted things in each other's place",
}

INSTRUCTIONS = {
    "ignore_above": "to ignore what stands above, and to write something else",
    "fake_turn": "in words that pose as the system's and the model's own",
    "ordered_answer": "to end with a given answer",
    "other_problem": "to take another problem",
    "reveal_prompt": "to show the prompt",
}


#: Reasons that mean something else in one stage.
_REASONS_OF_STAGES = {
    ("prepare_sft", "duplicate"): "another solution of the problem has the same text",
    ("prepare_selections", "duplicate"): "another comparison of the problem has the same text",
}

#: What columns of rows hold.
VALUES = {
    "has_answer_extracted": "a problem with a stated answer",
    "no_answer_extracted": "a problem without a stated answer",
    "converted_proof": "a problem restated from a proof",
    "symbolic": "a comparison of the answers",
    "llm": "a model",
}


def reason_in_words(reason: str, stage: str = "") -> str:
    """A drop reason (of a stage) as a phrase; an unknown one as its name with spaces."""
    return _REASONS_OF_STAGES.get((stage, reason)) or REASONS.get(reason, reason.replace("_", " "))
