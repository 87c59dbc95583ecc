"""Config files and how they lie over each other: as Snakemake merges its `configfile:`s."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

import orjson
import yaml

from omr.errors import UserError
from omr.files.jsonl import AtomicFile

#: What every run reads, in this order; overlays lie over them.
CONFIG_FILES = ("config/config.yaml", "config/models.yaml", "config/benchmarks.yaml")
#: Ten times as fast as the one in Python, where it is there; both make nothing but plain values.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: How YAML tags the key `<<`.
_MERGE = "tag:yaml.org,2002:merge"
#: Where paths of folders and files stand in config, and under which keys.
_PATHS = {
    "": ("model_folder",),
    "raw_data": ("path", "tokenizer"),
    "problems_from": ("path",),
    "benchmarks.*": ("path",),
    "sandbox": ("python",),
    "models.*": ("path", "tokenizer", "chat_template", "replies"),
    "products.subsets.*": ("tokenizer",),
}
#: The folder of a run with the configs that its jobs were given.
SAVED = "configs"
#: The variable that tells jobs which of them is theirs.
OF_RUN = "OMR_CONFIG_OF_RUN"


class TwiceError(yaml.MarkedYAMLError):
    """A key stands twice in one mapping: YAML's own loaders keep the last one silently."""


def load_yaml(stream: str | IO[str]) -> Any:
    """What a YAML text says. Raises yaml.YAMLError, also for a key that stands twice."""
    loader = _LOADER(stream)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _refuse_twice(node, set())
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _refuse_twice(node: yaml.Node, seen: set[int]) -> None:
    """`seen`: nodes that were looked at; an alias is its anchor's node, which may hold the alias itself."""
    if id(node) in seen or not isinstance(node, yaml.CollectionNode):
        return
    seen.add(id(node))
    lines: dict[tuple[str, str], int] = {}
    for entry in node.value:
        if isinstance(node, yaml.MappingNode):
            key, value = entry
            if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
                if (said := (key.tag, key.value)) in lines:
                    what = f"the key {key.value!r} stands here again, after line {lines[said]}"
                    raise TwiceError(problem=what, problem_mark=key.start_mark)
                lines[said] = key.start_mark.line + 1
        else:
            value = entry
        _refuse_twice(value, seen)


def read_yaml(path: str | Path) -> Any:
    """A YAML file's content. Raises UserError with the line of a fault."""
    try:
        with open(path, encoding="utf-8") as handle:
            return load_yaml(handle)
    except FileNotFoundError:
        raise UserError("there is no such file", file=path, remedy="check the path") from None
    except OSError as error:
        what = f"cannot be read as config: {(error.strerror or str(error)).lower()}"
        raise UserError(what, file=path, remedy="name a YAML file that you may read") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise fault_of_yaml(error, path) from error


def _read_saved(path: Path) -> Any:
    """What `write_merged_config` saved for jobs, each of which reads it: JSON takes a hundredth of YAML's time."""
    try:
        return orjson.loads(path.read_bytes())
    except FileNotFoundError:
        remedy = "config was edited after this run had started: start Snakemake again; stored replies are kept"
        raise UserError("there is no such file", file=path, remedy=remedy) from None
    except orjson.JSONDecodeError as error:
        what, remedy = f"not valid JSON: {error}", "delete it and start Snakemake again: the workflow writes it anew"
        raise UserError(what, file=path, remedy=remedy) from error


def fault_of_yaml(error: Exception, path: str | Path) -> UserError:
    """What is wrong with a file that is no YAML, and in which line."""
    mark = getattr(error, "problem_mark", None)
    line = None if mark is None else mark.line + 1
    if isinstance(error, TwiceError):
        remedy = "join the two, or take one out: only the later one would count"
        return UserError(str(error.problem), file=path, line=line, remedy=remedy)
    return UserError(f"not valid YAML: {_said(error)}", file=path, line=line, remedy="mend the file")


def _said(error: Exception) -> str:
    """What is wrong, in one line: a reader's own message repeats the file and shows several places in it."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem is None:
        return " ".join(str(error).split())
    begins = "" if error.context_mark is None else f", which begins in line {error.context_mark.line + 1}"
    return error.problem if error.context is None else f"{error.problem} {error.context}{begins}"


def merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """`above` laid over `below`: mappings merge key by key, everything else is replaced."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def read_config(paths: Iterable[str | Path]) -> dict[str, Any]:
    """The config that several files make, later ones over earlier ones."""
    config: dict[str, Any] = {}
    for path in map(Path, paths):
        is_saved = path.parent.name == SAVED and path.suffix == ".json"
        content = (_read_saved(path) if is_saved else read_yaml(path)) or {}
        if not isinstance(content, dict):
            raise UserError("a config file must be a mapping", file=path, remedy="see config/README.md")
        config = merge(config, content)
    extend_recipes(config)
    return config


