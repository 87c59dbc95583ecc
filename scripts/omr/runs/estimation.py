"""What a run will ask of its models: requests, tokens, GPU-hours, money and disk per stage.

Numbers of rows flow from the threads through ratios; a ratio, and the tokens of a request, is what was seen where a
stage has run (in this run, or in another one that is given as an example), else an assumption with its source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

from omr.config.recipes import Recipes
from omr.config.settings import REAL_STAGES, Settings
from omr.models.model import ModelSpec
from omr.runs.code_work import CodeWork, code_work
from omr.runs.costs import gpu_hours, missing_prices, start_hours, usd
from omr.runs.counts import ModelUse, RunCounts
from omr.runs.flow import problem_requests, recipe_requests
from omr.runs.job_work import folder_shares, job_work
from omr.runs.published_ratios import BYTES_PER_TOKEN, REPLY_BYTES, ROW_BYTES, TOKENS_SOURCES
from omr.runs.ratios import Ratios, Threads
from omr.runs.spent import spent_besides, summed_by_model, usd_of
from omr.runs.yields import RecipeYield, recipe_yield

#: Where a recipe says how long the replies of a stage may get.
_MAX_TOKENS = {
    "generate_solutions": ("max_tokens",),
    "match_answers": ("judge", "max_tokens"),
    "judge_answers": ("judge", "max_tokens"),
    "judge_code": ("code_filter", "novelty", "max_tokens"),
    "generate_summaries": ("summaries", "max_tokens"),
    "judge_summaries": ("judge", "max_tokens"),
    "generate_wrong_summaries": ("summaries", "max_tokens"),
    "select_solutions": ("max_tokens",),
    "generate_selection_summaries": ("summaries", "max_tokens"),
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
    tries: int | None  # how often the longest job must be started; 1 where the work is unknown, None: no number will do
    start_hours: float | None  # of `gpu_hours`, for starts; None where config does not say, and of what was counted
    hours_per_job: float | None  # of work, without the server's start, on average; None where its speed is unknown
    longest_job_hours: float | None  # the same of the longest job: rounds ask later seeds of fewer problems
    hours_allowed: float | None  # the time limit of a job; None where no server is started
    start_min: float | None = None  # minutes of one start, seen or as config says
    code: CodeWork | None = None  # of one solution, where solutions run code
    tokens_counted: bool = True  # false where the server counted none of some replies
    lacks: tuple[str, ...] = ()  # keys of the model in config that GPU-hours and money need
    lacks_for_hours: tuple[str, ...] = ()

    @property
    def share_left(self) -> float:
        """The share of its requests that have no reply yet that serves."""
        return 0.0 if self.basis == "counted" or not self.requests else max(0.0, 1 - self.done_requests / self.requests)


@dataclass(frozen=True)
class Estimate:
    """All stages, what was assumed: rows {"what", "value", "source"}, and what the run has `spent` so far (`gpu_hours`,
    `usd`), as its budget counts it: also on what is asked no longer."""

    threads: Threads
    stages: list[StageEstimate]
    assumptions: list[dict[str, Any]]
    sft_rows: dict[str, int]
    yields: list[RecipeYield]
    counted_rows: frozenset[str] = frozenset()  # recipes whose rows are made: `sft_rows` has their number
    spent: Mapping[str, float | None] = field(default_factory=lambda: {"gpu_hours": 0.0, "usd": 0.0})

    @property
    def remaining(self) -> dict[str, Any]:
        """What of `requests`, tokens, `gpu_hours` and `usd` is still to come, by the share of requests that have no
        reply; None where a total is unknown."""
        to_come = [(stage, stage.share_left) for stage in self.stages if stage.share_left]
        left: dict[str, Any] = {
            unit: round(sum(share * getattr(stage, unit) for stage, share in to_come))
            for unit in ("requests", "prompt_tokens", "completion_tokens")
        }
        for unit in ("gpu_hours", "usd"):
            values = [(getattr(stage, unit), share) for stage, share in to_come]
            left[unit] = None if any(value is None for value, _ in values) else sum(v * share for v, share in values)
        return left

    def total(self, unit: str) -> float | None:
        """`usd` or `gpu_hours` that are spent or still to come; None where one is unknown."""
        spent, left = self.spent[unit], self.remaining[unit]
        return None if spent is None or left is None else spent + float(left)

    @property
    def tokens_counted(self) -> bool:
        """Whether servers counted the tokens of all replies that there are."""
        return all(stage.tokens_counted for stage in self.stages)

    @property
    def disk_bytes(self) -> int:
        return self.rows_bytes + sum(stage.disk_bytes for stage in self.stages)

    @property
    def rows_bytes(self) -> int:
        """Files of rows: three with forum texts; training rows as traces (1), JSON Lines, where each text stands twice
        (2.1), and Parquet, where it does so too (0.6: of words drawn at random)."""
        forum = 3 * self.threads.number * self.threads.bytes_each
        return round(forum + 3.7 * sum(self.sft_rows.values()) * ROW_BYTES.value)

    def as_json(self) -> dict[str, Any]:
        return {
            "threads": asdict(self.threads),
            "stages": [asdict(stage) for stage in self.stages],
            "total": {
                "requests": sum(stage.requests for stage in self.stages),
                "prompt_tokens": sum(stage.prompt_tokens for stage in self.stages),
                "completion_tokens": sum(stage.completion_tokens for stage in self.stages),
                "disk_bytes": self.disk_bytes,
                "tokens_counted": self.tokens_counted,
                "gpu_hours": self.total("gpu_hours"),
                "usd": self.total("usd"),
            },
            "spent": dict(self.spent),
            "remaining": self.remaining,
            "sft_rows": self.sft_rows,
            "yields": {found.recipe: found.as_json() for found in self.yields},
            "assumptions": self.assumptions,
        }


def estimate(threads: Threads, settings: Settings, recipes: Recipes, runs: Sequence[RunCounts]) -> Estimate:
    """The estimate of a run over `threads`. `runs`: this run first, then examples."""
    ratios = Ratios(runs, threads)
    requests, problems = problem_requests(threads.number, settings, ratios)
    # A stage that has asked is listed, though nothing follows from it any more.
    asked = [(stage, n) for stage, n in requests.items() if n or runs[0].model_use(stage) is not None]
    stages = [stage_estimate(_labelling(stage, settings), n, ratios, runs[0]) for stage, n in asked]
    rows, yields, counted = dict[str, int](), [], set[str]()
    for name, asking in recipes.stages_asked.items():
        keep = _rows_per_problem(settings, recipes, name)
        found = None if recipes.is_selection(name) else recipe_yield(name, problems, recipes, ratios, runs, keep)
        requests, rows_of_recipe = recipe_requests(problems, name, recipes, ratios, found)
        of_recipe = [
            stage_estimate(_of_recipe(stage, name, recipes, ratios, found), n, ratios, runs[0])
            for stage, n in requests.items()
            if stage in asking
        ]
        stages += of_recipe
        if name not in recipes.to_run:
            continue  # it is asked for others: nobody wants its rows
        if found is not None:
            found = _with_costs(found, of_recipe, rows_of_recipe)
            yields.append(found)
            if recipes[name]["sft"]["solutions_per_problem"] is not None:
                rows_of_recipe = found.kept
        made = runs[0].stage("prepare_selections" if found is None else "prepare_sft", name)
        if made is not None:
            rows_of_recipe = made["written"]
            counted.add(name)
        rows[name] = round(rows_of_recipe)
    given = {"what": threads.what, "value": threads.number, "source": threads.source}
    size = {"what": f"bytes of one of the {threads.what}", "value": round(threads.bytes_each), "source": threads.source}
    notes = [given, size, *ratios.used, *_token_notes(stages, ratios)]
    return Estimate(threads, stages, notes, rows, yields, frozenset(counted), _spent(runs[0], settings))


def _spent(run: RunCounts, settings: Settings) -> dict[str, float | None]:
    parts = summed_by_model(spent_besides(run.folder, (), []))
    return {"gpu_hours": sum(part.gpu_s for part in parts) / 3600, "usd": usd_of(settings, parts)}


def _rows_per_problem(settings: Settings, recipes: Recipes, name: str) -> int:
    bound = (recipes[name].get("sft") or {}).get("solutions_per_problem")
    return int(bound or settings.config["estimate"]["rows_per_problem"])


def _with_costs(found: RecipeYield, stages: Sequence[StageEstimate], rows: float) -> RecipeYield:
    """A yield with what the recipe's stages cost, and the share of right solutions that becomes rows."""
    hours = [stage.gpu_hours for stage in stages if stage.requests or stage.gpu_hours]
    total = None if None in hours else sum(hour or 0.0 for hour in hours)
    solving = next(stage.gpu_hours for stage in stages if stage.stage == "generate_solutions")
    right = found.problems * found.of_problem.right
    return replace(found, gpu_hours=total, solution_gpu_hours=solving, kept_share=rows / right if right else 0.0)


