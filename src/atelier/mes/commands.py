"""`atelier readmodel`: the list of work, as it is kept in Redis."""

from __future__ import annotations

import typer

from atelier.command_errors import refusing
from atelier.settings import settings

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Otherwise the only command would stand for the whole group."""


@app.command()
def rebuild() -> None:
    """Build it anew from the database, while the MES goes on."""
    with refusing():
        settings()
        from atelier.mes.listing.command import rebuild as run

        typer.echo(run())
