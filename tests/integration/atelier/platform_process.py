"""The platform as a process of its own, with settings that a test chooses."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
from playwright.sync_api import Page

from atelier.services import SERVICES
from fixtures.company import Company, WayIn
from touchstone.sandbox import Sandbox
from touchstone.waiting import eventually

ATELIER = (sys.executable, "-m", "atelier")


@dataclass
class Running:
    """`sandbox` knows the addresses of the services that run."""

    process: subprocess.Popen[str]
    sandbox: Sandbox
    _log: Path

    @property
    def log(self) -> str:
        """What it has written so far."""
        return self._log.read_text()

    def stop(self) -> None:
        """SIGTERM, and wait for the end."""
        self.process.terminate()
        self.process.wait(timeout=30)


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """This process's, but for the platform's settings, which are the given ones."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ATELIER_")}
    return {**clean, **given}


@contextmanager
def running(sandbox: Sandbox, folder: Path, *services: str, **settings: str) -> Iterator[Running]:
    """The services, all by default, on ports that the system chooses; ready when it begins."""
    chosen = services or tuple(SERVICES)
    ports = {f"ATELIER_PORT_{name.upper()}": "0" for name in chosen}
    log = folder / "platform.log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            [*ATELIER, "serve", *chosen],
            env=environment({**sandbox.environment, **ports, **settings}),
            stderr=output,
            text=True,
        ) as process,
    ):
        try:
            addresses = eventually(
                lambda: dict(re.findall(r"^(\w+): (http://\S+)$", log.read_text(), re.MULTILINE)),
                until=lambda found: len(found) == len(chosen),
                timeout=60,
            )
            for address in addresses.values():
                eventually(
                    lambda address=address: (
                        httpx.get(  # type: ignore[misc]
                            f"{address}/health/ready", timeout=30
                        ).status_code
                    ),
                    until=lambda status: status == 200,
                    ignoring=(httpx.TransportError,),
                    timeout=60,
                )
            yield Running(process, replace(sandbox, services=addresses), log)
        finally:
            process.kill()


@contextmanager
def company_of(platform: Running) -> Iterator[Company]:
    """The people of a company whose services run in `platform`; none of them has a browser."""

    def no_window(person: str) -> Page:
        raise AssertionError(f"{person} has no browser here")

    with ExitStack() as closing:
        yield Company(platform.sandbox, WayIn.API, no_window, lambda _: None, closing)


def command(sandbox: Sandbox, *words: str) -> subprocess.CompletedProcess[str]:
    """What the platform's command line does with the sandbox's settings."""
    return subprocess.run(
        [*ATELIER, *words],
        env=environment(sandbox.environment),
        capture_output=True,
        text=True,
        check=False,
    )
