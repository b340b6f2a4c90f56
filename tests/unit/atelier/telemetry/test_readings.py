"""What is read for Prometheus, without a database to read it from."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, Gauge
from structlog.testing import capture_logs

from atelier.telemetry.readings import Reading, Readings

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def gauge() -> Gauge:
    return Gauge("waiting", "How many wait.", ("queue",), registry=CollectorRegistry())


def told(gauge: Gauge) -> dict[str, float]:
    return {sample.labels["queue"]: sample.value for sample in next(iter(gauge.collect())).samples}


class Source:
    """Counts how often it is asked; may be away."""

    def __init__(self, gauge: Gauge, queue: str) -> None:
        self.gauge = gauge
        self.queue = queue
        self.asked = 0
        self.away = False

    async def look(self) -> None:
        self.asked += 1
        if self.away:
            raise ConnectionError("mail to anna@example.org is not measured")
        self.gauge.labels(self.queue).set(self.asked)


async def test_each_is_asked_when_what_it_told_is_too_old(gauge: Gauge) -> None:
    often, seldom = Source(gauge, "a"), Source(gauge, "b")
    readings = Readings(
        Reading("often", often.look, (gauge,), every=0),
        Reading("seldom", seldom.look, (gauge,), every=3600),
    )

    for _ in range(3):
        await readings.refresh()

    assert (often.asked, seldom.asked) == (3, 1)
    assert told(gauge) == {"a": 3, "b": 1}


@pytest.mark.parametrize(("labels", "left"), [(("a",), {"b": 2.0}), ((), {})])
async def test_what_cannot_be_read_is_left_out(
    gauge: Gauge, labels: tuple[str, ...], left: dict[str, float]
) -> None:
    """All of it, or its own labels where others tell of the gauge, too."""
    mine, other = Source(gauge, "a"), Source(gauge, "b")
    readings = Readings(
        Reading("other", other.look, (gauge,), labels=("b",), every=0),
        Reading("mine", mine.look, (gauge,), labels, every=0),
    )
    await readings.refresh()

    mine.away = True
    with capture_logs() as logs:
        await readings.refresh()

    assert told(gauge) == left
    assert [(line["what"], line["reason"]) for line in logs] == [("mine", "ConnectionError")]


async def test_what_was_never_read_is_left_out(gauge: Gauge) -> None:
    source = Source(gauge, "a")
    source.away = True
    await Readings(Reading("it", source.look, (gauge,), labels=("a",))).refresh()
    assert told(gauge) == {}
