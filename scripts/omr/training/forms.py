r"""The forms in which trainers take rows for reinforcement learning and preferences: columns, types, and how to load.

Sources: verl, "Prepare Data for Post-Training", and verl/utils/reward_score (which `data_source` has a reward); NeMo
Gym, resources_servers/math_with_judge (`question`, `expected_answer`); TRL, "Dataset formats" (prompt-only, preference)
and trl.rewards.accuracy_reward (`solution`, whose answer it reads from `\boxed{}`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from omr.files.arrow import arrow
from omr.files.jsonl import Row
from omr.training.columns import WHAT_COUNTS

#: The agent of NeMo Gym that checks answers by comparing them, and asks a judge where it is told to.
_AGENT = {"type": "responses_api_agents", "name": "math_with_judge_simple_agent"}
_CHAT = "list of {role, content}"


class Form(NamedTuple):
    """A configuration of a product's folder: its rows in Parquet, or in JSONL where trainers read nothing else.

    `columns` maps a column to what it is; `make` builds a row of them from a product's row and the `data_source` that
    config names.
    """

    name: str
    is_parquet: bool
    trainer: str
    columns: dict[str, str]
    make: Callable[[Row, str], Row]

    @property
    def path(self) -> str:
        """Pattern of the form's files in the folder."""
        return f"{self.name}/train-*.parquet" if self.is_parquet else f"{self.name}/train.jsonl"


def _as_verl(row: Row, data_source: str) -> Row:
    known = ("id", "problem", "answer_source", *ORIGIN, "pass_rate", "pass_rate_by")
    return {
        "data_source": data_source,
        "prompt": row["prompt"],
        "ability": "math",
        "reward_model": {"style": "rule", "ground_truth": row["expected_answer"]},
        "extra_info": {"split": "train", "index": row["index"]} | {name: row[name] for name in known},
    }


def _as_nemo_gym(row: Row, data_source: str) -> Row:
    return {
        "responses_create_params": {"input": row["prompt"]},
        "question": row["problem"],
        "expected_answer": row["expected_answer"],
        "agent_ref": _AGENT,
        "id": row["id"],
        "pass_rate": row["pass_rate"],
        **{name: row[name] for name in ORIGIN},
    }


def _as_prompt_only(row: Row, data_source: str) -> Row:
    known = ("expected_answer", "id", "answer_source", *ORIGIN, "pass_rate")
    return {
        "prompt": row["prompt"],
        "solution": f"\\boxed{{{row['expected_answer']}}}",
        **{name: row[name] for name in known},
    }


def _as_verl_selection(row: Row, data_source: str) -> Row:
    made = _as_verl(row, data_source)
    return made | {"reward_model": {"style": "rule", "ground_truth": str(row["right"])}}


def _as_prompt_and_right(row: Row, data_source: str) -> Row:
    return {name: row[name] for name in _SELECTION}


def _as_preference(row: Row, data_source: str) -> Row:
    return {name: row[name] for name in _PREFERENCE}


#: Where a problem comes from; the columns that training rows have.
ORIGIN = {
    "problem_source": "where the problem stood; null, like all of these, if the raw data do not say",
    "source_url": "its address",
    "source_license": "its license",
    "source_author": "who wrote it, if names are not taken out",
    "source_date": "when",
}
_EXTRA = f"split, index, id, problem, answer_source, {', '.join(ORIGIN)}, pass_rate, pass_rate_by"
_ID = "`<thread id>-<number of the problem in its thread>`"
_SOURCE = "`extracted` (given) or `majority` (of the solutions)"
_PREFERENCE = {
    "prompt": f"{_CHAT}: what the solutions were asked with",
    "chosen": f"{_CHAT}: a right solution, with its reasoning in `<think>` tags where there is any",
    "rejected": f"{_CHAT}: a wrong solution, likewise",
    "id": "`<problem id>-<seed of the right one>-<seed of the wrong one>`",
    "problem_id": _ID,
    "problem": "the problem",
    **ORIGIN,
    "expected_answer": "final answer that the solutions were judged by",
    "answer_source": _SOURCE,
    "chosen_answer": "final answer of the right solution",
    "rejected_answer": "final answer of the wrong one",
    "chosen_judged_by": "who found it right: `symbolic` (proved equal) or `llm`",
    "rejected_judged_by": "who found it wrong",
    "pass_rate": f"share of right ones among the problem's solutions, {WHAT_COUNTS}",
}
PREFERENCES = (Form("preference", True, "TRL (DPO, reward models)", _PREFERENCE, _as_preference),)

