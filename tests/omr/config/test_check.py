"""What the command line can only say as text is read as what the schema wants."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import run_files
from omr.config.check import check_config, read_numbers
from omr.config.files import read_yaml
from omr.errors import UserError

SCHEMA = run_files.ROOT / "config/schema.yaml"


def put(config: dict[str, Any], place: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Put a value at a place of nested keys of config; the object that holds it."""
    holder = config
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    return holder


@pytest.mark.parametrize(
    ("place", "text", "value"),
    [
        (("raw_data", "limit"), "5", 5),
        (("raw_data", "limit"), "null", None),
        (("raw_data", "max_bad_fraction"), "0.25", 0.25),
        (("problems", "use_converted_proofs"), "false", False),
        (("gates", "canary_recall"), "0.9", 0.9),
        (("recipes", run_files.RECIPE, "seeds"), "3", 3),
    ],
)
def test_a_number_that_is_spelled_is_the_number(place: tuple[str, ...], text: str, value: Any) -> None:
    config = run_files.config()
    holder = put(config, place, text)
    read_numbers(config, SCHEMA)
    assert holder[place[-1]] == value
    assert type(holder[place[-1]]) is type(value)
    check_config(config, SCHEMA)


@pytest.mark.parametrize(
    ("place", "text", "said"),
    [
        (("gates", "canary_recall"), "2", "gates.canary_recall: 2 is greater than the maximum of 1"),
        (("recipes", run_files.RECIPE, "seeds"), "0", ".seeds: 0 is less than the minimum of 1"),
        (("raw_data", "max_bad_fraction"), "-1", "raw_data.max_bad_fraction: -1 is less than the minimum of 0"),
        (("raw_data", "max_bad_fraction"), ".nan", "raw_data.max_bad_fraction: must be a number, not '.nan'"),
    ],
)
def test_of_a_number_that_is_spelled_and_out_of_bounds_the_bounds_are_told(
    place: tuple[str, ...], text: str, said: str
) -> None:
    config = run_files.config()
    put(config, place, text)
    read_numbers(config, SCHEMA)
    with pytest.raises(UserError) as caught:
        check_config(config, SCHEMA)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("recipes", run_files.RECIPE, "seeds"), 0, ".seeds: 0 is less than the minimum of 1"),
        (
            ("recipes", run_files.RECIPE, "seeds"),
            [1],
            ".seeds: must be a whole number or a mapping (keys with values), not a list",
        ),
        (
            ("recipes", run_files.RECIPE, "seeds"),
            {"measure": 3},
            ".seeds.measure: must be a text or null, not 3: put it in quotes",
        ),
        (("gates", "canary_recall"), 2, "gates.canary_recall: 2 is greater than the maximum of 1"),
        (("gates", "canary_recall"), "much", "gates.canary_recall: must be a number or null, not 'much'"),
        (("gates", "canary_recall"), 10**400, "gates.canary_recall: 1000"),
        (("gates", "canary_recall"), float("nan"), "gates.canary_recall: must be a number or null, not nan"),
        (("raw_data", "max_bad_fraction"), float("nan"), "raw_data.max_bad_fraction: must be a number, not nan"),
    ],
)
def test_of_several_alternatives_the_one_that_is_meant_says_what_is_wrong(
    place: tuple[str, ...], value: Any, said: str
) -> None:
    config = run_files.config()
    put(config, place, value)
    with pytest.raises(UserError) as caught:
        check_config(config, SCHEMA)
    assert said in str(caught.value)
    assert "schemas" not in str(caught.value)


