"""`--artefacts retried`: a failed test is run once more, to be recorded, and stays failed.

The second run has a sandbox of its own, as every test has. What it came to is told with the first
failure; both are red, since a fault that shows only sometimes is a fault. With xdist it runs in the
worker that the first run was in.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from _pytest.runner import runtestprotocol

from touchstone.report import artefacts

SECTION = "second run"
_FOUND = "passed the second time: it fails only sometimes. Its failure above counts."


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> object:
    if item.config.option.artefacts != "retried":
        return None
    hook = item.ihook
    hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    failure = next((report for report in reports if report.failed), None)
    if failure and not item.session.shouldstop:
        item.stash[artefacts.AGAIN] = True
        try:
            _tell(failure, runtestprotocol(item, log=False, nextitem=nextitem))
        finally:
            del item.stash[artefacts.AGAIN]
    for report in reports:
        hook.pytest_runtest_logreport(report=report)
    hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _tell(failure: pytest.TestReport, again: Sequence[pytest.TestReport]) -> None:
    """Say with the failure what the second run came to, and where what it has recorded is."""
    second = next((report for report in again if report.failed), None)
    lines = [_verdict(second)]
    files = [file for report in again for file in artefacts.files_of(report)]
    known = artefacts.files_of(failure)
    if new := sorted(set(files) - set(known)):
        lines += artefacts.listed(new)
        failure.user_properties = [
            (name, value) for name, value in failure.user_properties if name != artefacts.PROPERTY
        ]
        everything = [str(file) for file in [*known, *new]]
        failure.user_properties.append((artefacts.PROPERTY, everything))
    failure.sections.append((SECTION, "\n".join(lines)))


def _verdict(second: pytest.TestReport | None) -> str:
    if second is None:
        return _FOUND
    text = getattr(getattr(second.longrepr, "reprcrash", None), "message", str(second.longrepr))
    return f"failed again, in its {second.when}: {text.splitlines()[0] if text else ''}"
