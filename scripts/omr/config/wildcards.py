"""The wildcards of rules, as the functions that rules call see them."""

from __future__ import annotations

from typing import Protocol


class InRecipe(Protocol):
    """A rule's wildcards: those of all rules of recipes."""

    recipe: str
    shard: str
    shards: str
    seed: str  # of generate_solutions alone: the name of the seeds that a job asks for
    part: str  # of the stages that write summaries alone, as `parts`
    parts: str


class OfRecipe(Protocol):
    """The wildcards of rules that make one file per recipe."""

    run: str
    recipe: str


class OfSeed(InRecipe, Protocol):
    """The wildcards of the rules that ask for solutions."""

    run: str
    seed: str


class InRound(Protocol):
    """The wildcards of the rules of one round."""

    recipe: str
    round: str
    shard: str
    shards: str
