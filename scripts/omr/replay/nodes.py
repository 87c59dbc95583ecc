"""YAML as nodes that know their line, so that a fault in an authored file is reported where it is.

Reading nodes instead of values also keeps text as it was written: a reply `False`, or a row id that happens to look
like a number, stays the text that it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from omr.errors import UserError

#: The parser in C where PyYAML has it: ten times as fast on a folder of replies.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL_TAG = "tag:yaml.org,2002:null"


def fault_at(node: yaml.Node, path: Path, what: str, remedy: str) -> UserError:
    """A UserError that points at a node."""
    return UserError(what, file=path, line=node.start_mark.line + 1, remedy=remedy)


def read_yaml(path: Path) -> yaml.Node:
    """The root node of a YAML file. Raises UserError if it cannot be read, is not YAML, or is empty."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except FileNotFoundError:
        raise UserError("there is no such file", file=path, remedy="check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot be read: {error}", file=path, remedy="it has to be a text file in UTF-8") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        line = None if mark is None else mark.line + 1
        raise UserError(f"not valid YAML: {problem}", file=path, line=line, remedy="mend the file") from error
    if node is None:
        raise UserError("the file is empty", file=path, remedy="fill it, or remove it")
    return node


def mapping_of(node: yaml.Node, path: Path, what: str) -> dict[str, yaml.Node]:
    """The entries of a mapping, keys as they were written; `what` names it in errors.

    Raises UserError if it is no mapping or has a key twice (YAML's own loaders keep the last one silently).
    """
    if not isinstance(node, yaml.MappingNode):
        raise fault_at(node, path, f"{what} must be a mapping", "write `key: value` lines")
    entries: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise fault_at(key, path, f"a key of {what} is not a plain text", "write `key: value` lines")
        if key.value in entries:
            raise fault_at(key, path, f"the key {key.value!r} occurs twice in {what}", "remove one of the two")
        entries[key.value] = value
    return entries


def list_of(node: yaml.Node, path: Path, what: str) -> list[yaml.Node]:
    """The items of a list; `what` names it in errors. Raises UserError if it is none."""
    if not isinstance(node, yaml.SequenceNode):
        raise fault_at(node, path, f"{what} must be a list", "start each item with `- `")
    return list(node.value)


def text_of(node: yaml.Node, path: Path, what: str) -> str:
    """The text of a scalar as it was written; `what` names it in errors. Raises UserError if it is none, or null."""
    if not isinstance(node, yaml.ScalarNode) or node.tag == _NULL_TAG:
        raise fault_at(node, path, f"{what} must be a text", 'write a text (an empty one as "")')
    return str(node.value)


def value_of(node: yaml.Node) -> Any:
    """What a node stands for: numbers, booleans, null, texts, lists, mappings."""
    return yaml.constructor.SafeConstructor().construct_document(node)


def refuse_unknown(entries: dict[str, yaml.Node], known: tuple[str, ...], path: Path, what: str) -> None:
    """Raise UserError for a key that is not among `known`."""
    for key, node in entries.items():
        if key not in known:
            raise fault_at(node, path, f"unknown key {key!r} in {what}", f"the keys are: {', '.join(known)}")