@pytest.mark.parametrize(
    "key",
    [
        "sk-proj-abcdefghijkl1234",
        "nvapi-ABCDEFGHabcdefgh1234",
        "hf_AbCdEfGh",
        "hf_abcdef1234ab",
        "ghp_16C7e42F292c6912E7",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c",
        ["sk-proj-abcdefghijkl1234"],
        {"sk-proj-abcdefghijkl1234": None},
        12345678901234,
    ],
)
@pytest.mark.parametrize("place", [("publish", "token_env"), ("models", "solver", "api_key_env")])
def test_a_key_in_place_of_its_variable_is_refused_and_never_shown(place: tuple[str, ...], key: Any) -> None:
    config = run_files.config()
    put(config, place, key)
    with pytest.raises(UserError) as caught:
        check_config(config, SCHEMA)
    assert f"{'.'.join(place)}: what stands there (it is not shown) must be the NAME of a variable" in str(caught.value)
    assert "1234" not in str(caught.value)
    assert not any(part in str(caught.value) for part in ("AbCd", "9f86", "16C7"))


@pytest.mark.parametrize(
    "name", ["HF_TOKEN", "NVIDIA_API_KEY", "hf_token", "hf_token_2", "openai_api_key", "MyKey", "_K", "OPENAI_KEY_2024"]
)
def test_names_of_variables_may_be_written_as_people_like(name: str) -> None:
    config = run_files.config()
    config["models"]["solver"]["api_key_env"] = config["publish"]["token_env"] = name
    check_config(config, SCHEMA)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("raw_data",), None, "raw_data: must be a mapping (keys with values), not null (a key without"),
        (("raw_data", "revision"), date(2024, 5, 1), ": must be a text, not 2024-05-01 (a date): put it in quotes"),
        (("raw_data", "revision"), 7.0, "raw_data.revision: must be a text, not 7.0: put it in quotes"),
        (("raw_data", "revision"), True, "raw_data.revision: must be a text, not true: put it in quotes"),
        (("recipes_to_run",), "cot-qwq", "recipes_to_run: must be a list, not 'cot-qwq': write [cot-qwq]"),
        (("raw_data", "limit"), "1e4", "raw_data.limit: must be a whole number or null, not '1e4': write 10000"),
        (("duplicates",), None, "duplicates: must be one of keep_best, keep_all, not null"),
        (("sandbox", "tier"), "high", "sandbox.tier: must be one of landlock, namespaces, full, null, not 'high'"),
        (("raw_data", "path"), "", "raw_data.path: must not be empty"),
        (("problems_from", "path"), "", "problems_from.path: must not be empty"),
        (("raw_data", "tokenizer"), "", "raw_data.tokenizer: must not be empty"),
        (("benchmarks",), [{"name": "a", "path": "", "column": "c"}], "benchmarks.0.path: must not be empty"),
        (("models", "solver", "tokenizer"), "", "models.solver.tokenizer: must not be empty"),
        (("models", "solver", "replies"), "", "models.solver.replies: must not be empty"),
        (("products", "subsets"), {"My set": {}}, "products.subsets: 'My set' must be a name of a-z, 0-9"),
        (("difficulty", "from"), 5, "must be null or a text or a list, not 5: put it in quotes"),
    ],
)
def test_types_and_values_are_told_in_the_words_of_yaml(place: tuple[str, ...], value: Any, said: str) -> None:
    config = run_files.config()
    put(config, place, value)
    with pytest.raises(UserError) as caught:
        check_config(config, SCHEMA)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("messages", "prompts/ says what is asked"),
        ("model", "`path` of the model"),
        ("temperature", "it is a key beside `sampling`"),
        ("top_p", "it is a key beside `sampling`"),
        ("max_tokens", "it is a key beside `sampling`"),
        ("seed", "it follows from what is asked"),
        ("stream", "it is a key of the model"),
        ("n", "`seeds` and `candidates`"),
    ],
)
def test_sampling_cannot_say_what_the_workflow_sets_itself(field: str, said: str) -> None:
    config = run_files.config()
    config["problems"]["extract_problems"]["sampling"] = {"top_k": 20, field: 1}
    config["decontaminate"]["check_contamination"]["sampling"] = {field: 1}
    config["recipes"][run_files.RECIPE]["judge"]["sampling"] = {field: 1}
    config["models"]["solver"]["extra_body"] = {"sampling": {field: 1}}
    with pytest.raises(UserError) as caught:
        check_config(config, SCHEMA)
    told = str(caught.value)
    for stage in (
        "problems.extract_problems",
        "decontaminate.check_contamination",
        f"recipes.{run_files.RECIPE}.judge",
    ):
        assert f"\n  - {stage}.sampling: `{field}` is set by the workflow: {said}" in told
    assert (told.count("\n  - "), "top_k" in told) == (3, False)


