"""The platform as processes that somebody starts and ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest
import typer.main
from typer.core import TyperGroup

from atelier.__main__ import app
from atelier.services import SERVICES
from touchstone.sandbox import Sandbox
from touchstone.waiting import eventually

ATELIER = [sys.executable, "-m", "atelier"]


def environment(given: Mapping[str, str]) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ATELIER_")}
    return {**clean, **given}


@pytest.fixture
def platform(bare_sandbox: Sandbox) -> Iterator[subprocess.Popen[str]]:
    """All services on ports that the system chooses."""
    ports = {f"ATELIER_PORT_{name.upper()}": "0" for name in SERVICES}
    process = subprocess.Popen(
        [*ATELIER, "serve"],
        env=environment({**bare_sandbox.environment, **ports}),
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        process.kill()


def test_it_serves_until_it_is_asked_to_stop(platform: subprocess.Popen[str]) -> None:
    assert platform.stderr is not None
    told = "".join(platform.stderr.readline() for _ in SERVICES)
    addresses = dict(re.findall(r"(\w+): (http://\S+)\n", told))
    assert list(addresses) == list(SERVICES)
    for address in addresses.values():
        answer = eventually(
            lambda address=address: httpx.get(f"{address}/health/ready").status_code,  # type: ignore[misc]
            until=lambda status: status == 200,
            ignoring=(httpx.TransportError,),
            timeout=60,  # it imports all of the platform
        )
        assert answer == 200

    platform.send_signal(signal.SIGTERM)

    _, log = platform.communicate(timeout=60)
    assert platform.returncode == 0
    lines = [json.loads(line) for line in log.splitlines()]
    assert all(
        {"@timestamp", "log.level", "message", "ecs.version"} <= line.keys() for line in lines
    )
    # On a machine that is too busy Redis does not answer in time, and then it has to say so.
    assert not [
        line
        for line in lines
        if line["log.level"] in ("warning", "error") and line.get("event.reason") != "TimeoutError"
    ]


def test_without_settings_it_names_what_is_missing() -> None:
    for command in ("serve", "migrate"):
        refused = subprocess.run(
            [*ATELIER, command], env=environment({}), capture_output=True, text=True, check=False
        )
        assert refused.returncode == 2
        assert "Traceback" not in refused.stderr
        for variable in ("SHOP_DATABASE", "MES_DATABASE", "BROKER", "FILES", "SECRET_KEY"):
            assert f"ATELIER_{variable}: field required" in refused.stderr


def commands(group: TyperGroup, *before: str) -> Iterator[tuple[str, ...]]:
    """All commands but `serve` that need no argument to be tried."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, *before, name)
        elif name != "serve" and not any(each.required for each in command.params):
            yield *before, name, *_NEEDED.get((*before, name), ())


_ALL = typer.main.get_command(app)
assert isinstance(_ALL, TyperGroup)
_NEEDED = {("seed",): ("--small",), ("dlq", "replay"): ("--all",), ("letters", "send"): ("--all",)}


@pytest.mark.parametrize("command", [*commands(_ALL)], ids=" ".join)
def test_a_command_whose_servers_are_away_says_so_in_a_sentence(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    nowhere = "127.0.0.1:9"
    settings = {
        "ATELIER_SHOP_DATABASE": f"postgresql://{nowhere}/shop",
        "ATELIER_MES_DATABASE": f"postgresql://{nowhere}/mes",
        "ATELIER_BROKER": f"amqp://{nowhere}/",
        "ATELIER_CACHE": f"redis://{nowhere}/0",
        "ATELIER_FILES": str(tmp_path),
        "ATELIER_SECRET_KEY": "a key that signs nothing outside this test",
    }
    refused = subprocess.run(
        [*ATELIER, *command], env=environment(settings), capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2, refused.stderr
    assert "Traceback" not in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_an_unknown_service_is_refused() -> None:
    refused = subprocess.run(
        [*ATELIER, "serve", "shop", "forge"], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert "There is no service forge; there are: shop, partner" in refused.stderr


def test_a_process_that_has_imported_it_can_be_forked() -> None:
    look = """
import asyncio, psutil, sys, threading
import atelier.data.migrate, atelier.serve
assert threading.active_count() == 1, threading.enumerate()
# Only who collects traces imports what sends them.
assert "opentelemetry.sdk.trace" not in sys.modules
assert psutil.Process().net_connections() == []
assert asyncio.events._get_running_loop() is None
assert not asyncio.get_event_loop_policy()._local._set_called
"""
    looked = subprocess.run(
        [sys.executable, "-c", look],
        env=environment({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert looked.returncode == 0, looked.stderr
