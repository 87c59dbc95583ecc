"""Which fields of a request a model's host takes: `omit` and `rename` of its entry in config."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

#: Fields that hold what is asked: nothing is asked without them.
_ASKED = frozenset({"messages", "prompt", "tools"})
#: All others that requests may have, whatever sends them: every stage, one's `sampling`, or the dialect of a server.
_OPTIONAL = frozenset(
    {"model", "temperature", "top_p", "max_tokens", "seed", "stream", "stream_options", "stop", "top_k", "min_p"}
    | {"repetition_penalty", "frequency_penalty", "presence_penalty", "min_tokens", "ignore_eos", "stop_token_ids"}
    | {"logprobs", "top_logprobs", "logit_bias", "user", "n", "response_format", "tool_choice", "priority"}
    | {"chat_template_kwargs", "skip_special_tokens", "include_stop_str_in_output", "no_stop_trim"}
    | {"add_special_tokens"}
)
#: Those without which a reply is as likely as with them: how it is sent, how it is told from others, where it ends in
#: text that we cut ourselves.
_BESIDE_THE_REPLY = frozenset(
    {"model", "seed", "stream", "stream_options", "user", "priority", "include_stop_str_in_output", "no_stop_trim"}
)

#: Those that the workflow sets itself, and where config says of them what it does.
_SET = {
    "messages": "prompts/ says what is asked",
    "prompt": "prompts/ says what is asked",
    "tools": "`code.tags` of a recipe says whether there are any",
    "model": "`path` of the model is its name",
    "temperature": "it is a key beside `sampling`",
    "top_p": "it is a key beside `sampling`",
    "max_tokens": "it is a key beside `sampling`",
    "seed": "it follows from what is asked; `omit` of the model leaves it out",
    "n": "`seeds` and `candidates` of recipes say how many replies there are",
    "stream": "it is a key of the model",
    "stream_options": "it goes with `stream` of the model",
}


def as_sent(body: Mapping[str, Any], omit: Sequence[str], rename: Mapping[str, str]) -> dict[str, Any]:
    """A request's fields as its host takes them: without those that are omitted or null, others renamed."""
    sent = {name: value for name, value in body.items() if value is not None and name not in omit}
    return {rename.get(name, name): value for name, value in sent.items()} if rename else sent


def determining(omit: Sequence[str]) -> list[str]:
    """Those of the omitted fields whose absence changes what is replied, sorted."""
    return sorted(set(omit) - _BESIDE_THE_REPLY)


def sampling_faults(sampling: Mapping[str, Any]) -> Iterator[str]:
    """Of each field of a stage's `sampling` that is not its to say, why."""
    for name in sampling:
        if name in _SET:
            yield f"`{name}` is set by the workflow: {_SET[name]}"


def fields_fault(omit: Sequence[str], rename: Mapping[str, str], extra_body: Mapping[str, Any]) -> str | None:
    """What is wrong with a model's `omit`, `rename` and `extra_body` together; None if nothing is."""
    for key, names in (("omit", omit), ("rename", list(rename))):
        for name in names:
            if name in _ASKED:
                return f"has `{name}` under `{key}`, but that field holds what is asked"
            if name not in _OPTIONAL:
                near = get_close_matches(name, _OPTIONAL, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else f" (there are: {', '.join(sorted(_OPTIONAL))})"
                return f"has {name!r} under `{key}`, a field that no request has{hint}"
            if key == "omit" and name in rename:
                return f"has `{name}` under `omit` and under `rename`"
            if extra_body.get(name) is not None:
                return f"has `{name}` under `{key}` and under `extra_body`, which sends it as it is"
    taken = _ASKED | (_OPTIONAL - set(rename) - set(omit)) | set(extra_body)
    for name, other in rename.items():
        if not other or other in taken:
            return f"renames `{name}` to {other!r}, which is no free name of a field"
    if len(set(rename.values())) < len(rename):
        return "renames two fields to one name"
    return None