RL = (
    Form(
        "verl",
        True,
        "verl",
        {
            "data_source": "by this name verl chooses how an answer is checked",
            "prompt": _CHAT,
            "ability": "`math`",
            "reward_model": "{style: `rule`, ground_truth: the answer}",
            "extra_info": f"{_EXTRA} (recipe)",
        },
        _as_verl,
    ),
    Form(
        "trl",
        True,
        "TRL (GRPO)",
        {
            "prompt": _CHAT,
            "solution": "the answer in `\\boxed{}`, as `trl.rewards.accuracy_reward` reads it",
            "expected_answer": "the answer",
            "id": _ID,
            "answer_source": _SOURCE,
            **ORIGIN,
            "pass_rate": f"share of right ones among the solutions of the recipe that is the measure, {WHAT_COUNTS}",
        },
        _as_prompt_only,
    ),
    Form(
        "nemo_gym",
        False,
        "NeMo Gym",
        {
            "responses_create_params": f"{{input: {_CHAT}}}",
            "question": "the problem",
            "expected_answer": "the answer",
            "agent_ref": "the agent whose verifier compares answers (`math_with_judge`)",
            "id": _ID,
            "pass_rate": f"share of right ones among the solutions of the recipe that is the measure, {WHAT_COUNTS}",
            **ORIGIN,
        },
        _as_nemo_gym,
    ),
)

_GROUP_ID = "`<problem id>-g<number of the group>`"
_SELECTION = {
    "prompt": f"{_CHAT}: the problem and its candidate solutions, by index, and the question which is best",
    "right": "indexes of all right candidates, from 0: a reply is right if its `Judgment: <index>` is one of them",
    "num_solutions": "number of candidates",
    "id": _GROUP_ID,
    "problem": "the problem",
    "expected_answer": "the answer",
    "answer_source": _SOURCE,
    **ORIGIN,
    "pass_rate": "share of right ones among all solutions that candidates were chosen from",
}
#: Neither has a reward for choices: it is a line of the reader's own, over the right indexes.
RL_SELECTIONS = (
    Form(
        "verl",
        True,
        "verl, with a reward function of your own",
        {
            "data_source": "the name that your reward function goes by",
            "prompt": _SELECTION["prompt"],
            "ability": "`math`",
            "reward_model": "{style: `rule`, ground_truth: the right indexes as a JSON list, such as `[0, 3]`}",
            "extra_info": f"{_EXTRA} (recipes)",
        },
        _as_verl_selection,
    ),
    Form("trl", True, "TRL (GRPO), whose reward functions get these columns", _SELECTION, _as_prompt_and_right),
)

#: By the kind of a product.
FORMS: dict[str, tuple[Form, ...]] = {"rl": RL, "rl_selections": RL_SELECTIONS, "preferences": PREFERENCES}


def arrow_schema(form: Form) -> Any:
    """The Parquet schema (pyarrow.Schema) of a form's columns."""
    pa = arrow()

    text, real = pa.string(), pa.float64()
    known = [(name, text) for name in ("id", "problem", "answer_source", *ORIGIN)]
    extra = [("split", text), ("index", pa.int64()), *known, ("pass_rate", real), ("pass_rate_by", text)]
    types = dict.fromkeys(("prompt", "chosen", "rejected"), pa.list_(pa.struct([("role", text), ("content", text)])))
    types |= {
        "pass_rate": real,
        "right": pa.list_(pa.int64()),
        "num_solutions": pa.int64(),
        "reward_model": pa.struct([("style", text), ("ground_truth", text)]),
        "extra_info": pa.struct(extra),
    }
    return pa.schema([pa.field(name, types.get(name, text)) for name in form.columns])
