"""`touchstone`: backing services that stay between runs, sandboxes that were kept, and a demo."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from touchstone import config, demo
from touchstone.backing import providers
from touchstone.backing.servers import Backing, BackingUnavailable
from touchstone.commands import command, version
from touchstone.keeper import discovery
from touchstone.keeper.client import InfrastructureError, KeeperClient, KeeperProcess

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"touchstone {version()}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Say which version."),
    ] = False,
) -> None: ...


Name = Annotated[str, typer.Argument(help="as `touchstone status` lists it")]


_Backing = Annotated[
    str | None,
    typer.Option(
        "--backing",
        envvar="TOUCHSTONE_BACKING",
        callback=lambda name: _known(name),
        help="where the servers come from: programs of this machine or Docker",
    ),
]


def _known(name: str | None) -> str | None:
    if name is not None and name not in providers.PROVIDERS:
        raise typer.BadParameter(
            f"{name} is unknown; choose one of {', '.join(providers.PROVIDERS)}"
        )
    return name


@app.command()
def up(provider: _Backing = None) -> None:
    """Start the backing services and keep them, so that the next pytest starts at once."""
    root = _root()
    try:
        config.load(root / "pyproject.toml")
    except config.ConfigurationError as error:
        raise _failure(str(error)) from None
    with _one_after_the_other(root):
        _start(root, provider or providers.choose())


def _start(root: Path, chosen: str) -> None:
    if discovery.warm(root, chosen):
        typer.echo(f"they run already ({_call('status')})")
        return
    try:
        keeper = KeeperProcess(root, chosen, stay=True)
    except InfrastructureError as error:
        raise _failure(str(error)) from None
    try:
        keeper.wait()
        with contextlib.closing(KeeperClient(keeper.folder.socket)) as client:
            typer.echo(f"backing: {client.backing().summary()}")
    except (InfrastructureError, BackingUnavailable) as error:
        keeper.kill()
        raise _failure(str(error)) from None
    except BaseException:
        keeper.kill()
        raise
    keeper.outlive()
    typer.echo(f"they stay until `{_call('down')}`")


@app.command()
def down() -> None:
    """End the backing services of this project that stay, and drop what is kept in them."""
    found = [socket for socket, said in discovery.running(_root()) if said["stays"] or said["kept"]]
    at_work = sum(discovery.end(socket) for socket in found)
    if at_work:
        runs = "the run that uses" if at_work == 1 else f"the {at_work} runs that use"
        typer.echo(f"they end after {runs} them")
    else:
        typer.echo("ended" if found else "nothing was running")


@app.command()
def status() -> None:
    """List what stays and what is kept on this machine."""
    lines = []
    for socket, said in discovery.running():
        stays = f"stays until `{_call('down')}`" if said["stays"] else "a run"
        lines.append(f"{said['provider']} · {stays} · {said['root']} · {socket.parent}")
        if said["backing"]:
            lines.append(f"  {Backing.from_json(said['backing']).summary()}")
        lines += [f"  kept {name}: {kept['scenario']}" for name, kept in said["kept"].items()]
    typer.echo("\n".join(lines) or "nothing is running")


@app.command()
def open(name: Name) -> None:
    """Let a kept sandbox run on, and say how to look into it."""
    kept = _kept(name)
    _ask(kept, lambda client: client.open(name))
    typer.echo(f"{kept.scenario}\n")
    rows = [*kept.sandbox.services.items(), *demo.behind(kept.sandbox)]
    width = max(len(title) for title, _ in rows)
    typer.echo("\n".join(f"{title:{width}}  {text}" for title, text in rows))
    if kept.notes:
        typer.echo("\n" + "\n".join(kept.notes))
    typer.echo(f"\nwhen done: {_call('drop', name)}")


@app.command()
def drop(name: Name) -> None:
    """Remove a kept sandbox."""
    kept = _kept(name)
    _ask(kept, lambda client: client.drop(name))
    typer.echo(f"dropped {name}")


@app.command("demo")
def run_demo(
    provider: _Backing = None,
    target: Annotated[Path | None, typer.Option(help="the file written for remote runs")] = None,
) -> None:
    """Run the whole platform in the foreground, with a little data in it, until Ctrl-C."""
    root = _root()
    try:
        chosen = provider or providers.choose()
        demo.run(root, chosen, target or root / demo.TARGET, others=target is None)
    except (InfrastructureError, BackingUnavailable, config.ConfigurationError) as error:
        raise _failure(str(error)) from None


def _kept(name: str) -> discovery.Kept:
    found = discovery.kept()
    for kept in found:
        if kept.sandbox.name == name:
            return kept
    names = ", ".join(kept.sandbox.name for kept in found) or "nothing"
    raise _failure(
        f"no sandbox {name} is kept; kept: {names}. "
        f"`{command('pytest')} --keep failed` keeps them.",
        2,
    )


def _ask(kept: discovery.Kept, request: Callable[[KeeperClient], None]) -> None:
    try:
        with contextlib.closing(KeeperClient(kept.socket)) as client:
            request(client)
    except (OSError, InfrastructureError) as error:
        raise _failure(str(error)) from None


@contextlib.contextmanager
def _one_after_the_other(root: Path) -> Iterator[None]:
    """Of those who start servers that stay, one at a time: the others find them."""
    lock = os.open(root / "pyproject.toml", os.O_RDONLY)
    try:
        # A file system without locks is no reason to start nothing.
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _call(*words: str) -> str:
    """How somebody here would type one of our commands."""
    return command("touchstone", *words)


def _root() -> Path:
    """The project that the current folder is in, as pytest would find it: a package in its own
    folder may have a `pyproject.toml`, too."""
    projects = [
        folder
        for folder in (Path.cwd(), *Path.cwd().parents)
        if (folder / "pyproject.toml").is_file()
    ]
    for folder in projects:
        if config.is_in(folder / "pyproject.toml"):
            return folder
    if projects:
        return projects[0]
    raise _failure("no pyproject.toml here or above: run this in a project that touchstone tests.")


def _failure(message: str, status: int = 1) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(status)


if __name__ == "__main__":
    app()
