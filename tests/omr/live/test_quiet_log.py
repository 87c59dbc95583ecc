"""Where a run is drawn, Snakemake's log file has everything, and the terminal what somebody must know."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from omr.live.quiet_log import Diverted, without_preamble


class Handler(logging.Handler):
    def __init__(self, name: str, **found: Any) -> None:
        super().__init__()
        self.name = name
        self.lines: list[str] = []
        self.addFilter(SimpleNamespace(filter=lambda record: not found.get("hides", False), **found))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage() if record.msg else str(getattr(record, "event", "")))


@pytest.fixture
def logger() -> logging.Logger:
    logger = logging.Logger("snakemake-like", logging.INFO)
    logger.addHandler(Handler("DefaultStreamHandler"))
    logger.addHandler(Handler("DefaultLogFileHandler", quiet={"rules"}))
    return logger


def test_a_failed_job_is_one_line_and_the_rest_is_for_the_file(logger: logging.Logger) -> None:
    shown: list[str] = []
    diverted = Diverted(logger, shown.append)
    logger.info(None, extra={"event": "job_info"})
    logger.info("Finished jobid: 7", extra={"event": "job_finished"})
    error = {"event": "job_error", "rule_name": "judge", "log": ["logs/judge.log"]}
    logger.error(None, extra=error)
    logger.error("RuleException:\nCalledProcessError in file x:\nCommand 'set -euo pipefail; ...'")
    logger.info("Trying to restart job 7.")
    logger.warning("Slurm: the controller is away")
    logger.error("Exiting because a job execution failed. Look above for error messages")
    logger.error("x" * 999)
    stream, file = logger.handlers
    assert shown == [
        "a job failed: judge, see logs/judge.log",
        "Trying to restart job 7.",
        "Slurm: the controller is away",
        "x" * 300,
    ]
    assert stream.lines == []  # type: ignore[attr-defined]
    assert len(file.lines) == 8  # type: ignore[attr-defined]
    assert file.filters[0].quiet == set()  # type: ignore[union-attr]
    diverted.end()
    logger.info("Complete log(s): x")
    assert stream.lines == ["Complete log(s): x"]  # type: ignore[attr-defined]


def test_jobs_that_end_since_somebody_stops_the_run_did_not_fail(logger: logging.Logger) -> None:
    shown: list[str] = []
    Diverted(logger, shown.append)
    logger.error(None, extra={"event": "job_error", "rule_name": "judge"})
    logger.warning("Terminating processes on user request, this might take some time.")
    logger.error(None, extra={"event": "job_error", "rule_name": "solve"})
    logger.warning("the disk is full")
    assert shown == [
        "a job failed: judge",
        "Terminating processes on user request, this might take some time.",
        "the disk is full",
    ]


def test_before_a_run_the_terminal_is_spared_what_snakemake_says_of_itself(logger: logging.Logger) -> None:
    without_preamble(logger)
    logger.info("Config file config/config.yaml is extended by additional config")
    logger.info("", extra={"event": "workflow_started"})
    logger.info("Job stats: ...", extra={"event": "run_info"})
    logger.info("Building DAG of jobs...")
    logger.warning("a warning")
    stream, file = logger.handlers
    assert stream.lines == ["Building DAG of jobs...", "a warning"]  # type: ignore[attr-defined]
    assert len(file.lines) == 5  # type: ignore[attr-defined]
