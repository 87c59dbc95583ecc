"""Are the files there that config names? Snakemake would name a missing input, but not the key that asks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.errors import UserError
from omr.files.tables import READABLE, data_files, kind_of

#: What prepare_benchmark.py reads.
BENCHMARKS = (".jsonl", ".csv", ".parquet")
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def check_paths(settings: Settings, recipes: Recipes) -> None:
    """Raise UserError that lists every key of config whose file is missing or cannot be what it is for (threads,
    benchmarks, prompts, tokenizers), or that names a model without an entry."""
    faults = [*_missing_data(settings), *_missing_prompts(recipes), *_missing_models(settings, recipes)]
    faults += _missing_beside_models(settings, recipes)
    if faults:
        raise UserError(
            "config names what is not there, or is no file that can be read:\n"
            + "\n".join(f"  - {fault}" for fault in faults),
            remedy=f"mend these keys; paths are relative to {Path.cwd()}",
        )


def _missing_data(settings: Settings) -> Iterator[str]:
    config: Any = settings.config
    first = "problems_from" if settings.starts_from_problems else "raw_data"
    if (path := config[first].get("path")) is not None and (fault := _fault_of_rows(path)) is not None:
        yield f"{first}.path: {fault}"
    for entry in config["benchmarks"]:
        if "path" in entry and (fault := _fault_of_benchmark(entry["path"])) is not None:
            yield f"benchmarks, {entry['name']}: path: {fault}"


def _fault_of_rows(path: str) -> str | None:
    if (fault := _missing(path)) is not None:
        return fault
    if not Path(path).is_dir():
        return None if kind_of(Path(path)) else f"{path} is of no kind that is read; that is {READABLE}"
    try:
        data_files(Path(path))
    except UserError:
        return f"the folder {path} holds no file of rows; what can be read: {READABLE}"
    return None


def _fault_of_benchmark(path: str) -> str | None:
    if (fault := _missing(path)) is not None:
        return fault
    if Path(path).is_dir():
        return f"{path} is a folder; name a file of it ({', '.join(BENCHMARKS)})"
    return None if Path(path).suffix.lower() in BENCHMARKS else f"{path} is none of {', '.join(BENCHMARKS)}: convert it"


def _missing(path: str) -> str | None:
    if Path(path).exists():
        return None
    is_remote = _REMOTE.match(path)
    return f"{path} is an address; copy the file here and name its path" if is_remote else f"there is no file {path}"


def _missing_prompts(recipes: Recipes) -> Iterator[str]:
    there = sorted(path.stem for path in Path("prompts").glob("*.yaml"))
    for recipe in recipes.stages_asked:
        settings = recipes[recipe]
        named = {"prompt": settings.get("prompt"), "code_rows.prompt": settings.get("code_rows", {}).get("prompt")}
        for key, prompt in named.items():
            if prompt is None or Path(f"prompts/{prompt}.yaml").exists():
                continue
            near = get_close_matches(prompt, there, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(there)}"
            yield f"recipes.{recipe}.{key}: there is no prompts/{prompt}.yaml; {hint}"


def _named_models(settings: Settings, recipes: Recipes) -> list[tuple[str, str]]:
    """(key, model) pairs of all that a run may ask."""
    config: Any = settings.config
    named: list[tuple[str, str | None]] = [("labelling_model", config["labelling_model"])]
    sections: dict[str, Any] = {
        f"problems.{stage}": asked for stage, asked in config["problems"].items() if isinstance(asked, dict)
    }
    sections["decontaminate.check_contamination"] = config["decontaminate"]["check_contamination"]
    sections |= {f"recipes.{recipe}": recipes[recipe] for recipe in recipes.stages_asked}
    for place, section in sections.items():
        named += _models_of(place, section)
    return [(key, model) for key, model in named if model is not None]


def _missing_models(settings: Settings, recipes: Recipes) -> Iterator[str]:
    there = sorted(settings.config["models"])
    for key, model in _named_models(settings, recipes):
        if model not in there:
            near = get_close_matches(model, there, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(there) or 'none'}"
            yield f"{key}: there is no {model!r} under `models`; {hint}"


def _missing_beside_models(settings: Settings, recipes: Recipes) -> Iterator[str]:
    """Tokenizers, chat templates and authored replies."""
    config: Any = settings.config
    asked = sorted({model for _, model in _named_models(settings, recipes)} & set(config["models"]))
    sections: dict[str, Any] = {f"models.{name}": config["models"][name] for name in asked}
    tokenized = sections | {f"products.subsets.{name}": given for name, given in config["products"]["subsets"].items()}
    tokenized |= {} if settings.starts_from_problems else {"raw_data": config["raw_data"]}
    for place, section in tokenized.items():
        name = section.get("tokenizer")
        if name is not None and (fault := _fault_of_tokenizer(name)) is not None:
            yield f"{place}.tokenizer: {fault}"
    for place, section in sections.items():
        for key in ("chat_template", "replies"):
            path = section.get(key)
            if path is not None and (fault := _missing(path)) is not None:
                yield f"{place}.{key}: {fault}"


def _fault_of_tokenizer(name: str) -> str | None:
    """Of a path alone: what is none is a hub id, which nobody here knows."""
    path = Path(name)
    if not (name.startswith((".", "/", "~")) or name.endswith(".json") or path.exists()):
        return None
    if path.is_dir():
        return f"{name} is a folder here; name its file, {path / 'tokenizer.json'}"
    return _missing(name) or (None if name.endswith(".json") else f"{name} is a file here, and no tokenizer.json")


def _models_of(place: str, section: Any) -> Iterator[tuple[str, str | None]]:
    """Every key `model` of a section, also in those inside it, with what it names."""
    for key, value in section.items():
        if key == "model":
            yield f"{place}.model", value
        elif isinstance(value, dict):
            yield from _models_of(f"{place}.{key}", value)
