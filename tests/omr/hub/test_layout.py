from __future__ import annotations

from typing import Any

import pytest
from omr.errors import UserError
from omr.hub.layout import choose_parquet


def choose(
    names: list[str], config: str | None = None, split: str = "train", configs: list[dict[str, Any]] | None = None
) -> list[str]:
    return choose_parquet("owner/set", names, configs or [], config, split)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("2024", "2024/train-00000-of-00001.parquet"),
        ("2024", "2024/train-00000-of-00001-0a1b2c.parquet"),
        ("2024", "2024/train.parquet"),
        ("2024", "2024/train/0000.parquet"),
        ("2024", "2024/set-train.parquet"),
        ("2024", "data/2024/train-00000-of-00001.parquet"),
        ("2024", "data/2024-train-00000-of-00001.parquet"),
        ("2024", "data/2024-00000-of-00001.parquet"),
        ("2024", "data/2024.parquet"),
        ("default", "data/train-00000-of-00001.parquet"),
        (None, "data/train-00000-of-00001.parquet"),
        (None, "train.parquet"),
        (None, "train/part.parquet"),
        (None, "default/train/0000.parquet"),
    ],
)
def test_the_usual_places_of_a_split_are_found(config: str | None, expected: str) -> None:
    others = ["README.md", "2023/train.parquet", "2024/test.parquet", "test.parquet", "2024x/train.parquet", "o.jsonl"]
    assert choose([*others, expected], config) == [expected]


def test_a_split_whose_name_begins_like_another_is_not_mixed_in() -> None:
    names = ["data/train-00000-of-00001.parquet", "data/train-extra-00000-of-00001.parquet"]
    assert choose(names) == [names[0]]


def test_shards_come_in_their_order() -> None:
    names = [f"c/train-{number:05d}-of-00011.parquet" for number in range(11)]
    assert choose(names[::-1], "c") == names


def test_a_gap_in_the_shards_is_an_error() -> None:
    with pytest.raises(UserError, match="has 2 of the 3 files c/train"):
        choose(["c/train-00000-of-00003.parquet", "c/train-00002-of-00003.parquet"], "c")


def test_a_split_of_which_only_the_beginning_was_converted_is_an_error() -> None:
    with pytest.raises(UserError, match="only the beginning"):
        choose(["c/partial-train/0000.parquet"], "c")


@pytest.mark.parametrize(
    "data_files",
    [
        "x/*.parquet",
        ["x/*.parquet"],
        {"train": "x/*.parquet", "test": "y/*.parquet"},
        [{"split": "train", "path": "x/*.parquet"}, {"split": "test", "path": "y/*.parquet"}],
        [{"split": "train", "path": ["x/a.parquet", "./x/b.parquet"]}],
        [{"split": "train", "path": "**/[ab].parquet"}],
    ],
)
def test_every_form_of_the_card_is_understood(data_files: Any) -> None:
    configs = [{"config_name": "c", "data_files": data_files}]
    names = ["x/a.parquet", "x/b.parquet", "x/deeper/c.parquet", "y/c.parquet", "c/train.parquet"]
    assert choose(names, "c", configs=configs) == ["x/a.parquet", "x/b.parquet"]


def test_the_folder_of_a_config_in_the_card_is_put_before_its_patterns() -> None:
    configs = [{"config_name": "c", "data_dir": "some/where", "data_files": "train*"}]
    assert choose(["some/where/train.parquet", "train.parquet"], "c", configs=configs) == ["some/where/train.parquet"]


def test_without_a_config_the_default_of_the_card_is_taken() -> None:
    configs: list[dict[str, Any]] = [
        {"config_name": "a", "data_files": "a.parquet"},
        {"config_name": "b", "data_files": "b.parquet", "default": True},
    ]
    assert choose(["a.parquet", "b.parquet"], configs=configs) == ["b.parquet"]


def test_several_configs_without_a_default_are_listed_in_the_error() -> None:
    configs = [{"config_name": "b"}, {"config_name": "a"}]
    with pytest.raises(UserError, match="name one of them: a, b"):
        choose(["a/train.parquet"], configs=configs)


def test_an_unknown_config_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(UserError, match="choose one of: a, b"):
        choose([], "c", configs=[{"config_name": "a"}, {"config_name": "b"}])


def test_an_unknown_split_is_an_error_that_lists_the_known_ones() -> None:
    configs = [{"config_name": "c", "data_files": [{"split": "test", "path": "t.parquet"}]}]
    with pytest.raises(UserError, match=r"no split 'train'.*\n.*choose one of: test"):
        choose(["t.parquet"], "c", configs=configs)


def test_a_split_in_another_format_yields_no_parquet_files() -> None:
    configs = [{"config_name": "c", "data_files": [{"split": "train", "path": "train.jsonl"}]}]
    assert choose(["train.jsonl"], "c", configs=configs) == []
