"""Parts of the platform, run inside the test on a sandbox without the platform's processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from atelier.data.database import Database
from atelier.data.shop import Partner
from atelier.messaging.broker import BrokerConnection
from atelier.services import SUBSCRIPTIONS
from atelier.settings import Settings
from atelier.storage.blob_store import BlobStore, Bucket, Folder
from fixtures.settings import settings_of
from tests.integration.atelier.background import Runs, Start
from tests.integration.atelier.moved import Moved
from tests.integration.atelier.s3_server import S3, s3_server
from touchstone.sandbox import Sandbox

# Their assertions are to tell what they compared, as those of test modules do.
pytest.register_assert_rewrite(
    "tests.integration.atelier.order_flow", "tests.integration.atelier.partner_client"
)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    # uvloop swallows what pytest-timeout raises: a test that hangs would never end.
    return "asyncio", {"use_uvloop": False}


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    """An S3 that all tests of a module share, each with a bucket of its own."""
    with s3_server() as server:
        yield server


@pytest.fixture(params=["folder", "s3"])
def blob_store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    """One of either kind, empty."""
    if request.param == "folder":
        return Folder(tmp_path)
    s3: S3 = request.getfixturevalue("s3")
    return Bucket(f"s3://{s3.make_bucket()}/of/customers", **s3.options)


@pytest.fixture
def settings(bare_sandbox: Sandbox) -> Settings:
    """The sandbox's, but with retries that come quickly."""
    return settings_of(bare_sandbox, retry_delays=(0.05, 0.1, 0.2))


@pytest.fixture
async def shop(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings.shop_database, settings.shop_replica)
    yield database
    await database.close()


@pytest.fixture
async def mes(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings.mes_database)
    yield database
    await database.close()


@pytest.fixture
async def broker(settings: Settings) -> AsyncIterator[BrokerConnection]:
    """The connection of one process; a test that is about several makes others itself."""
    connection = BrokerConnection(settings.broker, SUBSCRIPTIONS)
    yield connection
    await connection.close()


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Runs relays and consumers in the background until the test ends."""
    tasks: list[asyncio.Task[None]] = []

    def start(worker: Runs) -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(worker.run()))
        return tasks[-1]

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def partner(shop: Database) -> Partner:
    async with shop.session() as session:
        partner = Partner(name="Goldfinch & Sons")
        session.add(partner)
    return partner


@pytest.fixture
def moved(request: pytest.FixtureRequest) -> Iterator[Moved]:
    """Holds a test to what it says that it `moves`."""
    watched = Moved()
    yield watched
    watched.look()
    left = watched.without(getattr(request.function, "moves", ()))
    assert not left, f"not moved: {'; '.join(left)}"
