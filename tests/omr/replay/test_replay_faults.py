from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from omr.errors import UserError
from omr.replay.faults import KINDS, Fault, choose_fault, load_faults


def kinds_over(faults: list[Fault], request_id: str, attempts: int) -> list[str | None]:
    struck = [choose_fault(faults, request_id, attempt) for attempt in range(1, attempts + 1)]
    return [None if fault is None else fault.kind for fault in struck]


def test_a_rule_strikes_the_first_times_only() -> None:
    assert kinds_over([Fault("reset", times=2)], "a/b/c/0", 4) == ["reset", "reset", None, None]


def test_rules_with_times_take_turns() -> None:
    faults = [Fault("reset", times=2), Fault("abort", times=1), Fault("slow")]
    assert kinds_over(faults, "a/b/c/0", 5) == ["reset", "reset", "abort", "slow", "slow"]


def test_a_rule_concerns_only_ids_that_fit() -> None:
    faults = [Fault("reset", match="solve/*/0")]
    assert kinds_over(faults, "solve/row/p/0", 1) == ["reset"]
    assert kinds_over(faults, "solve/row/p/1", 1) == [None]


def test_a_share_strikes_about_as_often_and_always_the_same() -> None:
    faults = [Fault("status", share=0.3)]
    struck = [choose_fault(faults, f"s/{row}/p/0", 1) is not None for row in range(2000)]
    assert 500 < sum(struck) < 700
    assert struck == [choose_fault(faults, f"s/{row}/p/0", 1) is not None for row in range(2000)]


def test_a_share_is_drawn_anew_for_every_attempt() -> None:
    struck = kinds_over([Fault("status", share=0.5)], "s/row/p/0", 40)
    assert {"status", None} == set(struck)


def test_faults_are_read_from_yaml(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(
        '- {match: "a/*", kind: status, status: 429, times: 2, retry_after: 1}\n- {kind: slow, share: 0.5}\n'
    )
    expected = [Fault("status", match="a/*", status=429, times=2, retry_after=1), Fault("slow", share=0.5)]
    assert load_faults(path) == expected


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ("{match: x}", "has no `kind`"),
        ("{kind: explode}", "unknown kind 'explode'"),
        ("{kind: slow, delay: 1}", "unknown key 'delay'"),
        ("{kind: status, status: '429'}", "wrong value in `status`"),
        ("{kind: status, status: 42}", "impossible status"),
        ("{kind: slow, times: true}", "wrong value in `times`"),
        ("{kind: slow, times: 0}", "at least 1"),
        ("{kind: slow, share: 30}", "between 0 and 1"),
        ("{kind: slow, times: 1, share: 0.5}", "both `times` and `share`"),
        ("{kind: slow, latency_s: -1}", "negative amount"),
        ("{kind: wrong_shape, shape: round}", "unknown shape"),
        ("{kind: merge, body: '[]'}", "needs a JSON object"),
        ("{kind: merge, body: '{'}", "needs a JSON object"),
        ("{kind: !made-up slow}", "cannot be read"),
        ("slow", "must be a mapping"),
    ],
)
def test_a_faulty_rule_is_reported_with_its_line(tmp_path: Path, rule: str, what: str) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(f"- {{kind: slow}}\n- {rule}\n")
    with pytest.raises(UserError) as caught:
        load_faults(path)
    assert what in caught.value.what
    assert (caught.value.file, caught.value.line) == (path, 2)


def test_a_file_of_faults_must_be_a_list(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text("kind: slow\n")
    with pytest.raises(UserError, match="must be a list"):
        load_faults(path)


@pytest.mark.parametrize("arguments", [{"kind": "explode"}, {"kind": "slow", "match": 3}])
def test_a_faulty_rule_is_refused_in_python_too(arguments: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        Fault(**arguments)


def test_every_kind_is_described() -> None:
    assert all(KINDS.values())
