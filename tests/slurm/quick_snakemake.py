"""Snakemake that looks after its Slurm jobs every second; between looks the plugin waits ever ten seconds longer."""

from __future__ import annotations

import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

if __name__ == "__main__":
    RemoteExecutor.next_seconds_between_status_checks = property(lambda self: 1.0, lambda self, value: None)
    main()
    sys.exit()
