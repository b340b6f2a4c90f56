"""The keeper as the rest of a run sees it: the controller starts it, workers talk to it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from touchstone import config, reaping, run, surroundings
from touchstone.backing.servers import Backing, BackingUnavailable
from touchstone.json_lines import Channel
from touchstone.sandbox import Sandbox

END_TIMEOUT = 30.0


class InfrastructureError(Exception):
    """What a scenario needs could not be made; the scenario itself was not tried."""


@dataclass(frozen=True)
class Allocation:
    """A sandbox that was handed out: how long it was waited for, and whether it was ready.

    `seconds` says how long each part of its making took.
    """

    sandbox: Sandbox
    pooled: bool
    waited: float
    seconds: dict[str, float]


class KeeperProcess:
    """A running keeper, owned by the controller of a run – or by nobody, when it `stays`."""

    def __init__(
        self, root: Path, provider: str, parent: Path | None = None, *, stay: bool = False
    ) -> None:
        """Begin to start it.

        Raises:
            InfrastructureError: there is nowhere to keep the files of a run.
        """
        surroundings.open_standard_files()
        # Popen learns of a child's end only where that is not ignored.
        surroundings.restore_signals()
        self.folder = _folder(parent)
        log = (self.folder.path / "keeper.log").open("ab")
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "touchstone.keeper",
                str(self.folder.path),
                str(root),
                str(self.folder.lock),
                provider,
                *(["--stay"] if stay else []),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=root,
            env=surroundings.python(
                *config.inherited(root / "pyproject.toml"),
                **{surroundings.VARIABLE: str(self.folder.path)},
            ),
            pass_fds=[self.folder.lock],
            # A Ctrl-C must reach the controller only: it decides when the keeper ends.
            start_new_session=True,
        )
        log.close()

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            InfrastructureError: it ended instead; the text is what it said.
        """
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            self._process.wait()
            said = (self.folder.path / "keeper.log").read_text("utf-8", "replace").strip()
            raise InfrastructureError(said or "the keeper of the run ended without a word.")

    def wait_for_end(self) -> None:
        """Return when it has ended, whoever ended it."""
        self._process.wait()

    def close(self) -> None:
        """Have it end everything of the run, and make sure that it did."""
        self._let_go()
        try:
            self._process.wait(END_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self.folder.path.exists():
            reaping.remove(self.folder.path)

    def _let_go(self) -> None:
        """Close the lifeline: the keeper ends as soon as it keeps nothing any more."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        os.close(self.folder.lock)

    def kill(self) -> None:
        """End it and what it has started, without asking."""
        self._process.kill()
        self.close()

    def outlive(self) -> None:
        """Close the lifeline of a keeper that has something to keep, and leave it alone."""
        self._let_go()
        # Popen warns of a process that outlives it; this one is meant to.
        self._process.returncode = 0


def _folder(parent: Path | None) -> run.RunFolder:
    try:
        return run.create(parent or run.default_parent())
    except run.NoPlace as error:
        raise InfrastructureError(str(error)) from None
    except OSError as error:
        raise InfrastructureError(
            f"a run cannot make its folder ({error}); set TMPDIR to a folder that you may write to."
        ) from None


class KeeperClient:
    """One connection to a keeper, for the `run` of that name.

    What it holds is dropped when it closes.
    """

    def __init__(self, address: Path, run: str = "") -> None:
        self._run = run
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(address))
        except OSError:
            connection.close()
            raise
        self._channel = Channel(connection)

    def own(self, start: str) -> None:
        """End the run when this connection closes; `start` is one of `zygote.owner.STARTS`."""
        self._ask("own", run=self._run, start=start)

    def expect(self, sandboxes: int) -> None:
        """Have everything started in the background, and `sandboxes` of them made in time."""
        self._ask("expect", run=self._run, sandboxes=sandboxes)

    def backing(self) -> Backing:
        """The backing services; waits until they run."""
        return Backing.from_json(self._ask("backing"))

    def started(self) -> Backing | None:
        """The backing services when they run already; does not start them."""
        answer = self._ask("started")
        return Backing.from_json(answer) if answer else None

    def status(self, known: str) -> str:
        """What is being started, or empty; waits until it is another than the `known` one."""
        return str(self._ask("status", known=known)["status"])

    def sandbox(
        self,
        services: Sequence[str] | None = None,
        *,
        apart: bool = False,
        ports: Mapping[str, int] | None = None,
    ) -> Allocation:
        """A sandbox with these services running, in one process or apart; None means all.

        `ports` are those that services are to listen on, where they are free; any by default.
        """
        answer = self._ask(
            "sandbox",
            run=self._run,
            services=None if services is None else list(services),
            apart=apart,
            ports=dict(ports) if ports else None,
        )
        return Allocation(
            Sandbox.from_json(answer["sandbox"]),
            answer["pooled"],
            answer["waited"],
            answer["seconds"],
        )

    def release(self, sandbox: Sandbox) -> None:
        """Give a sandbox back; it is removed in the background."""
        self._ask("release", name=sandbox.name)

    def process(
        self,
        sandbox: Sandbox,
        process: str,
        action: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`stop`, `kill`, `freeze`, `thaw` or `start` one process of a sandbox."""
        self._ask(
            "process",
            name=sandbox.name,
            process=process,
            action=action,
            environment=dict(environment or {}),
        )

    def trouble(self, sandbox: Sandbox) -> str:
        """What happened to a sandbox that its scenario has not done; empty when nothing."""
        return str(self._ask("health", name=sandbox.name)["trouble"])

    def note(self, sandbox: Sandbox, text: str) -> None:
        """Remember what a person needs to use the sandbox, should it be kept."""
        self._ask("note", name=sandbox.name, text=text)

    def keep(self, sandbox: Sandbox, scenario: str) -> None:
        """Freeze the sandbox and keep it beyond the run."""
        self._ask("keep", name=sandbox.name, scenario=scenario)

    def start_private(self, kind: str, name: str) -> dict[str, Any]:
        """Start a `broker` or `replica` of one's own, or start it again on what it kept.

        The answer has the fields of a `BrokerServer` or a `Server`.
        """
        return self._ask("private", kind=kind, name=name, action="start")

    def stop_private(self, kind: str, name: str) -> None:
        """Stop it: a broker in an orderly way, a replica at once."""
        self._ask("private", kind=kind, name=name, action="stop")

    def end_private(self, kind: str, name: str) -> None:
        """End it for good."""
        self._ask("private", kind=kind, name=name, action="end")

    def describe(self) -> dict[str, Any]:
        """What the keeper is, and which sandboxes it keeps."""
        return self._ask("describe")

    def open(self, name: str) -> None:
        """Let a kept sandbox run on."""
        self._ask("open", name=name)

    def drop(self, name: str) -> None:
        """Remove a kept sandbox."""
        self._ask("drop", name=name)

    def stop(self) -> int:
        """End the keeper, with everything, after the runs that use it; how many there are."""
        # A keeper that was started before an update of this code may say less.
        return int(self._ask("stop").get("at_work", 0))

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def _ask(self, request: str, **more: Any) -> dict[str, Any]:
        try:
            self._channel.send({"request": request, **more})
            answer = self._channel.receive()
        except OSError as error:
            raise InfrastructureError(f"the keeper of this run has ended ({error})") from None
        if answer is None:
            raise InfrastructureError("the keeper of this run has ended")
        if "error" in answer:
            kind = BackingUnavailable if answer["kind"] == "BackingUnavailable" else None
            raise (kind or InfrastructureError)(answer["error"])
        return answer
