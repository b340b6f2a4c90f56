"""What the keeper does with the processes of a sandbox, told without any process."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest

from touchstone.config import parse
from touchstone.keeper.health import Readiness
from touchstone.keeper.owned_sandbox import OwnedSandbox
from touchstone.sandbox import Broker, Sandbox
from touchstone.zygote.owner import Forked, Zygote, ZygoteDied

SERVICES = ("desk", "shelf")


class Births:
    """In place of a zygote: notes what it would have begun, and what it would have killed."""

    def __init__(self) -> None:
        self.begun: list[dict[str, int]] = []
        self.environments: list[Mapping[str, str]] = []
        self.killed: list[int] = []
        self.died = False
        self._pids = itertools.count(1001)
        self._ports = itertools.count(5001)

    def serve(
        self, ports: Mapping[str, int], environment: Mapping[str, str], folder: Path, log: Path
    ) -> Forked:
        self.begun.append(dict(ports))
        self.environments.append(environment)
        got = {name: port or next(self._ports) for name, port in ports.items()}
        return Forked(next(self._pids), got, log)

    def alive(self, pids: Sequence[int]) -> list[int]:
        if self.died:
            raise ZygoteDied("the process that imports the platform ended")
        return [pid for pid in pids if pid not in self.killed]

    def kill(self, pids: Sequence[int]) -> None:
        self.killed += pids


class Asked:
    """In place of asking services until they can work."""

    def __init__(self) -> None:
        self.urls: list[Mapping[str, str]] = []

    def wait(self, urls: Mapping[str, str], **_: object) -> None:
        self.urls.append(urls)


@pytest.fixture
def births() -> Births:
    return Births()


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def owned(births: Births, asked: Asked) -> OwnedSandbox:
    sandbox = Sandbox(
        name="s1",
        services={},
        databases={},
        broker=Broker("amqp://u:p@h:1/s1", "http://h:2", "s1", "u", "p"),
        cache="redis://h/1",
        files=Path("/nowhere/s1/files"),
        logs=Path("/nowhere/s1/logs"),
        environment={"LIBRARY_NAME": "s1"},
    )
    return OwnedSandbox(
        sandbox,
        1,
        {},
        platform=parse(DESCRIPTION, Path("/nowhere/pyproject.toml")),
        zygote=cast("Zygote", births),
        readiness=cast("Readiness", asked),
    )


DESCRIPTION = """
[tool.touchstone]
serve = "library:serve"
migrate = "library:migrate"
databases = []
services = { desk = { health = "/desk/health?deep" }, shelf = { health = "/shelf/health?deep" } }
"""


def test_services_share_a_process_or_have_each_their_own(
    owned: OwnedSandbox, births: Births
) -> None:
    owned.begin(SERVICES, apart=False, ports={})
    assert list(owned.processes) == ["platform"]

    owned.processes.clear()
    owned.begin(SERVICES, apart=True, ports={"shelf": 4711})
    assert list(owned.processes) == ["desk", "shelf"]

    assert births.begun == [{"desk": 0, "shelf": 0}, {"desk": 0}, {"shelf": 4711}]
    assert owned.sandbox.services["shelf"] == "http://127.0.0.1:4711"


def test_all_that_have_begun_are_asked_by_the_whole_of_their_path(
    owned: OwnedSandbox, asked: Asked
) -> None:
    owned.begin(SERVICES, apart=True, ports={"desk": 1, "shelf": 2})

    owned.wait_until_ready()

    assert asked.urls == [
        {
            "desk": "http://127.0.0.1:1/desk/health?deep",
            "shelf": "http://127.0.0.1:2/shelf/health?deep",
        }
    ]


def test_what_was_killed_starts_again_at_its_address_with_what_is_added(
    owned: OwnedSandbox, births: Births, asked: Asked
) -> None:
    owned.begin(SERVICES, apart=True, ports={})
    address = owned.sandbox.services["desk"]
    owned.send_signal("desk", signal.SIGKILL)
    assert births.killed == [1001]

    owned.start("desk", {"LIBRARY_LANGUAGE": "ru"})

    assert owned.sandbox.services["desk"] == address
    assert births.environments[-1] == {"LIBRARY_NAME": "s1", "LIBRARY_LANGUAGE": "ru"}
    assert list(asked.urls[-1]) == ["desk"]


@pytest.mark.parametrize("name", ["desk", "cellar"])
def test_what_runs_or_never_was_cannot_be_started(owned: OwnedSandbox, name: str) -> None:
    owned.begin(SERVICES, apart=True, ports={})

    with pytest.raises(LookupError, match=rf"{name} cannot be started.*running: desk, shelf\."):
        owned.start(name, {})


def test_who_would_end_one_service_of_several_is_told_how(owned: OwnedSandbox) -> None:
    owned.begin(SERVICES, apart=False, ports={})

    with pytest.raises(LookupError, match=r"running: platform.* tag the scenario @processes"):
        owned.send_signal("desk", signal.SIGKILL)


def test_what_its_scenario_has_ended_is_no_trouble_and_all_else_is(
    owned: OwnedSandbox, births: Births
) -> None:
    owned.begin(SERVICES, apart=True, ports={})
    owned.send_signal("desk", signal.SIGKILL)
    assert owned.trouble() == ""

    births.killed.append(owned.processes["shelf"].pid)
    assert owned.trouble().startswith("a process of the platform ended by itself; it logged:")

    births.died = True
    assert owned.trouble().startswith("the process that imports the platform ended; it logged:")
