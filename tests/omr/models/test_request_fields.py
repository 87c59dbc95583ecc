"""Fields that a host does not take, or knows by another name."""

from __future__ import annotations

from typing import Any

import pytest
from omr.errors import UserError
from omr.models.model import ModelSpec, model_spec

BODY = {"model": "m", "messages": [], "temperature": 0.7, "max_tokens": 9, "seed": 3, "top_k": None}


def model(**entry: Any) -> ModelSpec:
    return model_spec({"models": {"m": {"path": "p", "server": "endpoint", "base_url": "http://x/v1"} | entry}}, "m")


def test_omitted_and_empty_fields_are_not_sent_and_others_are_renamed() -> None:
    sent = model(omit=["seed"], rename={"max_tokens": "max_completion_tokens"}).as_sent(BODY)
    assert sent == {"model": "m", "messages": [], "temperature": 0.7, "max_completion_tokens": 9}
    assert model().as_sent(BODY) == {name: value for name, value in BODY.items() if value is not None}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"omit": ["sed"]}, "did you mean 'seed'"),
        ({"omit": ["max_completion_tokens"]}, "a field that no request has"),
        ({"omit": ["messages"]}, "holds what is asked"),
        ({"rename": {"prompt": "text"}}, "holds what is asked"),
        ({"rename": {"max_token": "x"}}, "did you mean 'max_tokens'"),
        ({"rename": {"max_tokens": "temperature"}}, "no free name"),
        ({"rename": {"max_tokens": ""}}, "no free name"),
        ({"rename": {"max_tokens": "messages"}}, "no free name"),
        ({"rename": {"max_tokens": "n_predict", "min_tokens": "n_predict"}}, "two fields to one name"),
        ({"rename": {"max_tokens": "n_predict"}, "omit": ["max_tokens"]}, "under `omit` and under `rename`"),
        ({"omit": ["seed"], "extra_body": {"seed": 4}}, "under `extra_body`"),
        ({"rename": {"max_tokens": "n_predict"}, "extra_body": {"n_predict": 4}}, "no free name"),
        ({"base_url": ["http://x/v1", "http://x/v1/"]}, "one `base_url` twice"),
        ({"server": "batch", "base_url": ["http://x/v1", "http://y/v1"]}, "asked in batches"),
        ({"server": "batch", "stream": True}, "asked in batches"),
        ({"server": "batch", "gpus": 8}, "asked in batches"),
        ({"server": "batch", "base_url": []}, "without `base_url`"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_name_of_the_model(entry: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=f"^the model 'm' .*{said}"):
        model(**entry)


def test_only_fields_that_change_what_is_replied_change_whose_reply_it_is() -> None:
    plain = model().fingerprint
    assert plain == "p"
    for entry in (
        {"omit": ["seed"]},
        {"omit": ["stream_options", "model"]},
        {"rename": {"max_tokens": "max_completion_tokens"}},
        {"stream": True},
        {"base_url": ["http://x/v1", "http://y/v1"]},
    ):
        assert model(**entry).fingerprint == plain
    assert model(omit=["top_p", "seed", "temperature"]).fingerprint == "p without temperature,top_p"
    assert (
        model(omit=["temperature", "top_p"], extra_body={"a": 1}).fingerprint == 'p {"a": 1} without temperature,top_p'
    )


def test_base_urls_are_one_or_several_without_slashes_at_their_ends() -> None:
    assert model().base_urls == ("http://x/v1",)
    several = model(base_url=["http://x/v1/", "http://y/v1"], concurrency=8)
    assert several.base_urls == ("http://x/v1", "http://y/v1")
    assert (model(concurrency=8).in_flight, several.in_flight) == (8, 16)
