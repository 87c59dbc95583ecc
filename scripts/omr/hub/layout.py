"""Which Parquet files of a hub dataset make up one config and split.

The dataset's card may say so (`configs`, see https://huggingface.co/docs/hub/datasets-manual-configuration); otherwise
the places are tried where uploads and the hub's own conversion put such files. Pure functions over names of files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from omr.errors import UserError

_SHARD = r"(?:-\d+-of-\d+(?:-[0-9a-f]+)?)?"
_SHARD_NUMBERS = re.compile(r"^(.*?)-(\d+)-of-(\d+)")


def choose_parquet(
    repo: str, names: Iterable[str], configs: Sequence[Mapping[str, Any]], config: str | None, split: str
) -> list[str]:
    """The names, in order, of the Parquet files of a config (None: the default one) and split; [] if there are none.

    `configs` is the list of that name in the dataset's card, or []. Raises UserError for a config or a split that the
    card does not know, for a split of which the hub keeps only the beginning, and for a set of shards with gaps.
    """
    parquet = sorted(name for name in names if name.endswith(".parquet"))
    entry = _entry_of_card(repo, configs, config)
    chosen = [] if entry is None else _by_card(repo, parquet, entry, split)
    if not chosen:
        chosen = _by_place(repo, parquet, config, split)
    _check_shards(repo, chosen)
    return chosen


def _entry_of_card(repo: str, configs: Sequence[Mapping[str, Any]], config: str | None) -> Mapping[str, Any] | None:
    if not configs:
        return None
    known = {str(entry.get("config_name", "default")): entry for entry in configs}
    if config is not None:
        if config not in known:
            raise UserError(
                f"the dataset {repo} has no config {config!r}", remedy=f"choose one of: {', '.join(sorted(known))}"
            )
        return known[config]
    default = next((entry for entry in configs if entry.get("default") is True), known.get("default"))
    if default is None and len(known) > 1:
        raise UserError(
            f"the dataset {repo} has several configs", remedy=f"name one of them: {', '.join(sorted(known))}"
        )
    return default or configs[0]


def _by_card(repo: str, parquet: Sequence[str], entry: Mapping[str, Any], split: str) -> list[str]:
    patterns = _patterns_by_split(entry.get("data_files"))
    if patterns and split not in patterns:
        raise UserError(
            f"the dataset {repo} has no split {split!r} in its config {entry.get('config_name', 'default')!r}",
            remedy=f"choose one of: {', '.join(sorted(patterns))}",
        )
    folder = str(entry.get("data_dir") or "").strip("/")
    wanted = [f"{folder}/{pattern}" if folder else pattern for pattern in patterns.get(split, [])]
    # A pattern may also name the JSON or CSV files of the split: those are found in the hub's conversion.
    return [name for name in parquet if any(_matches(name, pattern) for pattern in wanted)]


def _patterns_by_split(data_files: Any) -> dict[str, list[str]]:
    """Split -> patterns, from the forms that a card may use: one pattern, a list of them, or those by split."""
    if data_files is None:
        return {}
    if isinstance(data_files, Mapping):
        return {str(split): _as_list(path) for split, path in data_files.items()}
    if isinstance(data_files, list) and any(isinstance(item, Mapping) for item in data_files):
        entries = [item for item in data_files if isinstance(item, Mapping)]
        return {str(item.get("split", "train")): _as_list(item.get("path")) for item in entries}
    return {"train": _as_list(data_files)}


def _as_list(path: Any) -> list[str]:
    patterns = path if isinstance(path, list) else [path]
    return [pattern.removeprefix("./").lstrip("/") for pattern in patterns if isinstance(pattern, str)]


def _matches(name: str, pattern: str) -> bool:
    """Whether a path matches a pattern where `*` stays within one folder and `**` stands for any folders."""
    return _parts_match(name.split("/"), pattern.split("/"))


def _parts_match(name: list[str], pattern: list[str]) -> bool:
    if not pattern or not name:
        return not name and all(part == "**" for part in pattern)
    if pattern[0] == "**":
        return _parts_match(name, pattern[1:]) or _parts_match(name[1:], pattern)
    return fnmatchcase(name[0], pattern[0]) and _parts_match(name[1:], pattern[1:])


def _by_place(repo: str, parquet: Sequence[str], config: str | None, split: str) -> list[str]:
    places = _places_of_config(config, split) if config is not None else _places_of_default(split)
    for place in places:
        chosen = [name for name in parquet if re.fullmatch(place, name)]
        if chosen:
            return chosen
    partial = [name for name in parquet if f"{config or 'default'}/partial-{split}/" in name]
    if partial:
        raise UserError(
            f"the hub's conversion of {repo} holds only the beginning of the split {split!r}",
            remedy="download the dataset by other means and give the path of the file",
        )
    return []


def _places_of_config(config: str, split: str) -> list[str]:
    c, s = re.escape(config), re.escape(split)
    places = [
        rf"(?:data/)?{c}/{s}{_SHARD}\.parquet",
        rf"(?:data/)?{c}/{s}/[^/]+\.parquet",
        rf"(?:data/)?{c}-{s}{_SHARD}\.parquet",
        # Older conversions repeat the dataset's name.
        rf"{c}/[^/]+-{s}{_SHARD}\.parquet",
    ]
    if split == "train":
        # Files that are not told apart by split are the train split.
        places.append(rf"(?:data/)?{c}{_SHARD}\.parquet")
    return places if config != "default" else [*places, *_places_at_root(s)]


def _places_of_default(split: str) -> list[str]:
    return [*_places_at_root(re.escape(split)), *_places_of_config("default", split)]


def _places_at_root(s: str) -> list[str]:
    return [rf"(?:data/)?{s}{_SHARD}\.parquet", rf"(?:data/)?{s}/[^/]+\.parquet"]


def _check_shards(repo: str, chosen: Sequence[str]) -> None:
    """Shards number themselves (`-00001-of-00004`): one that is missing would be a part of the data lost unseen."""
    found: dict[tuple[str, int], set[int]] = {}
    for name in chosen:
        numbers = _SHARD_NUMBERS.match(name)
        if numbers:
            found.setdefault((numbers[1], int(numbers[3])), set()).add(int(numbers[2]))
    for (stem, total), indices in found.items():
        # Numbering starts at 0, in some repositories at 1.
        if len(indices) < total:
            raise UserError(
                f"the dataset {repo} has {len(indices)} of the {total} files {stem}-*-of-{total}",
                remedy="check the revision, or clear an incomplete download and try again",
            )
