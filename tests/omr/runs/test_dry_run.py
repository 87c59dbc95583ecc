"""A dry run is told what can be found out of its jobs, once, before any is listed."""

from __future__ import annotations

import logging

import pytest
from omr.runs.dry_run import when_planned
from snakemake.logging import LogEvent


@pytest.fixture
def logger():
    made = logging.Logger("of-a-test", logging.INFO)
    made.addHandler(logging.NullHandler())
    return made


def plan(logger):
    logger.info("Job stats", extra={"event": LogEvent.RUN_INFO, "stats": {}})


def test_the_check_is_made_once_when_jobs_are_planned(logger):
    calls = []
    when_planned(logger, lambda: calls.append(1))
    logger.info("Building DAG of jobs...")
    assert calls == []
    plan(logger)
    plan(logger)
    assert calls == [1]


def test_what_the_check_raises_ends_the_dry_run(logger):
    def check():
        raise SystemExit(1)

    when_planned(logger, check)
    with pytest.raises(SystemExit):
        plan(logger)
