"""Every scenario has a company of its own.

Asked for here and not only by the steps, so that touchstone knows before the first scenario runs
how many sandboxes will be wanted.
"""

from __future__ import annotations

import pytest

from fixtures.company import Company


@pytest.fixture(autouse=True)
def company_of_its_own(company: Company) -> None:
    pass
