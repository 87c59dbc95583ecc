"""What a run will ask of its models: requests, tokens, GPU-hours, money and disk per stage.

Numbers of rows flow from the threads through ratios; a ratio, and the tokens of a request, is what was seen where a
stage has run (in this run, or in another one that is given as an example), else an assumption with its source.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.models.model import ModelSpec
from omr.runs.costs import gpu_hours, measured_speed, missing_prices, start_hours, usd
from omr.runs.counts import Counts, ModelUse, RunCounts
from omr.runs.published_ratios import (
    BYTES_PER_TOKEN,
    RATIOS,
    REPLY_BYTES,
    ROW_BYTES,
    THREAD_SHARES,
    TOKENS,
    TOKENS_SOURCES,
)
from omr.solutions.code_votes import PROMPTS as VOTE_PROMPTS

#: Prompts of the two classifying stages.
_CLASS_PROMPTS = 4
#: Fewer requests say little about a stage's tokens.
_ENOUGH_REQUESTS = 5
#: Where a recipe says how long the replies of a stage may get.
_MAX_TOKENS = {
    "generate_solutions": ("max_tokens",),
    "match_answers": ("judge", "max_tokens"),
    "judge_answers": ("judge", "max_tokens"),
    "judge_code": ("code_filter", "novelty", "max_tokens"),
    "generate_summaries": ("summaries", "max_tokens"),
    "judge_summaries": ("judge", "max_tokens"),
    "generate_wrong_summaries": ("summaries", "max_tokens"),
}


class _Named(NamedTuple):
    """What a knob of a recipe is asked with."""

    recipe: str


@dataclass(frozen=True)
class StageEstimate:
    """One model stage. `gpu_hours` and `usd` are None where config lacks what they need. `basis` says from what."""

    stage: str
    recipe: str | None
    model: str
    requests: int
    prompt_tokens: int
    completion_tokens: int
    disk_bytes: int
    gpu_hours: float | None
    usd: float | None
    basis: str  # `counted` (all of it has run), `seen`, `assumed`
    done_requests: int
    jobs: int
    tries: int  # how often a job must be started to do its work; 1 where the work is unknown
    start_hours: float | None  # of `gpu_hours`, for starts; None where config does not say, and of what was counted
    hours_per_job: float | None  # of work, without the server's start; None where config does not say how fast it is
    hours_allowed: float | None  # the time limit of a job; None where no server is started
    lacks: tuple[str, ...] = ()  # keys of the model in config that GPU-hours and money need
    lacks_for_hours: tuple[str, ...] = ()


@dataclass(frozen=True)
class Threads:
    """The input: how many threads, the mean bytes of one, and where both come from (`source`)."""

    number: int
    bytes_each: float
    source: str


@dataclass(frozen=True)
class Estimate:
    """All stages, and what was assumed: rows {"what", "value", "source"}."""

    threads: Threads
    stages: list[StageEstimate]
    assumptions: list[dict[str, Any]]
    sft_rows: dict[str, int]

    def total(self, unit: str) -> float | None:
        """The sum of `usd` or `gpu_hours` over all stages; None where one is unknown."""
        values = [getattr(stage, unit) for stage in self.stages]
        return None if None in values else sum(values)

    @property
    def disk_bytes(self) -> int:
        return self.rows_bytes + sum(stage.disk_bytes for stage in self.stages)

    @property
    def rows_bytes(self) -> int:
        """Files of rows: three with forum texts; training rows as traces, JSON Lines and (compressed) Parquet."""
        forum = 3 * self.threads.number * self.threads.bytes_each
        return round(forum + 2.4 * sum(self.sft_rows.values()) * ROW_BYTES.value)

    def as_json(self) -> dict[str, Any]:
        return {
            "threads": asdict(self.threads),
            "stages": [asdict(stage) for stage in self.stages],
            "total": {
                "requests": sum(stage.requests for stage in self.stages),
                "prompt_tokens": sum(stage.prompt_tokens for stage in self.stages),
                "completion_tokens": sum(stage.completion_tokens for stage in self.stages),
                "disk_bytes": self.disk_bytes,
                "gpu_hours": self.total("gpu_hours"),
                "usd": self.total("usd"),
            },
            "sft_rows": self.sft_rows,
            "assumptions": self.assumptions,
        }


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
        what = RATIOS[name].what + (f" ({recipe})" if recipe else "")
        self.used.append({"what": what, "value": value, "source": source})
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
    "pairs": lambda of, run, _: (_requests(run, "check_contamination"), of("merge_data").get("written")),
    "clean": lambda of, run, _: (of("decontaminate").get("written"), of("decontaminate").get("read")),
    "voted": lambda of, run, _: (of("fill_majority_answer").get("passed"), of("fill_majority_answer").get("read")),
    "match_calls": _calls_of("fill_majority_answer", "fill_majority_answer"),
    "judge_calls": _calls_of("select_judgements", "settle_votes"),
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
    "wrong_traces": lambda of, run, _: (of("select_wrong_traces").get("written"), of("merge_judgements").get("read")),
}


def _requests(run: RunCounts, stage: str) -> int | None:
    """The requests of a stage that has run as a whole."""
    use = run.model_use(stage)
    return use.requests if use is not None and use.is_complete else None


def problem_requests(threads: int, settings: Settings, ratios: Ratios) -> tuple[dict[str, float], float]:
    """(requests of each stage that makes problems, clean problems at the end)."""
    problems = threads * ratios.ratio("problems")
    proofs = problems * ratios.ratio("proofs") if settings.config["problems"]["use_converted_proofs"] else 0.0
    merged = problems * ratios.ratio("merged" if proofs else "merged_without_proofs")
    requests = {
        "extract_problems": float(threads),
        "classify_problems": _CLASS_PROMPTS * problems,
        "extract_answers": problems * ratios.ratio("asked_answers"),
        "convert_proofs": proofs,
        "classify_converted": _CLASS_PROMPTS * proofs * ratios.ratio("converted") if proofs else 0.0,
        "check_contamination": merged * ratios.ratio("pairs"),
    }
    return requests, merged * ratios.ratio("clean")


def recipe_requests(problems: float, name: str, recipes: Recipes, ratios: Ratios) -> tuple[dict[str, float], float]:
    """(requests of each stage of a recipe, training rows at the end)."""
    recipe = recipes[name]
    solutions = problems * recipe["seeds"]
    judged = solutions * ratios.ratio("voted", name)
    right = judged * ratios.ratio("right", name)
    asks = recipe["majority"]["max_matches"] > 0
    requests = {
        "generate_solutions": solutions,
        "match_answers": judged * ratios.ratio("match_calls", name) if asks else 0.0,
        "judge_answers": judged * ratios.ratio("judge_calls", name),
    }
    if recipe["mode"] == "tir":
        right *= ratios.ratio("cleaned", name)
    if recipes.votes_on_code(name):
        votes = len(VOTE_PROMPTS) * recipe["code_filter"]["novelty"]["votes"]
        requests["judge_code"] = right * ratios.ratio("fragments", name) * votes
        right *= ratios.ratio("selected", name)
    if not recipe["summaries"]["enabled"]:
        return requests, right
    requests["generate_summaries"] = right * recipe["summaries"]["candidates"]
    requests["judge_summaries"] = right * ratios.ratio("summary_calls", name)
    if wanted := recipes.wrong_per_problem(name):
        wrong = min(judged * ratios.ratio("wrong_traces", name), problems * wanted)
        requests["generate_wrong_summaries"] = wrong * recipe["summaries"]["candidates"]
    return requests, right * ratios.ratio("summarized", name)


def estimate(threads: Threads, settings: Settings, recipes: Recipes, runs: Sequence[RunCounts]) -> Estimate:
    """The estimate of a run over `threads`. `runs`: this run first, then examples."""
    ratios = Ratios(runs, threads)
    requests, problems = problem_requests(threads.number, settings, ratios)
    stages = [stage_estimate(_labelling(stage, settings), n, ratios, runs[0]) for stage, n in requests.items() if n]
    rows = {}
    for name in recipes.to_run:
        requests, rows_of_recipe = recipe_requests(problems, name, recipes, ratios)
        rows[name] = round(rows_of_recipe)
        for stage, n in requests.items():
            stages.append(stage_estimate(_of_recipe(stage, name, recipes), n, ratios, runs[0]))
    given = {"what": "threads", "value": threads.number, "source": threads.source}
    size = {"what": "bytes of a thread", "value": round(threads.bytes_each), "source": threads.source}
    return Estimate(threads, stages, [given, size, *ratios.used, *_token_notes(stages, ratios)], rows)


class _Stage(NamedTuple):
    """A model stage as config has it. `max_tokens` is the most of one reply."""

    name: str
    recipe: str | None
    spec: ModelSpec
    max_tokens: int
    jobs: int


def _labelling(name: str, settings: Settings) -> _Stage:
    stage = settings.stage(name)
    return _Stage(name, None, settings.model(name), stage["max_tokens"], stage["shards"])


def _of_recipe(name: str, recipe: str, recipes: Recipes) -> _Stage:
    jobs = len(recipes.reply_folders(recipe, name)) * len(recipes.shards(recipe))
    most = recipes.knob(*_MAX_TOKENS[name])(_Named(recipe))
    return _Stage(name, recipe, recipes.model(recipe, name), most, jobs)


def stage_estimate(stage: _Stage, requests: float, ratios: Ratios, run: RunCounts) -> StageEstimate:
    """One stage: what it did where all of it has run, else requests times tokens of a request."""
    done = run.model_use(stage.name, stage.recipe)
    if done is not None and done.is_complete:
        return _estimate(stage, "counted", done.requests, _tokens(done), done.reply_bytes, done.requests, done.gpu_s)
    stage = stage._replace(spec=ratios.with_speed(stage.spec, stage.name, stage.recipe))
    seen = ratios.use(stage.name, stage.recipe, stage.spec.name)
    if seen is not None:
        prompt, completion = (tokens / seen.answered for tokens in _tokens(seen))
    else:
        prompt, completion = ratios.assumed_tokens(stage.name)
    completion = min(completion, stage.max_tokens)
    reply = (
        seen.reply_bytes / seen.requests
        if seen and seen.reply_bytes
        else REPLY_BYTES.value + completion * BYTES_PER_TOKEN.value
    )
    tokens = requests * prompt, requests * completion
    basis = "assumed" if seen is None else "seen"
    return _estimate(stage, basis, requests, tokens, requests * reply, done.requests if done else 0)


def _tokens(use: ModelUse) -> tuple[float, float]:
    return use.prompt_tokens, use.completion_tokens


def _estimate(
    stage: _Stage,
    basis: str,
    requests: float,
    tokens: tuple[float, float],
    disk_bytes: float,
    done: int,
    gpu_s: float = 0.0,
) -> StageEstimate:
    """`gpu_s` is how long GPUs were held where that is known."""
    spec = stage.spec
    work, gpus = gpu_hours(spec, *tokens), spec.gpus * spec.nodes
    per_job = work / gpus / stage.jobs if work is not None and gpus else None
    tries = max(1, math.ceil((per_job or 0.0) * 60 / spec.runtime_min))
    starting = None if gpu_s else start_hours(spec, stage.jobs * tries)
    hours = gpu_s / 3600 if gpu_s else None if work is None else work + (starting or 0.0)
    return StageEstimate(
        stage=stage.name,
        recipe=stage.recipe,
        model=spec.name,
        requests=round(requests),
        prompt_tokens=round(tokens[0]),
        completion_tokens=round(tokens[1]),
        disk_bytes=round(disk_bytes),
        gpu_hours=hours,
        tries=tries,
        start_hours=starting,
        usd=usd(spec, *tokens, hours),
        basis=basis,
        done_requests=done,
        jobs=stage.jobs,
        hours_per_job=per_job,
        hours_allowed=spec.runtime_min / 60 if spec.is_started else None,
        lacks=tuple(missing_prices(spec, "usd")),
        lacks_for_hours=tuple(missing_prices(spec, "gpu_hours")),
    )


def _token_notes(stages: Sequence[StageEstimate], ratios: Ratios) -> Iterator[dict[str, Any]]:
    """The token numbers that were assumed, as assumptions; recipes share them."""
    told = set[str]()
    for stage in stages:
        if stage.basis != "assumed" or not stage.requests or stage.stage in told:
            continue
        told.add(stage.stage)
        values = ratios.assumed_tokens(stage.stage)
        for (kind, source), value in zip(TOKENS_SOURCES.items(), values, strict=True):
            what = f"{kind} tokens per request of {stage.stage}"
            yield {"what": what, "value": round(value), "source": source}


def long_jobs(found: Estimate) -> Iterator[StageEstimate]:
    """Stages that have still to run and whose jobs reach their time limit; each time, the server is loaded again."""
    for stage in found.stages:
        work, allowed = stage.hours_per_job or 0.0, stage.hours_allowed
        if stage.basis != "counted" and allowed is not None and work > allowed:
            yield stage


def over_budget(found: Estimate, budget: Mapping[str, float | None]) -> list[str]:
    """What is wrong with the estimate for a budget {"usd", "gpu_hours"} (null: no bound), as sentences.

    A total that cannot be known cannot be within a budget.
    """
    faults = []
    for unit, name in (("usd", "USD"), ("gpu_hours", "GPU-hours")):
        limit, total = budget.get(unit), found.total(unit)
        if limit is None:
            continue
        if total is None:
            stages = [stage for stage in found.stages if getattr(stage, unit) is None]
            keys = [(stage.model, stage.lacks if unit == "usd" else stage.lacks_for_hours) for stage in stages]
            models = ", ".join(f"{model} ({', '.join(lacks)})" for model, lacks in dict.fromkeys(keys))
            faults.append(f"the {name} cannot be estimated; config lacks for its models: {models}")
        elif total > limit:
            faults.append(f"the run would take about {total:,.2f} {name}, the budget is {limit:,.2f}")
    return faults
