"""What a model stage asks: rows x prompts x seeds, each request with the key that its reply is stored under."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from omr.asking.code_settings import CodeSettings
from omr.asking.prompts import Prompt
from omr.asking.special_tokens import SpecialTokens
from omr.errors import UserError
from omr.files.jsonl import Row
from omr.replies.reply import SEEDS_PER_TRY, request_name
from omr.stages.routing import branch_of
from omr.stages.row_places import OwnRows, Place


@dataclass(frozen=True)
class Sampling:
    """Sampling parameters as the request states them: nothing is left to a server's defaults."""

    temperature: float
    top_p: float
    max_tokens: int
    extra: dict[str, Any] = field(default_factory=dict)  # e.g. top_k, min_p


class Request(NamedTuple):
    """One request: identity (row id, prompt name, seed), chat messages, and the reply's key (16 hex digits).

    `neutralised`: control tokens in the row's fields that were made text;
    `executions_allowed`: blocks of code that its solution may run; `tool`: what its prompt says about running them.
    `temperature` is another one than the stage's, if it is not None.
    """

    row_id: str
    prompt: str
    seed: int
    messages: list[dict[str, str]]
    key: str
    executions_allowed: int = 0
    tool: str | None = None
    temperature: float | None = None
    neutralised: int = 0

    @property
    def name(self) -> str:
        return request_name(self.row_id, self.prompt, self.seed)


def sampling_seed(name: str) -> int:
    """The number sent as `seed`: derived from the request's identity, so that draws for different prompts are
    uncorrelated; 31 bits, which every server takes."""
    return int.from_bytes(blake2b(name.encode(), digest_size=4).digest()) & 0x7FFFFFFF


@dataclass(frozen=True)
class RequestPlan:
    """The requests of one shard of a model stage.

    `rows` is the rows file, with `places` that of its places (see omr/stages/row_places.py); `branch` selects rows by
    their class (None: all); `number_of` says how many solutions a row gets, and is asked for `seeds` below that (None:
    for all); `model` is the model's fingerprint. With `code`, replies are
    solutions that run code: prompts may use `code_budget`, and `template` is what the model's chat template is known by
    ("" where it is the server's).
    """

    rows: Path
    shard: int
    shards: int
    prompts: Sequence[Prompt]
    seeds: Sequence[int]
    model: str
    sampling: Sampling
    branch: str | None = None
    number_of: Callable[[Row], int] | None = None
    code: CodeSettings | None = None
    template: str = ""
    special: SpecialTokens = field(default_factory=SpecialTokens)
    places: Path | None = None

    def requests(self) -> Iterator[Request]:
        """All requests in the order of the rows; raises as `placed_rows` and `requests_of` do."""
        for _, row in self.placed_rows(self.own_rows()):
            yield from self.requests_of(row)

    def own_rows(self) -> OwnRows:
        """The rows of the shard, also those that are not asked for."""
        return OwnRows(self.rows, self.shard, self.shards, self.places)

    def requests_of(self, row: Row, keys: Iterator[int] | None = None) -> Iterator[Request]:
        """The requests of a row; `keys` are theirs where these are known. Raises UserError for a prompt whose fields
        the row lacks."""
        seeds = self._seeds_of(row)
        for prompt in self.prompts:
            plain, neutralised = self.special.row_as_text(row, prompt.fields)
            for seed, messages, allowed in self._asked(plain, prompt, seeds):
                if keys is None:
                    name = request_name(row["id"], prompt.name, seed)
                    key = self._key(self._salt, name, messages if self.code is None else [messages, allowed])
                else:
                    key = f"{next(keys):016x}"
                yield Request(
                    row["id"], prompt.name, seed, messages, key, allowed, prompt.tool, neutralised=neutralised
                )

    def _seeds_of(self, row: Row) -> Sequence[int]:
        if self.number_of is None:
            return self.seeds
        number = self.number_of(row)
        return [seed for seed in self.seeds if seed < number]

    def _asked(
        self, row: Mapping[str, Any], prompt: Prompt, seeds: Sequence[int]
    ) -> Iterator[tuple[int, list[dict[str, str]], int]]:
        """(seed, messages, executions allowed) of a row's requests."""
        if self.code is None:
            messages = prompt.render(row)
            yield from ((seed, messages, 0) for seed in seeds)
            return
        for seed in seeds:
            allowed = self.code.executions_allowed(request_name(row["id"], prompt.name, seed))
            yield seed, prompt.render({**row, "code_budget": allowed}), allowed

    @cached_property
    def _salt(self) -> bytes:
        return self._salt_at(None)

    def _salt_at(self, temperature: float | None) -> bytes:
        sampling = self.sampling if temperature is None else replace(self.sampling, temperature=temperature)
        parts: list[Any] = [self.model, asdict(sampling)]
        if self.code is not None:
            parts += [self.code.asked, self.template, [prompt.tool for prompt in self.prompts]]
        return orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)

    def again(self, request: Request, temperature: float) -> Request:
        """The next try of a request, at another temperature: a request of its own, with a seed and a key of its own."""
        seed = request.seed + SEEDS_PER_TRY
        key = self._key(
            self._salt_at(temperature), request_name(request.row_id, request.prompt, seed), request.messages
        )
        return request._replace(seed=seed, key=key, temperature=temperature)

    def _key(self, salt: bytes, name: str, asked: Any) -> str:
        return blake2b(salt + name.encode() + b"\0" + orjson.dumps(asked), digest_size=8).hexdigest()

    def placed_rows(self, rows: OwnRows) -> Iterator[tuple[Place, Row]]:
        """The rows that are asked for, with where they lie. Takes memory for the ids' hashes.

        Raises UserError for a duplicate id, naming file and id.
        """
        seen: set[int] = set()
        for place, row in rows.all():
            if self.branch is not None and branch_of(row) != self.branch:
                continue
            if not self._seeds_of(row):
                continue
            if hash(row["id"]) in seen:
                raise UserError(
                    f"the id {row['id']!r} occurs twice",
                    file=self.rows,
                    line=rows.line_of(place),
                    remedy="ids must be unique: delete this file and run again, or mend what made it",
                )
            seen.add(hash(row["id"]))
            yield place, row
