"""The hooks and fixtures of a remote run; the fixtures take the place of `touchstone.fixtures`'.

A test gets the target as its sandbox. What the target does not give ends the test as *not
possible here*, and so does what would be wrong to try.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import pytest

from touchstone import config as configuration
from touchstone.gherkin.scenario_record import scenario_of
from touchstone.masking import mask_of
from touchstone.not_possible import NotPossibleHere
from touchstone.remote.configure import RemoteSandbox, target_of
from touchstone.remote.target import Target
from touchstone.sandbox import Sandbox

SAFE = "safe"


def pytest_report_header(config: pytest.Config) -> list[str]:
    target, platform = _target(config), configuration.load(config.rootpath / "pyproject.toml")
    kind = f"PRODUCTION: only for @{SAFE}" if target.production else "not production"
    width = max(map(len, target.services))
    absent = [
        *(f"service {name}" for name in platform.services if name not in target.services),
        *(f"database {name}" for name in platform.databases if name not in target.databases),
        *([] if target.broker else ["broker"]),
        *([] if target.cache else ["cache"]),
        "files, logs, power over processes",
    ]
    return [
        f"touchstone: remote target {target.name}, {kind}",
        *(f"  {name:{width}}  {address}" for name, address in target.services.items()),
        f"  not given: {', '.join(absent)}",
    ]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """A quiet run has no header, and yet nobody should have to guess what it was about."""
    if config.getoption("verbose", 0) < 0:
        for line in pytest_report_header(config):
            terminalreporter.write_line(line)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse before anything is touched: no fixture of the test is made yet."""
    asked = getattr(item, "fixturenames", ())
    if scenario_of(item) or "sandbox" in asked:
        _guard(item)
        if item.get_closest_marker("processes") or "processes" in asked:
            _has_no_processes(item.config)


@pytest.fixture
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """The target, in the place of a company of the test's own."""
    _guard(request.node)
    return RemoteSandbox(_target(request.config), mask_of(request.config).add)


@pytest.fixture
def note() -> Callable[[str], None]:
    """Nothing of a target is kept, so nobody needs to be told how to use it."""
    return lambda text: None


@pytest.fixture(scope="session")
def keeper(pytestconfig: pytest.Config) -> NoReturn:
    """Not possible here: nothing was started, so nobody keeps it."""
    name = _target(pytestconfig).name
    raise NotPossibleHere(f"needs a sandbox of its own, and the target {name} is none")


@pytest.fixture(scope="session")
def backing(keeper: object) -> None:
    """Not possible here, since `keeper` is not; nor are the three below, which ask for it, too."""


@pytest.fixture
def bare_sandbox(keeper: object) -> None: ...


@pytest.fixture
def private_broker(keeper: object) -> None: ...


@pytest.fixture
def private_replica(keeper: object) -> None: ...


@pytest.fixture
def processes(pytestconfig: pytest.Config) -> None:
    """Not possible here: the processes of a target are not ours to stop."""
    _has_no_processes(pytestconfig)


def _target(config: pytest.Config) -> Target:
    target = target_of(config)
    assert target is not None
    return target


def _guard(item: pytest.Item) -> None:
    target = _target(item.config)
    if target.production and not item.get_closest_marker(SAFE):
        raise NotPossibleHere(
            f"the target {target.name} is production, and what is not tagged @{SAFE} refuses to "
            "run there"
        )


def _has_no_processes(config: pytest.Config) -> NoReturn:
    name = _target(config).name
    raise NotPossibleHere(f"nobody here may stop the processes of the target {name}")
