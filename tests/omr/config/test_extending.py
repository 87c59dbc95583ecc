"""Recipes that extend others: what is laid over what, and what stops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from omr.config.check import check_config
from omr.config.files import extend_recipes, read_config
from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.errors import UserError

CONFIG = Path(__file__).parents[3] / "config"
BASE = [CONFIG / f"{name}.yaml" for name in ("config", "models", "benchmarks")]


def config_with(tmp_path: Path, **recipes: Any) -> dict[str, Any]:
    overlay = tmp_path / "mine.yaml"
    overlay.write_text(yaml.safe_dump({"recipes": recipes, "recipes_to_run": list(recipes)[:1]}))
    return read_config([*BASE, overlay])


def test_a_folder_in_the_place_of_a_config_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read as config: is a directory"):
        read_config([tmp_path])


@pytest.mark.parametrize("base", ["cot-qwq", "cot-r1", "tir-openmath", "tir-limo", "genselect-qwq"])
def test_three_lines_are_a_recipe_that_differs_in_them_alone(tmp_path: Path, base: str) -> None:
    config = config_with(tmp_path, mine={"extends": base, "model": "qwq-32b", "shards": 3})
    check_config(config, CONFIG / "schema.yaml")
    recipes = Recipes(Settings(config | {"sandbox": config["sandbox"] | {"required": True}}))
    assert recipes["mine"] == config["recipes"][base] | {"extends": base, "model": "qwq-32b", "shards": 3}


def test_an_overlay_on_the_extended_recipe_holds_for_both_and_mappings_merge(tmp_path: Path) -> None:
    mine = {"extends": "middle", "sft": {"max_tokens": 9}}
    middle = {"extends": "cot-qwq", "judge": {"audits": 3}}
    recipes = config_with(tmp_path, mine=mine, middle=middle, **{"cot-qwq": {"temperature": 0.1}})["recipes"]
    assert [recipes[name]["temperature"] for name in ("mine", "middle", "cot-qwq")] == [0.1] * 3
    assert (recipes["mine"]["judge"]["audits"], recipes["cot-qwq"]["judge"]["audits"]) == (3, 10)
    assert recipes["mine"]["sft"] == recipes["cot-qwq"]["sft"] | {"max_tokens": 9}


def test_extending_twice_is_extending_once(tmp_path: Path) -> None:
    config = config_with(tmp_path, mine={"extends": "cot-qwq", "seeds": 2})
    before = yaml.safe_dump(config)
    extend_recipes(config)
    assert yaml.safe_dump(config) == before


def test_recipes_that_extend_each_other_or_themselves_are_an_error(tmp_path: Path) -> None:
    a, b = {"extends": "a"}, {"extends": "b"}
    with pytest.raises(UserError, match="the recipes a, b extend each other"):
        config_with(tmp_path, a=b, b=a)
    for recipes in ({"a": a}, {"above": a, "a": a}):
        with pytest.raises(UserError, match="the recipe 'a' extends itself"):
            config_with(tmp_path, **recipes)


def test_an_extended_recipe_that_is_not_there_is_named_with_the_nearest_or_those_that_are(tmp_path: Path) -> None:
    config = config_with(tmp_path, mine={"extends": "cot-qwk"})
    assert faults(config) == ["recipes.mine.extends: there is no recipe 'cot-qwk'; did you mean 'cot-qwq'?"]
    (told,) = faults(config_with(tmp_path, mine={"extends": "zzz"}))
    assert told.startswith("recipes.mine.extends: there is no recipe 'zzz' (there are: cot-qwq, ")


@pytest.mark.parametrize(
    ("base", "mode", "said"),
    [
        ("cot-qwq", "genselect", "is genselect, but 'cot-qwq', which it extends, is cot"),
        ("genselect-qwq", "cot", "is cot, but 'genselect-qwq', which it extends, is genselect"),
    ],
)
def test_of_a_recipe_of_another_mode_than_the_extended_one_only_that_is_told(
    tmp_path: Path, base: str, mode: str, said: str
) -> None:
    config = config_with(tmp_path, mine={"extends": base, "mode": mode}, mine2={"extends": "cot-qwq", "shards": 0})
    first, second = faults(config)
    assert first.startswith(f"recipes.mine.mode: {said}")
    assert second.startswith("recipes.mine2.shards: 0 is less")


def faults(config: dict[str, Any]) -> list[str]:
    with pytest.raises(UserError) as caught:
        check_config(config, CONFIG / "schema.yaml")
    return [line.removeprefix("  - ") for line in str(caught.value).splitlines()[1:-1]]


@pytest.mark.parametrize("value", [5, None, ["cot-qwq"], {}])
def test_what_is_no_name_of_a_recipe_is_a_fault_of_the_config(tmp_path: Path, value: Any) -> None:
    config = config_with(tmp_path, mine={"extends": value})
    with pytest.raises(UserError, match=r"recipes\.mine"):
        check_config(config, CONFIG / "schema.yaml")


def test_recipes_that_are_no_mapping_are_left_to_the_schema() -> None:
    config: dict[str, Any] = {"recipes": ["cot-qwq"]}
    extend_recipes(config)
    assert config == {"recipes": ["cot-qwq"]}
