"""The pytest plugin: options, fixtures and the life of a run.

The controller of a run (the process that the user started; under xdist the one without tests)
owns a keeper. Every process that runs tests holds one connection to it.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from touchstone import progress, report, run
from touchstone.backing import PROVIDERS, Backing, BackingUnavailable, Broker
from touchstone.keeper_client import InfrastructureError, KeeperClient, KeeperProcess, Lease
from touchstone.sandbox import Sandbox

pytest_plugins = [
    "touchstone.scenarios",
    "touchstone.results",
    "touchstone.artefacts",
    "touchstone.browser",
    "touchstone.progress",
    "touchstone.report",
]

KEEPER = pytest.StashKey[KeeperProcess]()
SOCKET = pytest.StashKey[Path]()
CLIENT = pytest.StashKey[KeeperClient]()
FOLLOWER = pytest.StashKey[threading.Thread]()
OUTER_RUN = pytest.StashKey[str | None]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add touchstone's options."""
    group = parser.getgroup("touchstone")
    group.addoption(
        "--backing",
        choices=PROVIDERS,
        default=os.environ.get("TOUCHSTONE_BACKING", "native"),
        help="where PostgreSQL, RabbitMQ and Redis come from: programs of this machine (native, "
        "the default) or Docker (containers)",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the keeper in the controller; tell workers where it listens."""
    config = session.config
    if _is_worker(config):
        config.stash[SOCKET] = Path(os.environ[run.VARIABLE]) / "keeper.sock"
        return
    if config.option.collectonly or not _is_configured(config):
        return
    keeper = KeeperProcess(config.rootpath, config.option.backing)
    config.stash[KEEPER] = keeper
    config.stash[SOCKET] = keeper.folder.socket
    # What this process starts – workers, browsers – is found by it when the run is cleared away.
    config.stash[OUTER_RUN] = os.environ.get(run.VARIABLE)
    os.environ[run.VARIABLE] = str(keeper.folder.path)
    keeper.wait()
    if config.option.progress:
        config.stash[FOLLOWER] = threading.Thread(target=_follow, args=(config,), daemon=True)
        config.stash[FOLLOWER].start()


def _follow(config: pytest.Config) -> None:
    """Show what the keeper is starting, until the run ends."""
    status = ""
    with (
        contextlib.closing(KeeperClient(config.stash[SOCKET])) as client,
        contextlib.suppress(InfrastructureError),
    ):
        while True:
            status = client.status(status)
            progress.status(config, status)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Have started, while other tests run, what the collected tests will need."""
    wanted = [_fixtures(item) for item in session.items]
    if any("keeper" in names for names in wanted) and SOCKET in session.config.stash:
        _client(session.config).expect(sum("sandbox" in names for names in wanted))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End everything that the run has started."""
    if client := config.stash.get(CLIENT, None):
        client.close()
    if keeper := config.stash.get(KEEPER, None):
        keeper.close()
        if follower := config.stash.get(FOLLOWER, None):
            follower.join()
        outer = config.stash[OUTER_RUN]
        if outer is None:
            del os.environ[run.VARIABLE]
        else:
            os.environ[run.VARIABLE] = outer


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say where backing services come from."""
    if not _is_configured(config):
        return None
    return f"touchstone: backing services {config.option.backing}"


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what the backing services were and how long their start took."""
    if config.stash.get(KEEPER, None) is None:
        return
    if started := _client(config).started():
        terminalreporter.write_line(f"backing: {started.summary()}")
        report.note(config, f"backing: {started.summary()}")


@pytest.fixture(scope="session")
def keeper(request: pytest.FixtureRequest) -> KeeperClient:
    """This process's connection to the keeper of the run."""
    if SOCKET not in request.config.stash:
        pytest.fail(
            "touchstone is not configured: add [tool.touchstone] to pyproject.toml", pytrace=False
        )
    return _client(request.config)


@pytest.fixture(scope="session")
def backing(keeper: KeeperClient) -> Backing:
    """The running backing services, shared by the whole run."""
    try:
        return keeper.backing()
    except (BackingUnavailable, InfrastructureError) as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def sandbox(keeper: KeeperClient, backing: Backing) -> Iterator[Sandbox]:
    """A whole company of the test's own, with the platform running."""
    yield from _lease(keeper, None)


@pytest.fixture
def bare_sandbox(keeper: KeeperClient, backing: Backing) -> Iterator[Sandbox]:
    """A sandbox without any process of the platform: databases, virtual host, cache, folder."""
    yield from _lease(keeper, ())


class PrivateBroker:
    """A RabbitMQ of one test's own, which it may stop and start again."""

    def __init__(self, keeper: KeeperClient, name: str) -> None:
        self._keeper = keeper
        self._name = name
        self.broker: Broker = keeper.start_broker(name)

    @property
    def amqp(self) -> str:
        """The `amqp://` address of its default virtual host; the same after a restart."""
        return self.broker.amqp("%2F")

    def stop(self) -> None:
        """Stop it in an orderly way; what is durable stays on disk."""
        self._keeper.stop_broker(self._name)

    def start(self) -> None:
        """Start it again on what it kept; returns when it answers."""
        self.broker = self._keeper.start_broker(self._name)


@pytest.fixture
def private_broker(
    keeper: KeeperClient, backing: Backing, request: pytest.FixtureRequest
) -> Iterator[PrivateBroker]:
    """A RabbitMQ that no other test uses, so that its failure disturbs nobody."""
    name = f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}-{abs(hash(request.node.nodeid)):x}"
    yield PrivateBroker(keeper, name)
    keeper.end_broker(name)


def _lease(keeper: KeeperClient, services: tuple[str, ...] | None) -> Iterator[Sandbox]:
    try:
        lease: Lease = keeper.sandbox(services)
    except (BackingUnavailable, InfrastructureError) as error:
        pytest.fail(str(error), pytrace=False)
    yield lease.sandbox
    keeper.release(lease.sandbox)


def _client(config: pytest.Config) -> KeeperClient:
    if CLIENT not in config.stash:
        config.stash[CLIENT] = KeeperClient(config.stash[SOCKET])
    return config.stash[CLIENT]


def _fixtures(item: pytest.Item) -> frozenset[str]:
    return frozenset(getattr(item, "fixturenames", ()))


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _is_configured(config: pytest.Config) -> bool:
    pyproject = config.rootpath / "pyproject.toml"
    return pyproject.is_file() and "[tool.touchstone]" in pyproject.read_text("utf-8")