@pytest.mark.parametrize(
    ("seeds", "votes", "said"),
    [
        (2, {"min_votes": 3}, ".majority.min_votes: no answer can have 3 votes: `seeds` gives a problem at most 2"),
        ({"no_rate": {"extracted": 8, "majority": 2}}, {"min_votes": 3}, "at most 2 solutions"),
        (2, {"repair": {"min_votes": 3, "min_share": 0.9}}, ".majority.repair.min_votes: no answer can have 3 votes"),
        (2, {"min_votes": 2}, None),
        (1, {"min_votes": 2}, None),
        ({"no_rate": {"extracted": 4, "majority": 0}}, {"min_votes": 5}, None),
        ({"no_rate": {"extracted": 4, "majority": 0}}, {"repair": {"min_votes": 4, "min_share": 0.9}}, None),
    ],
)
def test_more_votes_than_there_are_solutions_are_refused(seeds: Any, votes: dict[str, Any], said: str | None) -> None:
    config = run_files.config()
    recipe = config["recipes"][run_files.RECIPE]
    recipe["seeds"] = seeds
    recipe["majority"] |= votes
    if said is None:
        check_config(config, SCHEMA)
    else:
        with pytest.raises(UserError, match=f"recipes.{run_files.RECIPE}.*{said}"):
            check_config(config, SCHEMA)


@pytest.mark.parametrize(
    ("place", "value", "key"),
    [
        (("recipes_to_run",), ["cot-smal"], "recipes_to_run"),
        (("difficulty", "from"), "cot-smal", "difficulty.from"),
        (("difficulty", "from"), [run_files.RECIPE, "cot-smal"], "difficulty.from"),
        (("products", "rl", "measure"), "cot-smal", "products.rl.measure"),
        (("products", "subsets", "mine"), {"recipes": ["cot-smal"]}, "products.subsets.mine.recipes"),
        (("products", "subsets", "mine"), {"measure": "cot-smal"}, "products.subsets.mine.measure"),
        (
            ("recipes", run_files.RECIPE, "seeds"),
            {"measure": "cot-smal", "no_rate": {"extracted": 2, "majority": 2}},
            f"recipes.{run_files.RECIPE}.seeds.measure",
        ),
    ],
)
def test_a_recipe_that_is_not_there_is_told_with_the_key_that_names_it_and_the_nearest(
    place: tuple[str, ...], value: Any, key: str
) -> None:
    config = run_files.config()
    put(config, place, value)
    with pytest.raises(UserError) as caught:
        check_config(config, SCHEMA)
    said = f"\n  - {key}: there is no recipe 'cot-smal'; did you mean '{run_files.RECIPE}'?\n"
    assert said in str(caught.value)


def test_the_schema_says_in_words_what_each_of_its_patterns_takes() -> None:
    def patterns(schema: Any) -> Iterator[Any]:
        inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
        for value in inner:
            yield from patterns(value)
        if isinstance(schema, dict) and isinstance(schema.get("pattern"), str):
            yield schema

    found = list(patterns(read_yaml(SCHEMA)))
    assert len(found) > 5
    assert [schema for schema in found if not schema.get("description")] == []


