"""The platform's command line."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from importlib import metadata
from typing import Annotated, NoReturn

import typer

from atelier.admin import command_line
from atelier.partner import commands as partner_commands
from atelier.pricing import commands as pricing_commands
from atelier.services import SERVICES
from atelier.settings import BadSettings, ports, settings

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The jeweller's platform.")
app.add_typer(pricing_commands.app, name="prices", help="What a gram of each metal costs.")
app.add_typer(
    partner_commands.app, name="partner", help="Partner companies, their API keys and limits."
)


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
        _refuse(
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
        _refuse(str(error))


@app.command()
def migrate() -> None:
    """Bring both databases to the newest version."""
    with _refusing():
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
        _refuse(f"Of {orders} orders at most {orders * 4 // 5} can be active work.")
    with _refusing():
        settings()
        from atelier.seeding.command import run

        typer.echo(run(None if small else (orders, active), seed, password))


readmodel = typer.Typer(no_args_is_help=True, help="The list of work, as it is kept in Redis.")
app.add_typer(readmodel, name="readmodel")


@readmodel.command()
def rebuild() -> None:
    """Build it anew from the database, while the MES goes on."""
    with _refusing():
        settings()
        from atelier.mes.listing.command import rebuild as run

        typer.echo(run())


command_line.add_to(app)


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Say in a sentence what keeps a command from working: settings, or who does not answer."""
    try:
        yield
    except BadSettings as error:
        _refuse(str(error))
    except Exception as error:
        import psycopg
        import redis
        import sqlalchemy.exc

        away = (
            *(psycopg.OperationalError, sqlalchemy.exc.OperationalError),
            *(redis.ConnectionError, redis.TimeoutError, OSError),
        )
        if not isinstance(error, away):
            raise
        said = str(getattr(error, "orig", error)).strip().partition("\n")[0]
        _refuse(f"A service that this needs cannot be reached, or refuses: {said}")


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=1024)
    except OSError as error:
        _refuse(f"Cannot listen on {host}:{port}: {error.strerror}. Is another one running?")


def _refuse(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(2)


if __name__ == "__main__":
    app()