def extend_recipes(config: dict[str, Any]) -> None:
    """Lay each recipe that `extends` another one over that; once done, it changes nothing more.

    Raises UserError for recipes that extend each other. The name of one that is not there stays for `check_config`.
    """
    recipes = config.get("recipes")
    if isinstance(recipes, dict):
        config["recipes"] = {name: _extended(recipes, name, ()) for name in recipes}


def _extended(recipes: Mapping[str, Any], name: str, above: tuple[str, ...]) -> Any:
    recipe = recipes[name]
    below = recipe.get("extends") if isinstance(recipe, dict) else None
    if not isinstance(below, str) or below not in recipes:
        return recipe
    if name in above:
        loop = above[above.index(name) :]
        what = f"the recipe {name!r} extends itself"
        if len(loop) > 1:
            what = f"the recipes {', '.join(loop)} extend each other"
        raise UserError(what, remedy="write one of them out, without `extends`")
    extended = _extended(recipes, below, (*above, name))
    return merge(deepcopy(extended), recipe) if isinstance(extended, dict) else recipe


def config_of_job(arguments: Iterable[str], environment: Mapping[str, str]) -> str | None:
    """In a cluster job of a run: the file with the config that the run began with; None in a command that a user typed.

    Snakemake reads all files again in each job; what was edited meanwhile is for the next run.
    """
    return environment.get(OF_RUN) or None if "--target-jobs" in arguments else None


def expand_paths(config: dict[str, Any]) -> None:
    """Replace `~` and variables in the paths of folders and files that config names. Raises UserError for a variable
    that is not set."""
    for place, keys in _PATHS.items():
        for name, holder in _holders(config, place.split(".") if place else []):
            for key in keys:
                path = holder.get(key) if isinstance(holder, dict) else None
                if isinstance(path, str) and path.startswith(("~", "$")):
                    holder[key] = _expanded(path, f"{name}.{key}".removeprefix("."))


def _holders(section: Any, way: list[str], name: str = "") -> Iterable[tuple[str, Any]]:
    """(name, section) pairs of what lies at a way of keys; `*` leads into every entry of a mapping or list."""
    if not way:
        yield name, section
    elif isinstance(section, dict | list):
        numbered = section.items() if isinstance(section, dict) else enumerate(section)
        for key, value in numbered:
            if way[0] in ("*", key):
                yield from _holders(value, way[1:], f"{name}.{key}".removeprefix("."))


def _expanded(path: str, key: str) -> str:
    unset = [name for name in re.findall(r"\$\{?(\w+)", path) if name not in os.environ]
    found = os.path.expanduser(os.path.expandvars(path))
    if unset or found.startswith(("~", "$")):
        why = f"the variable {unset[0]} is not set" if unset else "there is no such home folder or variable"
        raise UserError(f"{key}: the path {path} cannot be expanded: {why}", remedy="set it, or write the path out")
    return found


def config_digest(config: Mapping[str, Any]) -> str:
    """A name for what a config says, whatever the order of its keys; also of one that `check_config` will refuse.

    Raises UserError for a value that no run could hand to its jobs, such as a number of thirty digits.
    """
    option = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    try:
        said = orjson.dumps(config, default=str, option=option)
    except TypeError as error:
        what = f"the config has a value that cannot be written down: {error}"
        raise UserError(what, remedy="numbers have at most 18 digits, other values are texts") from error
    return blake2b(said, digest_size=8).hexdigest()


def write_merged_config(config: Mapping[str, Any], path: Path) -> None:
    """Save the config that a run uses beside its results, as YAML for people or as `.json` for jobs; untouched if it
    says the same already."""
    said = orjson.dumps(config, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    if path.suffix != ".json":
        text = "# The merged config of this run, written by the workflow when it starts.\n"
        text += yaml.safe_dump(orjson.loads(said), sort_keys=False, allow_unicode=True)
        said = text.encode()
    if path.exists() and path.read_bytes() == said:
        return
    with AtomicFile(path) as file:
        file.write(said)
