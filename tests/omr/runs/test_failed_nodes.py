"""Whose fault a failed job is: its own further tries avoid a node at once, other jobs only what is surely bad."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from omr.runs.failed_nodes import AGE_S, DIED, SILENT, START, Failed, FailedNodes, read_failed_nodes, told_of_nodes
from omr.runs.failed_nodes import write_failed_nodes as write

NOW = 1_000_000.0
LEDGER = Path("results/demo/nodes.json")


def failed(*jobs: tuple[str, str], kind: str = START, at: float = NOW) -> FailedNodes:
    """These (work, node) failed, one after the other."""
    return FailedNodes(
        [Failed(at + place, node, str(place), work, kind, "no GPU") for place, (work, node) in enumerate(jobs)]
    )


def succeed(nodes: FailedNodes, work: str, node: str, with_server: bool = True, at: float = NOW + 100) -> FailedNodes:
    nodes.add_success(work, "99", [node], with_server, at)
    return nodes


def test_a_job_avoids_the_nodes_on_which_it_failed_and_no_other_job_does() -> None:
    nodes = failed(("a", "n1"), ("b", "n2"), ("a", "n3"))
    assert nodes.of_work("a") == ["n3", "n1"]
    assert nodes.of_work("c") == []
    assert nodes.avoided() == []


@pytest.mark.parametrize("kind", [START, SILENT])
def test_all_jobs_avoid_a_node_on_which_two_failed_of_which_one_did_well_elsewhere(kind: str) -> None:
    nodes = failed(("a", "n1"), ("b", "n1"), kind=kind)
    assert nodes.avoided() == []
    assert succeed(nodes, "a", "n2").avoided() == ["n1"]
    (told,) = nodes.sentences(LEDGER)
    assert told == (
        "new jobs avoid the node n1: 2 jobs failed there (no GPU), and one of them did well on n2; to use it again, remove "
        "results/demo/nodes.json"
    )


def test_a_fault_of_config_that_fails_on_every_node_keeps_none_from_other_jobs() -> None:
    tries = [(work, f"n{node}") for node in range(9) for work in ("a", "b", "c")]
    nodes = succeed(failed(*tries), "another model's", "n0")
    assert nodes.avoided() == []
    assert [line.partition(":")[0] for line in nodes.sentences(LEDGER)] == [
        "3 jobs failed on one node after another (n0, n1, n2, n3, n4 and 4 more"
    ]
    assert "rather the fault of config" in "".join(nodes.sentences(LEDGER))


def test_one_job_that_fails_again_and_again_speaks_against_no_node() -> None:
    assert succeed(failed(("a", "n1"), ("a", "n1"), ("a", "n1")), "a", "n2").avoided() == []


def test_a_server_that_dies_while_it_works_may_have_been_killed_by_its_work() -> None:
    nodes = succeed(failed(("a", "n1"), ("b", "n1"), kind=DIED), "a", "n2")
    assert nodes.of_work("b") == ["n1"]
    assert nodes.avoided() == []


def test_a_server_that_starts_on_a_node_gives_it_back_to_all_but_the_job_that_failed_there() -> None:
    nodes = succeed(failed(("a", "n1"), ("b", "n1")), "a", "n2")
    # With some of its GPUs broken a node may still do for others.
    assert succeed(nodes, "c", "n1").avoided() == []
    assert nodes.of_work("a") == ["n1"]
    assert succeed(nodes, "a", "n1").of_work("a") == []


def test_a_job_without_a_server_says_nothing_of_gpus() -> None:
    nodes = succeed(failed(("a", "n1"), ("b", "n1")), "a", "n2")
    assert succeed(nodes, "cpu", "n1", with_server=False).avoided() == ["n1"]
    silent = succeed(failed(("a", "n1"), ("b", "n1"), kind=SILENT), "a", "n2")
    assert succeed(silent, "cpu", "n1", with_server=False).avoided() == []


def test_what_is_old_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "nodes.json"
    write(path, succeed(failed(("a", "n1"), ("b", "n1")), "a", "n2"))
    assert read_failed_nodes(path, NOW + AGE_S - 1).avoided() == ["n1"]
    late = read_failed_nodes(path, NOW + AGE_S + 50)
    assert (late.avoided(), late.of_work("a")) == ([], [])


def test_a_file_that_is_missing_or_not_ours_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "nodes.json"
    assert told_of_nodes(tmp_path) == []
    for text in ("", "[1]", '{"version": 2}', '{"version": 1, "failed": [3, {"node": 4}], "well": []}', "\xff"):
        path.write_text(text)
        assert told_of_nodes(tmp_path) == []


def test_a_name_that_is_no_nodes_is_not_given_to_slurm(tmp_path: Path) -> None:
    path = tmp_path / "nodes.json"
    write(path, failed(("a", "n1"), ("a", "n2 --wrap=x"), ("a", "n[1-9]"), ("a", "-x"), at=NOW))
    assert read_failed_nodes(path, NOW + 10).of_work("a") == ["n1"]
    assert len(json.loads(path.read_text())["failed"]) == 4
