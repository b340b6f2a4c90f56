"""Binds every scenario of `features/`."""

from __future__ import annotations

import pytest
from pytest_bdd import scenarios

# Named here and not only by the steps, so that touchstone knows before the first scenario runs
# how many sandboxes will be wanted.
pytestmark = pytest.mark.usefixtures("company")

scenarios(".")
