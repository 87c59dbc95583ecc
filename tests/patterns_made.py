"""Makes each pattern of the scripts that depends on arguments, as those who use it do."""

from __future__ import annotations

import tempfile
from pathlib import Path


def make_patterns() -> None:
    """Imports are within: patterns are noted while modules are imported."""
    from omr.asking.prompt_fields import leftover_braces
    from omr.asking.special_tokens import SpecialTokens
    from omr.files.patterns import _Lazy
    from omr.hub.layout import choose_parquet
    from omr.parsers import verdicts
    from omr.parsers.headings import headings
    from omr.replay.http_server import Routes
    from omr.servers.error_bodies import refused_field
    from omr.stages.row_search import rows_about
    from omr.threads.names import strip_thread

    _Lazy("[0-9]+", 0, {}).search("1")
    leftover_braces("{problem}", ["problem", "answer"])
    SpecialTokens(["<|im_end|>", "[INST]", "</s>"])
    for config, split in ((None, "train"), (None, "test"), ("main", "train")):
        choose_parquet("owner/name", ["elsewhere.parquet"], [], config, split)
    for text in ("\nProblem 1: a\nProblem 2: b", "\nAufgabe 1: a\nAufgabe 2: b", "\n1. a\n2. b"):
        headings(text)
    # A line with a key, one without, and one in whose sentence the verdict stands.
    text = "Judgement and verdict: we say so, yes\nso it is no\nthe verdict"
    for read in (verdicts.parse_judgement, verdicts.parse_true_false):
        read(text)
    for label in ("proof", "mcq", "binary", "invalid"):
        verdicts.parse_class(f"Class: not {label}\nVerdict: we say so\nso it is {label}\nverdict", label)
    verdicts.parse_selection(text, range(4))
    for key, labels in verdicts.CODE_VOTES.values():
        verdicts.parse_label(f"{key}: we say {labels[0]}\n{labels[0]} is the {key}\n{key}", key, labels)
    Routes().add("GET", "/v1/{name}/jobs/{id}", None)  # type: ignore[arg-type]
    refused_field(400, {"error": "unsupported field"}, "unsupported field", ["min_p"])
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"{}\n")
        file.flush()
        rows_about(Path(file.name), "0123456789abcdef")
    strip_thread("A post.", ["Thanks, Bob!"], "Bob", ["mathlete_99", "New York", "Ann"], ["Thanks, Bob!"])