class _Stage(NamedTuple):
    """A model stage as config has it: so many jobs as `shards` for each of `shares`, which say how much of its work
    these have. `max_tokens` is the most of one reply."""

    name: str
    recipe: str | None
    spec: ModelSpec
    max_tokens: int
    shards: int
    shares: Sequence[float] = (1.0,)
    code: CodeWork | None = None

    @property
    def real_name(self) -> str:
        """The stage whose prompts it asks with."""
        return REAL_STAGES.get(self.name, self.name)


def _labelling(name: str, settings: Settings) -> _Stage:
    stage = settings.stage(name)
    return _Stage(name, None, settings.model(name), stage["max_tokens"], stage["shards"])


def _of_recipe(name: str, recipe: str, recipes: Recipes, ratios: Ratios, found: RecipeYield | None) -> _Stage:
    folders = len(recipes.reply_folders(recipe, name))
    shares = folder_shares(name, recipes[recipe], found.asked if found is not None else (), folders)
    most = recipes.knob(*_MAX_TOKENS[name])(_Named(recipe))
    runs_code = name == "generate_solutions" and recipes.runs_code(recipe)
    code = code_work(recipes[recipe], recipe, ratios) if runs_code else None
    return _Stage(name, recipe, recipes.model(recipe, name), most, len(recipes.shards(recipe)), shares, code)


