"""A process that leaves in the middle of a run does not say that all is well.

`os._exit(0)` in a test, or in a library that it calls, ends the process at once: no report is
written and nobody is told. What can still be had is an exit code that no pipeline takes for green.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import pytest


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return  # the controller sees a worker that is gone (`report.results`)
    run, leave = os.getpid(), os._exit

    def guarded(status: int) -> NoReturn:
        if os.getpid() == run and status == 0:
            print(
                "\nThe process ended itself before its run was over.", file=sys.stderr, flush=True
            )
            status = pytest.ExitCode.INTERNAL_ERROR
        leave(status)

    def restore() -> None:
        os._exit = leave

    os._exit = guarded
    config.add_cleanup(restore)
