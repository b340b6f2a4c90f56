"""What keeps a command from working is said in a sentence, and it ends with 2."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NoReturn

import typer

from atelier.settings import BadSettings


def refuse(reason: str) -> NoReturn:
    """End the command with 2 and this sentence."""
    typer.echo(reason, err=True)
    raise typer.Exit(2)


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Refuse where settings are missing or wrong, or a server does not answer."""
    try:
        yield
    except BadSettings as error:
        refuse(str(error))
    except Exception as error:
        # Not imported before: most commands end well, and starting one shall be quick.
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
        refuse(f"A service that this needs cannot be reached, or refuses: {said}")
