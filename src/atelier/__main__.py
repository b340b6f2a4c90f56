"""The platform's command line."""

from __future__ import annotations

import socket
from typing import Annotated, NoReturn

import typer

from atelier.operations import command_line
from atelier.partner import commands as partner_commands
from atelier.settings import BadSettings, settings

SERVICES = ("shop", "partner", "crm", "mes", "pricing")

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The jeweller's platform.")

app.add_typer(
    partner_commands.app, name="partner", help="Partner companies, their API keys and limits."
)


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
        listeners = {
            service: _listen(host, getattr(settings(), f"port_{service}")) for service in chosen
        }
        for service, listener in listeners.items():
            typer.echo("{}: http://{}:{}".format(service, *listener.getsockname()[:2]), err=True)
        from atelier.serve import serve as run  # all of the platform; not needed for a refusal

        run(listeners)
    except BadSettings as error:
        _refuse(str(error))


@app.command()
def migrate() -> None:
    """Bring both databases to the newest version."""
    try:
        settings()
        from atelier.migrate import migrate as run

        run()
    except BadSettings as error:
        _refuse(str(error))


command_line.add_to(app)


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
