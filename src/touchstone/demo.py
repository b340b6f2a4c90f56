"""`touchstone demo`: the whole platform in the foreground, with a little data, until Ctrl-C.

It is a sandbox like any other, but for addresses that people can remember, and what the project's
own `seed` has put into it. A target file lets a remote run try it from outside.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shlex
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.text import Text

from touchstone import config
from touchstone.backing import programs
from touchstone.commands import near
from touchstone.keeper.client import InfrastructureError, KeeperClient, KeeperProcess
from touchstone.sandbox import Sandbox
from touchstone.zygote import owner
from touchstone.zygote.child import resolve

TARGET = Path(".touchstone", "demo.toml")
_MOST_DEMOS = 100
FIRST_PORT = 8001
"""Services listen on this one and the following, each where it is free."""


@dataclass(frozen=True)
class Login:
    """Somebody who can go into a service; `key` is all that a program needs."""

    service: str
    who: str
    name: str
    key: str


@dataclass(frozen=True)
class Seeded:
    """What a project's `seed` has put into the platform.

    `accounts` and `secrets` are those of a target; `told` are lines for people.
    """

    logins: Sequence[Login] = ()
    accounts: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    told: Sequence[str] = ()


def run(root: Path, provider: str, target: Path, *, others: bool = False) -> None:
    """Start everything, say where it is, and end it all when somebody presses Ctrl-C.

    Meanwhile the file `target` is there, for a remote run – or one beside it, where another demo
    has that and `others` serve as well.

    Raises:
        InfrastructureError, BackingUnavailable, ConfigurationError: it could not be started.
    """
    platform = config.load(root / "pyproject.toml")
    console = Console(highlight=False)
    # Whoever starts us in the background has us ignore Ctrl-C; and a polite end is one, too.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with contextlib.ExitStack() as closing:
        # Before anything is started: whoever may not have it is told at once.
        target = closing.enter_context(target_file(target, others=others))
        keeper = KeeperProcess(root, provider)
        closing.callback(_end, console, keeper)
        # Below, so that Ctrl-C ends the start as well.
        closing.enter_context(contextlib.suppress(KeyboardInterrupt))
        with console.status("starting PostgreSQL, RabbitMQ and Redis"):
            keeper.wait()
            client = closing.enter_context(
                contextlib.closing(KeeperClient(keeper.folder.socket, _run()))
            )
            client.own(owner.usual_start())
            summary = client.backing().summary()
        with console.status("starting the platform"):
            sandbox = client.sandbox(ports=_free_ports(platform.services, closing)).sandbox
        with console.status("putting a little data into it"):
            seeded = _seed(platform, sandbox)
        _write(target, sandbox, seeded)
        _show(console, root, target, summary, sandbox, seeded)
        keeper.wait_for_end()
        console.print("The backing services have ended by themselves.", style="red")


def behind(sandbox: Sandbox) -> list[tuple[str, str]]:
    """How to look into what is behind the services: a title and a command or an address each."""
    broker = sandbox.broker
    return [
        *((f"database {name}", f"psql {each.primary}") for name, each in sandbox.databases.items()),
        (
            "broker",
            f"{broker.management}/#/queues/{broker.vhost}  ({broker.user} / {broker.password})",
        ),
        ("cache", f"redis-cli -u {sandbox.cache}"),
        ("files", str(sandbox.files)),
        ("logs", str(sandbox.logs)),
    ]


def _run() -> str:
    return f"demo{secrets.token_hex(2)}"


@contextlib.contextmanager
def target_file(target: Path, *, others: bool) -> Iterator[Path]:
    """An empty file for this process alone, which goes when it ends.

    It is `target`, or where another process has that, and `others` serve as well, the first of
    `demo-2.toml`, `demo-3.toml` … that is free. One that nobody locks was left by a killed demo.

    Raises:
        InfrastructureError: another process has it, or it cannot be written.
    """
    beside = (target.with_stem(f"{target.stem}-{number}") for number in range(2, _MOST_DEMOS))
    for place in (target, *(beside if others else ())):
        if (lock := _locked(place)) is not None:
            break
    else:
        raise InfrastructureError(
            f"another demo that still runs has written {target}; choose another --target."
        )
    try:
        yield place
    finally:
        # Before the lock goes, so that nobody else's is removed.
        place.unlink(missing_ok=True)
        os.close(lock)


def _locked(place: Path) -> int | None:
    """The descriptor of a new file in that place, locked; None when another process has it."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        while True:
            lock = os.open(place, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Its last owner may have removed it between our two calls.
                if place.exists() and os.path.samestat(os.fstat(lock), place.stat()):
                    os.ftruncate(lock, 0)
                    os.fchmod(lock, 0o600)
                    return lock
                os.close(lock)
            except BlockingIOError:
                os.close(lock)
                return None
    except OSError as error:
        raise InfrastructureError(
            f"{place} cannot be written ({error.strerror or error}); choose another --target."
        ) from None


def _free_ports(services: Iterable[str], closing: contextlib.ExitStack) -> dict[str, int]:
    """The ports that people can remember, as far as they are free; no other demo gets them."""
    return {
        service: port
        for port, service in enumerate(services, start=FIRST_PORT)
        if programs.claimed(port, closing)
    }


def _seed(platform: config.Platform, sandbox: Sandbox) -> Seeded:
    if platform.seed is None:
        return Seeded()
    sys.path.insert(0, str(platform.root))
    seeded: Seeded = resolve(platform.seed)(sandbox)
    return seeded


def _write(target: Path, sandbox: Sandbox, seeded: Seeded) -> None:
    """Write down what a remote run needs, for nobody else to read."""
    lines = ['name = "demo"', "production = false"]
    tables = {
        "services": sandbox.services,
        "accounts": seeded.accounts,
        "secrets": seeded.secrets,
    }
    for name, table in tables.items():
        # What is a string in JSON is one in TOML.
        lines += ["", f"[{name}]", *(f"{key} = {json.dumps(table[key])}" for key in table)]
    target.write_text("\n".join(lines) + "\n", "utf-8")


def _show(
    console: Console, root: Path, target: Path, summary: str, sandbox: Sandbox, seeded: Seeded
) -> None:
    console.print(Text("touchstone demo", "bold"), Text(f"· {summary}", "dim"), soft_wrap=True)
    who_width = max((len(login.who) for login in seeded.logins), default=0)
    name_width = max((len(login.name) for login in seeded.logins), default=0)
    for service, address in sandbox.services.items():
        console.print()
        console.print(Text(f"  {service:9}", "bold"), Text(address, "cyan"), soft_wrap=True)
        for login in seeded.logins:
            if login.service == service:
                who = Text(f"            {login.who:{who_width}}  ", "dim")
                # Never cut or broken: it is to be copied.
                console.print(who, f"{login.name:{name_width}}  {login.key}", soft_wrap=True)
    console.print()
    for line in seeded.told:
        console.print(f"  {line}", soft_wrap=True, markup=False)
    console.print()
    for title, text in behind(sandbox):
        console.print(Text(f"  {title:14}", "bold"), Text(text), soft_wrap=True)
    program = near(Path(sys.executable))
    features = ["features"] if (root / "features").is_dir() else []
    command = [program, "-m", "pytest", *features, "-m", "smoke", "--target", near(target)]
    console.print("\n  Try it from outside, in another terminal:")
    console.print(Text(f"    {shlex.join(command)}", "green"), soft_wrap=True)
    console.print("\n  Ctrl-C ends everything.", style="bold")


def _end(console: Console, keeper: KeeperProcess) -> None:
    # A second Ctrl-C, out of impatience, must not leave half of it running.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with console.status("ending everything"):
        keeper.close()
    console.print("\n  Ended; nothing is left.")