PORT = "port from 1 to 65535"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://localhost:99999/v1", PORT),
        ("http://localhost:0/v1", "a port that is none"),
        ("http://localhost:/v1", "a port that is none"),
        ("http://localhost:80a/v1", PORT),
        ("http://:8000/v1", "names no host"),
        ("https:///v1", "names no host"),
        ("http://-x/v1", "names no host"),
        ("http://a,b/v1", "names no host"),
        ("http://[::1/v1", "has no host"),
        ("http://[nonsense]/v1", "has no host"),
        ("localhost:8000", "must be a URL that begins with http://"),
        ("http://host name/v1", "has blanks"),
        ("http://host/v1 ", "has blanks"),
        ("http://$HOST:8000/v1", "which nothing replaces here"),
        ("http://{host}:8000/v1", "which nothing replaces here"),
        ("http://<host>/v1", "which nothing replaces here"),
        ("https://host/v1?api-key=secret", "has a query"),
        ("https://host/v1#x", "has a query or a fragment"),
        ("https://user:secret@host/v1", "name the variable that holds the key under `api_key_env`"),
        ("https://secret@host/v1", "`api_key_env`"),
        ("user:secret@host:80/v1", "must be a URL"),
        ("http://user:secret/x@host/v1", "1 to 65535"),
    ],
)
def test_a_url_that_no_endpoint_can_have_is_told_with_its_key_and_without_its_password(url: str, said: str) -> None:
    for given, place in ((url, "base_url"), (["http://fine/v1", url], "base_url.1")):
        config = run_files.config()
        config["models"]["solver"]["base_url"] = given
        with pytest.raises(UserError) as caught:
            check_config(config, SCHEMA)
        told = [line for line in str(caught.value).splitlines() if line.startswith(f"  - models.solver.{place}: ")]
        assert len(told) == 1
        assert said in told[0]
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:11434/v1",
        "https://integrate.api.nvidia.com/v1",
        "http://[::1]:8000/v1",
        "http://10.0.0.1",
        "https://my_host.example./openai/deployments/a%20b/",
        "http://host:65535/a@b",
    ],
)
def test_urls_of_endpoints_are_fine(url: str) -> None:
    config = run_files.config()
    config["models"]["solver"]["base_url"] = url
    check_config(config, SCHEMA)


def test_other_texts_stay_and_are_told() -> None:
    config = run_files.config()
    config["raw_data"]["limit"] = "three"
    config["raw_data"]["path"] = "5"  # a file may be called so
    read_numbers(config, SCHEMA)
    assert config["raw_data"]["path"] == "5"
    with pytest.raises(UserError, match="limit: must be a whole number or null, not 'three'"):
        check_config(config, SCHEMA)
    config["raw_data"]["limit"] = "-3"
    read_numbers(config, SCHEMA)
    with pytest.raises(UserError, match="limit: -3 is less than the minimum of 1"):
        check_config(config, SCHEMA)


def test_what_a_name_may_be_is_said_in_words_and_not_as_a_pattern() -> None:
    config = run_files.config(run="My run")
    config["models"]["solver"] = config["models"]["solver"] | {"base_url": "localhost:8000"}
    with pytest.raises(UserError) as caught:
        check_config(config, SCHEMA)
    assert "run: 'My run' must be a name of a-z, 0-9" in str(caught.value)
    assert "models.solver.base_url: 'localhost:8000' must be a URL that begins with http://" in str(caught.value)
    assert "^" not in str(caught.value)


@pytest.mark.parametrize("key", [False, None, 7, 1.5])
def test_a_name_that_yaml_reads_as_no_text_is_told(key: object) -> None:
    config = run_files.config()
    config["recipes"][key] = {"extends": "nosuch"}
    with pytest.raises(UserError) as caught:
        check_config(config, SCHEMA)
    assert f"recipes: {key!r} is no text: write this key in quotes" in str(caught.value)
    config["recipes"][str(key).lower()] = config["recipes"].pop(key)
    with pytest.raises(UserError, match=r"extends: there is no recipe 'nosuch'"):
        check_config(config, SCHEMA)
