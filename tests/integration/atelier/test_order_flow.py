"""Any interleaving of people, services and messages ends with a legal history and without a loss.

The acts of customers, partners, sellers and operators, and what may happen to messages between
them, come in any order that Hypothesis thinks of. No relay and no consumer runs by itself: whatever
is not let through waits, as behind a slow or dead process. When in the end all is let through,
nothing that anybody was told may be missing, and both databases must tell the same story.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import (
    run_state_machine_as_test,
)

from atelier.settings import Settings
from tests.integration.atelier.driven_platform import (
    Platform,
)
from tests.integration.atelier.order_flow import OrderFlow


@pytest.fixture
def platform(settings: Settings) -> Iterator[Platform]:
    with ExitStack() as closing:
        platform = Platform(settings.model_copy(update={"mail": None}))
        closing.callback(platform.close)
        yield platform


@pytest.mark.timeout(600)
def test_any_interleaving_ends_well(platform: Platform) -> None:
    customer, partner, operators, files = platform.run(platform.hire())

    class Flow(OrderFlow):
        pass

    Flow.platform, Flow.customer, Flow.partner = platform, customer, partner
    Flow.operators, Flow.files = operators, files
    run_state_machine_as_test(
        Flow,
        settings=hypothesis_settings(
            max_examples=8,
            stateful_step_count=20,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            # What fails is told as it was: to shrink it takes minutes, with servers in the loop.
            phases=[Phase.generate],
        ),
    )
