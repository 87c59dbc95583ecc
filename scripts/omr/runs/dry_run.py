"""What can be found out about a run without starting it is told by a dry run too.

Snakemake calls no hook of a dry run. But it logs what is planned, as soon as it knows and before it lists any job.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from omr.errors import told_as_sentence

_PLANNED = "run_info"


class _AtPlan(logging.Filter):
    def __init__(self, logger: logging.Logger, check: Callable[[], None]) -> None:
        super().__init__()
        self._logger, self._check = logger, check

    def filter(self, record: logging.LogRecord) -> bool:
        if str(getattr(record, "event", None) or "") == _PLANNED:
            self._logger.removeFilter(self)  # it is said once more at the end
            with told_as_sentence():
                self._check()
        return True


def when_planned(logger: logging.Logger, check: Callable[[], None]) -> None:
    """Call `check` when Snakemake, whose logger this is, has planned all jobs; its UserError ends the dry run."""
    logger.addFilter(_AtPlan(logger, check))
