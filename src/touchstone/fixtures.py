"""The fixtures by which a test gets its sandbox, and what becomes of the sandbox afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from functools import partial

import pytest

from touchstone import plugin
from touchstone.backing.servers import Backing, BackingUnavailable
from touchstone.keeper.client import InfrastructureError, KeeperClient
from touchstone.report.results import KEPT
from touchstone.sandbox import Sandbox

BACKING = "backing"
"""The marker of what uses the servers of the run: `-m backing` runs it again on other ones."""

SANDBOX = pytest.StashKey[Sandbox]()
FAILED = pytest.StashKey[bool]()


class Broken(pytest.fail.Exception):  # type: ignore[misc, name-defined]
    """What a test needs could not be had; the test itself was not tried."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--keep`."""
    parser.getgroup("touchstone").addoption(
        "--keep",
        choices=("nothing", "failed"),
        default="nothing",
        help="keep the sandbox of each failed scenario, frozen, for `touchstone open` "
        "(default: nothing)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers", f"{BACKING}: uses the servers of the run; touchstone gives it to what does"
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what uses the servers; all of it comes by the keeper."""
    if "keeper" in getattr(item, "fixturenames", ()):
        item.add_marker(BACKING)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test may run twice (`--artefacts retried`)."""
    item.stash[FAILED] = False


@pytest.fixture(scope="session")
def keeper(request: pytest.FixtureRequest) -> KeeperClient:
    """This process's connection to the keeper of the run."""
    if plugin.SOCKET not in request.config.stash:
        pytest.fail(
            "touchstone is not configured: add [tool.touchstone] to pyproject.toml", pytrace=False
        )
    return plugin.client_of(request.config)


@pytest.fixture(scope="session")
def backing(keeper: KeeperClient) -> Backing:
    """The running backing services, shared by the whole run."""
    with _or_broken():
        return keeper.backing()


@pytest.fixture
def sandbox(
    keeper: KeeperClient, backing: Backing, request: pytest.FixtureRequest
) -> Iterator[Sandbox]:
    """A whole company of the test's own, with the platform running.

    A test or scenario marked `processes` has each service in a process of its own.
    """
    apart = request.node.get_closest_marker("processes") is not None
    yield from _lease(request, keeper, None, apart=apart)


@pytest.fixture
def note(keeper: KeeperClient, sandbox: Sandbox) -> Callable[[str], None]:
    """Remembers what a person needs to use the sandbox, should it be kept."""
    return partial(keeper.note, sandbox)


@pytest.fixture
def bare_sandbox(
    keeper: KeeperClient, backing: Backing, request: pytest.FixtureRequest
) -> Iterator[Sandbox]:
    """A sandbox without any process of the platform: databases, virtual host, cache, folder."""
    yield from _lease(request, keeper, ())


def _lease(
    request: pytest.FixtureRequest,
    keeper: KeeperClient,
    services: tuple[str, ...] | None,
    *,
    apart: bool = False,
) -> Iterator[Sandbox]:
    with _or_broken():
        sandbox = keeper.sandbox(services, apart=apart).sandbox
    request.node.stash[SANDBOX] = sandbox
    yield sandbox
    del request.node.stash[SANDBOX]
    if request.config.option.keep == "failed" and request.node.stash.get(FAILED, False):
        keeper.keep(sandbox, request.node.name)
        request.node.user_properties.append((KEPT, sandbox.name))
    else:
        keeper.release(sandbox)


@contextlib.contextmanager
def _or_broken() -> Iterator[None]:
    try:
        yield
    except (BackingUnavailable, InfrastructureError) as error:
        raise Broken(str(error), pytrace=False) from None


class Processes:
    """The processes of a sandbox, each named for the service that it runs."""

    def __init__(self, keeper: KeeperClient, sandbox: Sandbox) -> None:
        self._keeper = keeper
        self._sandbox = sandbox

    def stop(self, service: str) -> None:
        """Ask the process to end (SIGTERM), and wait until it has."""
        self._keeper.process(self._sandbox, service, "stop")

    def kill(self, service: str) -> None:
        """End the process at once (SIGKILL)."""
        self._keeper.process(self._sandbox, service, "kill")

    def freeze(self, service: str) -> None:
        """Let the process stand still (SIGSTOP), its connections open."""
        self._keeper.process(self._sandbox, service, "freeze")

    def thaw(self, service: str) -> None:
        """Let a frozen process run on (SIGCONT)."""
        self._keeper.process(self._sandbox, service, "thaw")

    def start(self, service: str, **environment: str) -> None:
        """Start a process again that was ended, at its old address; returns when it is ready.

        `environment` is added to that of the sandbox, for this start.
        """
        self._keeper.process(self._sandbox, service, "start", environment)


@pytest.fixture
def processes(keeper: KeeperClient, sandbox: Sandbox, request: pytest.FixtureRequest) -> Processes:
    """Power over the services of this test's sandbox."""
    if request.node.get_closest_marker("processes") is None:
        pytest.fail(
            "to stop, kill or freeze a service, mark the test `processes` (tag the scenario "
            "@processes): each service then has a process of its own",
            pytrace=False,
        )
    return Processes(keeper, sandbox)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell a scenario that failed from one whose company broke down under it."""
    report = yield
    if call.excinfo and isinstance(call.excinfo.value, Broken):
        # A step may be the first to ask for a sandbox.
        report.infrastructure = str(call.excinfo.value)  # type: ignore[attr-defined]
    elif report.failed:
        item.stash[FAILED] = True
        sandbox = item.stash.get(SANDBOX, None)
        if sandbox is not None and report.when == "call":
            try:
                trouble = plugin.client_of(item.config).trouble(sandbox)
            except InfrastructureError as error:
                trouble = str(error)
            if trouble:
                report.sections.append(("infrastructure", trouble))
                report.infrastructure = trouble  # type: ignore[attr-defined]
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """A company that broke down is an error, not a failure of what the scenario says."""
    if getattr(report, "infrastructure", None):
        return "error", "E", "ERROR"
    return None
