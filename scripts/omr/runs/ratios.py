"""Rows per row, tokens per request and tokens per second: seen in a run, or else assumed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from omr.models.model import ModelSpec
from omr.runs.costs import measured_speed
from omr.runs.counts import Counts, ModelUse, RunCounts
from omr.runs.published_ratios import BYTES_PER_TOKEN, RATIOS, THREAD_SHARES, TOKENS, Assumption

#: Fewer requests say little about a stage's tokens.
_ENOUGH_REQUESTS = 5


@dataclass(frozen=True)
class Threads:
    """The input: how many threads (or problems, if `what` says so), the mean bytes of one, and where both come from
    (`source`)."""

    number: int
    bytes_each: float
    source: str
    what: str = "threads"


class Ratios:
    """Rows per row, seen in one of several runs (the first that knows) or assumed; remembers where each came from."""

    def __init__(self, runs: Sequence[RunCounts], threads: Threads) -> None:
        self._runs = runs
        self._threads = threads
        self.used: list[dict[str, Any]] = []

    def ratio(self, name: str, recipe: str | None = None) -> float:
        """The ratio `name` of omr.runs.published_ratios."""
        for run in self._runs:
            seen = _seen_ratio(name, run, recipe)
            if seen is not None:
                return self._remember(name, recipe, seen, f"seen in {run.folder}")
        return self._remember(name, recipe, RATIOS[name].value, RATIOS[name].source)

    def _remember(self, name: str, recipe: str | None, value: float, source: str) -> float:
        return self.remember(RATIOS[name].what + (f" ({recipe})" if recipe else ""), value, source)

    def assume(self, assumption: Assumption) -> float:
        """An assumption that nothing seen replaces."""
        return self.remember(assumption.what, assumption.value, assumption.source)

    def remember(self, what: str, value: float, source: str) -> float:
        """Note what an estimate goes by, each once."""
        note = {"what": what, "value": value, "source": source}
        if note not in self.used:
            self.used.append(note)
        return value

    def assumed_tokens(self, stage: str) -> tuple[float, float]:
        """(prompt, completion) tokens of a request of which nothing was seen."""
        prompt, completion = TOKENS[stage]
        return prompt + THREAD_SHARES.get(stage, 0.0) * self._threads.bytes_each / BYTES_PER_TOKEN.value, completion

    def use(self, stage: str, recipe: str | None, model: str) -> ModelUse | None:
        """What was seen of a model stage in the first run in which this model did enough of it."""
        for run in self._runs:
            use = run.model_use(stage, recipe)
            if use is None or use.model != model or use.answered < _ENOUGH_REQUESTS or use.without_usage:
                continue
            for kind, tokens in (("prompt", use.prompt_tokens), ("completion", use.completion_tokens)):
                what = f"{kind} tokens per request of {stage}" + (f" ({recipe})" if recipe else "")
                self.used.append({"what": what, "value": tokens / use.answered, "source": f"seen in {run.folder}"})
            return use
        return None

    def with_speed(self, spec: ModelSpec, stage: str, recipe: str | None) -> ModelSpec:
        """The model with the speed that config says, else with one that was measured: in the first run that has one, of
        this stage or else of the stage that was measured for longest."""
        if spec.tokens_per_second is not None or not spec.gpus:
            return spec
        for run in self._runs:
            own = run.model_use(stage, recipe)
            others = sorted(run.all_uses, key=lambda use: -use.full_load.seconds)
            for use in filter(None, [own, *others]):
                speed = measured_speed(use.full_load)
                if speed is None or (use.model, use.measured_gpus) != (spec.name, {spec.gpus * spec.nodes}):
                    continue
                what = f"tokens per second of {spec.name} at {stage}" + (f" ({recipe})" if recipe else "")
                source = f"measured in {run.folder}" + (f", at {use.stage}" if use.stage != stage else "")
                self.used.append({"what": what, "value": speed, "source": source})
                return replace(spec, tokens_per_second=speed)
        return spec

    def with_start(self, spec: ModelSpec) -> ModelSpec:
        """The model with the minutes that its starts took in the first run that saw some on as many GPUs, else with
        what config says: a site measures what its disks make of the assumption that ships."""
        gpus = spec.gpus * spec.nodes
        for run in self._runs if gpus else ():
            seen = [use for use in run.all_uses if (use.model, use.started_gpus) == (spec.name, {gpus})]
            if starts := sum(use.starts for use in seen):
                minutes = sum(use.start_s for use in seen) / starts / 60
                self.remember(f"minutes of a start of {spec.name}", minutes, f"measured in {run.folder}")
                return replace(spec, start_min=minutes)
        if spec.start_min is not None and gpus:
            self.remember(f"minutes of a start of {spec.name}", spec.start_min, "start_min in config")
        return spec


def _seen_ratio(name: str, run: RunCounts, recipe: str | None) -> float | None:
    part, whole = _SEEN[name](lambda stage: run.stage(stage, recipe) or {}, run, recipe)
    return part / whole if part is not None and whole else None


_Stages = Callable[[str], Counts]
_Seen = Callable[[_Stages, RunCounts, str | None], tuple[Any, Any]]


def _calls_of(stage: str, per: str) -> _Seen:
    return lambda of, run, recipe: (of(stage).get("llm_calls"), of(per).get("written"))


#: Where a ratio is seen: (rows that came of it, rows that went in), None if that stage has not run.
_SEEN: Mapping[str, _Seen] = {
    "problems": lambda of, run, _: (of("parse_problems").get("written"), of("parse_problems").get("read")),
    "asked_answers": lambda of, run, _: (of("parse_answers").get("read"), of("parse_classes").get("written")),
    "proofs": lambda of, run, _: (of("parse_conversions").get("read"), of("parse_classes").get("written")),
    "converted": lambda of, run, _: (of("parse_conversions").get("written"), of("parse_conversions").get("read")),
    "merged": lambda of, run, _: (of("merge_data").get("written"), of("parse_classes").get("written")),
    "merged_without_proofs": lambda of, run, _: (of("merge_data").get("written"), of("parse_classes").get("written")),
    "unique": lambda of, run, _: (of("deduplicate").get("written"), of("deduplicate").get("read")),
    "pairs": lambda of, run, _: (_requests(run, "check_contamination"), of("decontaminate").get("read")),
    "known": lambda of, run, _: _known(of(run.merging_stage)),
    "clean": lambda of, run, _: (of("decontaminate").get("written"), of("decontaminate").get("read")),
    "voted": lambda of, run, _: (of("fill_majority_answer").get("passed"), of("fill_majority_answer").get("read")),
    "match_calls": _calls_of("fill_majority_answer", "fill_majority_answer"),
    "judge_calls": _calls_of("select_judgements", "settle_votes"),
    "turns": lambda of, run, recipe: _of_code(run, recipe, "turns", lambda use: use.answered),
    "executions": lambda of, run, recipe: _of_code(run, recipe, "executions", lambda use: use.answered),
    "code_cpu_s": lambda of, run, recipe: _of_code(run, recipe, "cpu_s", lambda use: use.code["executions"]),
    "reused": lambda of, run, recipe: _reused(run.model_use("generate_solutions", recipe)),
    "right": lambda of, run, _: (
        of("merge_judgements").get("judgement", {}).get("yes"),
        of("merge_judgements").get("read"),
    ),
    "cleaned": lambda of, run, _: (
        of("clean_code_solutions").get("written"),
        of("merge_judgements").get("judgement", {}).get("yes"),
    ),
    "fragments": lambda of, run, _: (of("cut_fragments").get("written"), of("cut_fragments").get("read")),
    "selected": lambda of, run, _: (of("select_by_code").get("written"), of("select_by_code").get("read")),
    "summary_calls": _calls_of("select_summary_judgements", "select_traces"),
    "summarized": lambda of, run, _: (of("merge_summaries").get("written"), of("merge_summaries").get("read")),
    "groups": lambda of, run, _: (of("form_groups").get("written"), of("form_groups").get("read")),
    "right_picks": lambda of, run, _: (of("select_comparisons").get("written"), of("parse_selections").get("read")),
    "selections": lambda of, run, _: (
        of("merge_selection_summaries").get("written"),
        of("merge_selection_summaries").get("read"),
    ),
    "wrong_traces": lambda of, run, _: (of("select_wrong_traces").get("written"), of("merge_judgements").get("read")),
}


def _known(counts: Counts) -> tuple[int | None, int]:
    """The problems with an answer, and all, of the stage that made merged.jsonl."""
    types = counts.get("problem_types")
    return (types.get("has_answer_extracted", 0), counts["written"]) if types else (None, 0)


def _requests(run: RunCounts, stage: str) -> int | None:
    """The requests of a stage that has run as a whole."""
    use = run.model_use(stage)
    return use.requests if use is not None and use.is_complete else None


def _of_code(
    run: RunCounts, recipe: str | None, what: str, per: Callable[[ModelUse], float]
) -> tuple[float | None, float]:
    use = run.model_use("generate_solutions", recipe)
    return (use.code[what], per(use)) if use is not None and use.code else (None, 0)


def _reused(use: ModelUse | None) -> tuple[float | None, float]:
    """None where the server does not say what it still knew."""
    return (use.cached_tokens, use.prompt_tokens) if use is not None and use.cached_tokens else (None, 0)
