"""Reads go to the replica where it has what must be seen, and to the primary where it has not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.data.database import Database
from atelier.data.routing import LagLimit
from atelier.data.shop import Customer
from atelier.running import Running
from atelier.settings import Settings
from atelier.telemetry import metrics
from touchstone.private_servers import PrivateReplica
from touchstone.sandbox import Sandbox
from touchstone.waiting import eventually_async

pytestmark = pytest.mark.anyio

PATIENT = LagLimit(bytes=1 << 40, seconds=3600)
"""Other sandboxes write to the same primary meanwhile."""

Open = Callable[..., Database]


@pytest.fixture
async def opened(settings: Settings) -> AsyncIterator[Open]:
    """Opens the shop's database with a replica of the test's choice."""
    databases: list[Database] = []

    def open_with(replica: str | None, limit: LagLimit | None = None) -> Database:
        databases.append(Database(settings.shop_database, replica, lag=limit))
        return databases[-1]

    yield open_with
    for database in databases:
        await database.close()


@pytest.fixture
def standing(private_replica: PrivateReplica, bare_sandbox: Sandbox) -> str:
    """The address of the shop's database on a replica that has stopped to replay."""
    private_replica.catch_up()
    private_replica.pause()
    return private_replica.address(bare_sandbox, "shop")


async def where(session: AsyncSession) -> str:
    """Which server is asked."""
    in_recovery = await session.scalar(sa.text("SELECT pg_is_in_recovery()"))
    return "replica" if in_recovery else "primary"


def knows(customer: UUID) -> Callable[[AsyncSession], Awaitable[tuple[str, bool]]]:
    """Reads whether the customer is there, and says on which server that was read."""

    async def look(session: AsyncSession) -> tuple[str, bool]:
        return await where(session), await session.get(Customer, customer) is not None

    return look


async def register(shop: Database) -> UUID:
    customer = Customer(email=f"{uuid4().hex}@example.org", name="Anna", password_hash="-")
    async with shop.session() as session:
        session.add(customer)
    return customer.id


def reads(database: Database, target: str, reason: str) -> float:
    """How many reads the metric counts."""
    labels = {"database": database.name, "target": target, "reason": reason}
    return metrics.REGISTRY.get_sample_value("atelier_replica_reads_total", labels) or 0


def lag(database: Database) -> float | None:
    return metrics.REGISTRY.get_sample_value(
        "atelier_replica_lag_bytes", {"database": database.name}
    )


async def test_a_read_goes_to_the_replica(settings: Settings, opened: Open) -> None:
    shop = opened(settings.shop_replica)

    assert await eventually_async(lambda: shop.read(where), until=lambda it: it == "replica")

    assert reads(shop, "replica", "current") >= 1
    assert lag(shop) is not None
    assert not shop.degraded


async def test_without_a_replica_the_primary_is_read(opened: Open) -> None:
    shop = opened(None)

    assert await shop.read(where) == "primary"

    assert reads(shop, "primary", "no replica") == 1
    assert not shop.degraded


async def test_what_was_written_is_soon_read_from_the_replica_by_who_wrote_it(
    settings: Settings, opened: Open
) -> None:
    shop = opened(settings.shop_replica)
    customer = await register(shop)
    position = await shop.position()

    seen = []

    async def look() -> str:
        server, there = await shop.read(knows(customer), after=position)
        seen.append(there)
        return server

    await eventually_async(look, until=lambda server: server == "replica")
    assert all(seen)


async def test_ones_own_change_is_seen_at_once_while_the_replica_stands_still(
    standing: str, opened: Open, private_replica: PrivateReplica
) -> None:
    shop = opened(standing, PATIENT)
    customer = await register(shop)
    position = await shop.position()

    assert await shop.read(knows(customer), after=position) == ("primary", True)
    # Whoever has not written reads on from the replica, as it is.
    await eventually_async(
        lambda: shop.read(knows(customer)), until=lambda seen: seen == ("replica", False)
    )
    assert await shop.read(knows(customer), after=position) == ("primary", True)
    assert reads(shop, "primary", "behind") >= 1
    assert (lag(shop) or 0) > 0

    private_replica.resume()

    await eventually_async(
        lambda: shop.read(knows(customer), after=position),
        until=lambda seen: seen == ("replica", True),
    )


