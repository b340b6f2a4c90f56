"""A unit test asks nobody: what needs a server stands in `tests/integration`."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def asks_nobody(socket_disabled: None) -> None:
    """Every socket is refused but unix ones, with a pair of which an event loop wakes itself."""