def stage_estimate(stage: _Stage, requests: float, ratios: Ratios, run: RunCounts) -> StageEstimate:
    """One stage: what it did where all of it has run and stays, else requests times tokens of a request."""
    done = run.model_use(stage.name, stage.recipe)
    again = run.asked_again(stage.name, stage.recipe, stage.spec.identity)
    if done is not None and done.is_complete and not again.shards:
        found = _estimate(stage, "counted", done.requests, _tokens(done), done.reply_bytes, done.requests, done.gpu_s)
        if not done.without_usage:
            return found
        return replace(found, tokens_counted=False, usd=found.usd if stage.spec.is_started else None)
    stage = stage._replace(spec=ratios.with_start(ratios.with_speed(stage.spec, stage.name, stage.recipe)))
    seen = ratios.use(stage.name, stage.recipe, stage.spec.name)
    if seen is not None:
        prompt, completion = (tokens / seen.answered for tokens in _tokens(seen))
    else:
        prompt, completion = ratios.assumed_tokens(stage.real_name)
        prompt = prompt if stage.code is None else stage.code.prompt_tokens(prompt, min(completion, stage.max_tokens))
    completion = min(completion, stage.max_tokens)
    reply = (
        seen.reply_bytes / seen.requests
        if seen and seen.reply_bytes
        else REPLY_BYTES.value + completion * BYTES_PER_TOKEN.value
    )
    tokens = requests * prompt, requests * completion
    basis = "assumed" if seen is None else "seen"
    replied = (done.requests if done else 0) - again.requests + run.begun_requests(stage.name, stage.recipe)
    return _estimate(stage, basis, requests, tokens, requests * reply, replied)


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
    computed = tokens[0] * (1 - stage.code.reused) if stage.code is not None else tokens[0]
    work, gpus = gpu_hours(spec, computed, tokens[1]), spec.gpus * spec.nodes
    server_h = work / gpus if work is not None and gpus else None
    jobs = job_work(server_h, stage.shares, stage.shards, spec.runtime_min / 60, (spec.start_min or 0.0) / 60)
    starting = None if gpu_s else start_hours(spec, jobs.starts)
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
        tries=jobs.tries,
        start_hours=starting,
        usd=usd(spec, *tokens, hours),
        basis=basis,
        done_requests=done,
        jobs=stage.shards * len(stage.shares),
        hours_per_job=jobs.mean_h,
        longest_job_hours=jobs.longest_h,
        hours_allowed=spec.runtime_min / 60 if spec.is_started else None,
        start_min=spec.start_min,
        code=stage.code,
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
        values = ratios.assumed_tokens(REAL_STAGES.get(stage.stage, stage.stage))
        for (kind, source), value in zip(TOKENS_SOURCES.items(), values, strict=True):
            what = f"{kind} tokens per request of {stage.stage}"
            yield {"what": what, "value": round(value), "source": source}


def over_budget(found: Estimate, budget: Mapping[str, float | None]) -> list[str]:
    """What is wrong with the estimate for a budget {"usd", "gpu_hours"} (null: no bound), as sentences.

    A total that cannot be known cannot be within a budget.
    """
    faults = []
    for unit, name in (("usd", "USD"), ("gpu_hours", "GPU-hours")):
        limit, total, spent = budget.get(unit), found.total(unit), found.spent[unit]
        if limit is None:
            continue
        if spent is None:
            why = "a model that config lacks or has no price for, or tokens that no server counted"
            faults.append(f"the {name} that are spent are not known ({why})")
        elif total is None:
            stages = [stage for stage in found.stages if getattr(stage, unit) is None and stage.share_left]
            keys = [(stage.model, stage.lacks if unit == "usd" else stage.lacks_for_hours) for stage in stages]
            models = ", ".join(f"{model} ({', '.join(lacks)})" for model, lacks in dict.fromkeys(keys))
            faults.append(f"the {name} cannot be estimated; config lacks for its models: {models}")
        elif total > limit <= spent:
            faults.append(f"the budget is used up: {spent:,.2f} {name} are spent, it is {limit:,.2f}")
        elif total > limit:
            faults.append(f"the run would take about {total:,.2f} {name}, the budget is {limit:,.2f}")
    return faults
