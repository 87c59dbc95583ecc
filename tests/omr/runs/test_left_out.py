"""Which nodes a submission leaves out, and that enough of them always stay."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from omr.runs.failed_nodes import START, Failed, FailedNodes
from omr.runs.left_out import with_left_out

SUBMISSION = ["--parsable", "--comment", "a", "-p", "gpu", "--nodes=1", "--gpus=8", "--wrap=true -x n7"]


def left_out(nodes: str, *failed: str, arguments: Sequence[str] = SUBMISSION, work: str = "a") -> list[str]:
    """The options by which a job leaves out nodes on which it failed; `nodes`: what sinfo lists, as `n1:idle`."""
    listed = "\n".join(f"{name}|{state}|gpu*|gpu:8" for name, _, state in (one.partition(":") for one in nodes.split()))
    known = FailedNodes([Failed(float(place), node, "1", work, START) for place, node in enumerate(failed)])
    return [one for one in with_left_out(arguments, "a", known, lambda *words: listed) if one.startswith("--exclude")]


def test_a_further_try_leaves_out_the_node_of_the_one_before() -> None:
    assert left_out("n1:idle n2:mix", "n1") == ["--exclude=n1"]
    assert left_out("n1:idle n2:mix", "n1", work="b") == []
    assert left_out("n1:idle n2:mix") == []


@pytest.mark.parametrize("others", ["", "n2:down", "n2:drain", "n2:idle*", "n2:maint", "n2:drng", "n2:mix$"])
def test_the_only_node_that_takes_jobs_is_never_left_out(others: str) -> None:
    assert left_out(f"n1:idle {others}", "n1") == []


def test_half_of_the_nodes_stay_and_no_more_than_four_go_the_latest_first() -> None:
    assert left_out("n1:idle n2:alloc n3:comp", "n1", "n2") == ["--exclude=n2"]
    many = " ".join(f"n{number}:idle~" for number in range(20))
    assert left_out(many, *(f"n{number}" for number in range(12))) == ["--exclude=n11,n10,n9,n8"]


def test_a_job_over_several_nodes_keeps_as_many_as_it_needs() -> None:
    two = ["--nodes=2" if one == "--nodes=1" else one for one in SUBMISSION]
    assert left_out("n1:idle n2:idle", "n1", arguments=two) == []
    assert left_out("n1:idle n2:idle n3:idle", "n1", arguments=two) == ["--exclude=n1"]


@pytest.mark.parametrize(
    "given", [["--exclude=n3,n[5-7]"], ["--exclude", "n3,n[5-7]"], ["-x", "n3,n[5-7]"], ["-xn3,n[5-7]"]]
)
def test_what_a_site_leaves_out_stays_left_out(given: list[str]) -> None:
    arguments = [*SUBMISSION[:3], *given, *SUBMISSION[3:]]
    assert left_out("n1:idle n2:idle", "n1", arguments=arguments) == ["--exclude=n3,n[5-7],n1"]


def test_where_nodes_are_named_by_the_site_none_is_left_out() -> None:
    assert left_out("n1:idle n2:idle", "n1", arguments=["-w", "n1", *SUBMISSION]) == []


def test_nodes_of_other_partitions_and_without_gpus_do_not_count_as_others() -> None:
    known = FailedNodes([Failed(0.0, "n1", "1", "a", START)])
    asked: list[tuple[str, ...]] = []

    def ask(*words: str) -> str:
        asked.append(words)
        return "n1|idle|gpu|gpu:8\nn2|idle|cpu*|(null)\nn3|idle|gpu|(null)\n"

    assert with_left_out(SUBMISSION, "a", known, ask) is SUBMISSION
    assert "--partition=gpu" in asked[0]
    # Without a partition the job goes to the default one.
    plain = ["--comment", "a"]
    assert with_left_out(plain, "a", known, ask) is plain


def test_without_an_answer_of_slurm_no_node_is_left_out() -> None:
    known = FailedNodes([Failed(0.0, "n1", "1", "a", START)])
    assert with_left_out(SUBMISSION, "a", known, lambda *words: None) is SUBMISSION
