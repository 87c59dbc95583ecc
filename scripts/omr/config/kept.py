"""What models are asked with, as a run keeps it: its jobs read copies, made when a command begins.

A run takes days, and each of its jobs reads its prompt when it starts: an edit meanwhile would reach some shards of a
stage and not the others. Copies are made again by the next command, where what was edited is asked again.

    results/{run}/prompts/{prompt}.yaml     of prompts/
    results/{run}/model_texts/{model}/      of a model's chat template, or of its authored replies

Imported while Snakemake reads the workflow, so it imports nothing heavy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

from omr.models.model import ModelSpec

#: Files that a chat template is read from: a server takes the second where there is no first.
TEMPLATE_FILES = ("chat_template.jinja", "tokenizer_config.json")
_KEPT = re.compile(r"results/[^/]+/(prompts/.+\.yaml)")


def kept_prompt(name: str) -> str:
    """Input of a rule: the copy of prompts/<name>.yaml that its jobs read."""
    return f"results/{{run}}/prompts/{name}.yaml"


def source_of(prompt: str) -> Path:
    """The file of prompts/ that a copy is of; any other path is its own."""
    found = _KEPT.fullmatch(prompt)
    return Path(prompt if found is None else found[1])


def kept_texts(spec: ModelSpec, runs_code: bool = False) -> list[str]:
    """Input of a rule: the folder with copies of the files that decide what a model is sent, or says, beside prompts;
    none for a model without. Chat templates are only written out where solutions run code."""
    has_some = spec.is_authored or (runs_code and spec.chat_template is not None)
    return [f"results/{{run}}/model_texts/{spec.name}"] if has_some else []


def texts_of(spec: ModelSpec) -> list[str]:
    """The files that are copied: of authored replies, and of a chat template all that it is read from."""
    found = list[Path]()
    if spec.is_authored and spec.replies is not None:
        found += sorted(Path(spec.replies).glob("*.y*ml"))
    if spec.chat_template is not None:
        given = Path(spec.chat_template)
        beside = [(given if given.is_dir() else given.parent) / name for name in TEMPLATE_FILES]
        found += [path for path in dict.fromkeys([given, *beside]) if path.is_file()]
    return [str(path) for path in found]


def with_texts(spec: ModelSpec, folder: Path) -> ModelSpec:
    """The model with its chat template and authored replies in a folder of copies."""
    template = spec.chat_template
    if template is not None:
        template = str(folder if Path(template).is_dir() else folder / Path(template).name)
    return replace(spec, chat_template=template, replies=str(folder) if spec.is_authored else spec.replies)


def edition_of(paths: Iterable[str | Path]) -> str:
    """A param of a rule: what files are called and what they say, as a digest, whatever their folders and times."""
    digest = blake2b(digest_size=8)
    for path in map(Path, paths):
        said = path.read_bytes() if path.is_file() else b""
        digest.update(f"{path.name} {len(said)} ".encode() + said)
    return digest.hexdigest()
