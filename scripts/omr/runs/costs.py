"""What tokens cost: GPU-hours from a model's speed, money from its prices. Unknown stays unknown (None), never 0."""

from __future__ import annotations

from omr.models.model import ModelSpec
from omr.servers.full_load import FullLoad

#: A prompt token takes about this share of the time of a completion token: prompts are read many tokens at once.
PROMPT_TOKEN_WEIGHT = 0.1


def is_free(spec: ModelSpec) -> bool:
    """Whether asking the model costs neither GPUs nor money: the bundled server, and servers on no GPU."""
    return spec.is_started and spec.gpus == 0


def gpu_hours(spec: ModelSpec, prompt_tokens: float, completion_tokens: float) -> float | None:
    """Hours of all GPUs of the model's servers, from its `tokens_per_second`; None if config does not say that."""
    if not spec.is_started or is_free(spec):
        return 0.0
    if spec.tokens_per_second is None:
        return None
    seconds = (completion_tokens + PROMPT_TOKEN_WEIGHT * prompt_tokens) / spec.tokens_per_second
    return seconds * spec.gpus * spec.nodes / 3600


def start_hours(spec: ModelSpec, starts: int) -> float | None:
    """Hours of all GPUs for so many starts of the model's server; None if config does not say how long one takes."""
    if not spec.is_started or is_free(spec):
        return 0.0
    return None if spec.start_min is None else starts * spec.start_min / 60 * spec.gpus * spec.nodes


def measured_speed(load: FullLoad) -> float | None:
    """What `tokens_per_second` in config stands for, as it was at full load; None if that was too short to tell."""
    if not load.is_enough:
        return None
    return (load.completion_tokens + PROMPT_TOKEN_WEIGHT * load.prompt_tokens) / load.seconds or None


def usd(spec: ModelSpec, prompt_tokens: float, completion_tokens: float, gpu_h: float | None) -> float | None:
    """Money for tokens and GPU-hours, from the model's prices; None if a price that matters is not in config."""
    if is_free(spec):
        return 0.0
    prices = spec.usd_per_million_prompt_tokens, spec.usd_per_million_completion_tokens
    share = spec.batch_price if spec.server == "batch" else 1.0
    total = sum(
        share * (price or 0.0) * tokens / 1e6
        for price, tokens in zip(prices, (prompt_tokens, completion_tokens), strict=True)
    )
    if spec.is_started:
        if gpu_h is None or spec.usd_per_gpu_hour is None:
            return None
        return total + gpu_h * spec.usd_per_gpu_hour
    return None if None in prices else total


def missing_prices(spec: ModelSpec, unit: str) -> list[str]:
    """The keys of the model's entry in config that its cost in `unit` (`usd`, `gpu_hours`) needs and lacks."""
    if is_free(spec) or (unit == "gpu_hours" and not spec.is_started):
        return []
    if spec.is_started:
        needed = ["tokens_per_second"] + ["usd_per_gpu_hour"] * (unit == "usd")
    else:
        needed = ["usd_per_million_prompt_tokens", "usd_per_million_completion_tokens"]
    return [key for key in needed if getattr(spec, key) is None]