# Larger than what others, who write to the same primary, hold it up by; smaller than what is
# written here.
@pytest.mark.parametrize(
    "limit", [LagLimit(bytes=1_000_000), LagLimit(seconds=0.5)], ids=["bytes", "time"]
)
async def test_a_replica_that_is_too_late_is_not_read_from(
    standing: str, opened: Open, private_replica: PrivateReplica, limit: LagLimit
) -> None:
    shop = opened(standing, limit)
    customer = await register(shop)
    async with shop.session() as session:
        text = sa.text("SELECT pg_logical_emit_message(false, 'much', repeat('x', 2000000))")
        await session.execute(text)

    await eventually_async(
        lambda: shop.read(knows(customer)), until=lambda seen: seen == ("primary", True)
    )
    assert reads(shop, "primary", "lagging") == 1
    assert shop.degraded

    private_replica.resume()

    await eventually_async(
        lambda: shop.read(knows(customer)), until=lambda seen: seen == ("replica", True)
    )
    assert not shop.degraded


async def test_a_replica_is_not_late_because_nobody_writes(
    private_replica: PrivateReplica, bare_sandbox: Sandbox, opened: Open
) -> None:
    """The last commit lies in the past for good: with a limit of no time at all, only positions
    can tell this from a replica that stands still."""
    shop = opened(private_replica.address(bare_sandbox, "shop"), LagLimit(seconds=0))

    assert await eventually_async(lambda: shop.read(where), until=lambda it: it == "replica")


async def test_a_replica_that_dies_fails_no_read_and_is_taken_up_again(
    private_replica: PrivateReplica, bare_sandbox: Sandbox, opened: Open
) -> None:
    shop = opened(private_replica.address(bare_sandbox, "shop"))
    customer = await register(shop)
    position = await shop.position()
    await eventually_async(lambda: shop.read(where), until=lambda it: it == "replica")

    reading = asyncio.create_task(_read_all_the_time(shop, customer, position))
    await asyncio.to_thread(private_replica.stop)
    assert await shop.read(knows(customer)) == ("primary", True)
    assert shop.degraded
    assert reads(shop, "primary", "lost") >= 1
    await asyncio.to_thread(private_replica.start)
    await eventually_async(lambda: shop.read(where), until=lambda it: it == "replica", timeout=20)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading  # anything that failed would be raised here
    assert not shop.degraded


async def test_only_the_first_read_waits_for_a_replica_that_does_not_answer(
    settings: Settings, opened: Open
) -> None:
    assert settings.shop_replica is not None
    async with _line(settings.shop_replica) as line:
        shop = opened(line.address)
        await eventually_async(lambda: shop.read(where), until=lambda it: it == "replica")
        line.is_dead = True

        assert await shop.read(where) == "primary"
        lost = reads(shop, "primary", "lost")
        asked = line.asked
        for _ in range(50):
            assert await shop.read(where) == "primary"

        assert reads(shop, "primary", "lost") == lost + 50
        # At most the watch has asked meanwhile.
        assert line.asked <= asked + 1
        line.is_dead = False
        await eventually_async(
            lambda: shop.read(where), until=lambda it: it == "replica", timeout=20
        )


async def test_a_service_is_ready_without_its_replica_and_says_what_it_misses(
    settings: Settings,
) -> None:
    nowhere = "postgresql://nobody:nothing@127.0.0.1:1/shop"
    running = Running(settings.model_copy(update={"shop_replica": nowhere}), {"crm"})

    assert await running.connections.shop.read(where) == "primary"
    await running.ready()

    assert running.degraded() == ["replica of shop"]
    await running.close()


async def _read_all_the_time(shop: Database, customer: UUID, position: int) -> None:
    while True:
        # A replica that has just been started again may be behind what it had shown before.
        _, there = await shop.read(knows(customer), after=position)
        assert there
        await asyncio.sleep(0)


class Line:
    """A way to a server, that can be cut as a network is: nobody is told."""

    def __init__(self, server: sa.URL) -> None:
        self.server = server
        self.address = ""
        self.is_dead = False
        self.asked = 0
        self._ways: set[asyncio.Task[None]] = set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        there = await asyncio.open_connection(self.server.host, self.server.port)
        ways = {
            asyncio.create_task(self._carry(reader, there[1])),
            asyncio.create_task(self._carry(there[0], writer)),
        }
        self._ways |= ways
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        writer.close()
        there[1].close()

    async def close(self) -> None:
        for way in self._ways:
            way.cancel()
        await asyncio.gather(*self._ways, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            # What is said on a dead line is lost.
            if not self.is_dead:
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def _line(address: str) -> AsyncIterator[Line]:
    line = Line(sa.make_url(address))
    async with await asyncio.start_server(line.accept, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        line.address = line.server.set(host="127.0.0.1", port=port).render_as_string(False)
        yield line
        await line.close()
