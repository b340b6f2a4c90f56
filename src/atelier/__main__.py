"""The platform's command line."""

from __future__ import annotations

import socket
from importlib import metadata
from typing import Annotated

import typer

from atelier.admin import command_line
from atelier.command_errors import refuse, refusing
from atelier.services import SERVICES
from atelier.settings import BadSettings, ports, settings

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The jeweller's platform.")
for _service in SERVICES.values():
    if _service.command:
        app.add_typer(_service.commands(), name=_service.command.name, help=_service.command.help)


def _tell_version(asked: bool) -> None:
    if asked:
        try:
            typer.echo(f"atelier {metadata.version('atelier')}")
        except metadata.PackageNotFoundError:
            typer.echo("atelier (not installed: run from a folder)")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Say which version."),
    ] = False,
) -> None: ...


@app.command()
def serve(
    services: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SERVICE]...", help=f"Of {', '.join(SERVICES)}; all by default."),
    ] = None,
) -> None:
    """Run services in this process, on ATELIER_HOST and ATELIER_PORT_<SERVICE>."""
    chosen = services or list(SERVICES)
    if unknown := set(chosen) - set(SERVICES):
        refuse(
            f"There is no service {', '.join(sorted(unknown))}; there are: {', '.join(SERVICES)}."
        )
    try:
        host = settings().host
        usual = {service: SERVICES[service].port for service in chosen}
        listeners = {service: _listen(host, port) for service, port in ports(usual).items()}
        for service, listener in listeners.items():
            typer.echo("{}: http://{}:{}".format(service, *listener.getsockname()[:2]), err=True)
        from atelier.serve import serve as run  # all of the platform; not needed for a refusal

        run(listeners)
    except BadSettings as error:
        refuse(str(error))


@app.command()
def migrate() -> None:
    """Bring both databases to the newest version."""
    with refusing():
        settings()
        from atelier.data.migrate import migrate as run

        run()


@app.command()
def seed(
    small: Annotated[bool, typer.Option("--small", help="300 orders, to try things out.")] = False,
    orders: Annotated[int, typer.Option(min=1, help="How many orders in all.")] = 1_000_000,
    active: Annotated[int, typer.Option(min=0, help="How many of them are active work.")] = 50_000,
    seed: Annotated[int, typer.Option(min=0, help="The same number, the same company.")] = 1,
    password: Annotated[
        str | None, typer.Option(help="Of all people; a random one by default.")
    ] = None,
) -> None:
    """Fill empty databases with people, and orders that have come some way."""
    if not small and active > orders * 4 // 5:
        refuse(f"Of {orders} orders at most {orders * 4 // 5} can be active work.")
    with refusing():
        settings()
        from atelier.seeding.command import run

        typer.echo(run(None if small else (orders, active), seed, password))


command_line.add_to(app)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=1024)
    except OSError as error:
        refuse(f"Cannot listen on {host}:{port}: {error.strerror}. Is another one running?")


if __name__ == "__main__":
    app()
