"""What a request is answered with while something is away that it needs: 503, words, and when to
come back.

Whatever it is, and in whatever way it is away: stopped, starting, full, read-only, silent, or gone
in the middle of a transaction.
"""

from __future__ import annotations

import socket
from typing import Final

import psycopg
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from starlette.requests import Request

from atelier.languages import gettext_lazy as _
from atelier.languages import ngettext_lazy
from atelier.storage.blob_store import StoreUnavailable
from atelier.web.refusal import Refusal

AGAIN_AFTER: Final = 5  # seconds

_SILENT_OR_GONE: Final = (
    ConnectionError,
    TimeoutError,
    socket.gaierror,
    NoConnectionFree,
    PendingRollbackError,
    RedisError,
    StoreUnavailable,
)
_READ_ONLY: Final = "25006"
_TOO_MUCH_ASKED: Final = "54"
"""Class of what is called operational and is the statement's own fault."""

_CHANGES_NOTHING: Final = ("GET", "HEAD", "OPTIONS")


def is_away(error: BaseException) -> bool:
    """Whether `error` says that a backing service does not serve now, and may serve later."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_away(each) for each in error.exceptions)
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or (error.orig is not None and is_away(error.orig))
    if isinstance(error, psycopg.Error):
        state = error.sqlstate or ""
        operational = isinstance(error, psycopg.OperationalError)
        return state == _READ_ONLY or (operational and not state.startswith(_TOO_MUCH_ASKED))
    return isinstance(error, _SILENT_OR_GONE)


def refusal_while_away(request: Request) -> Refusal:
    """What whoever sent `request` is told."""
    detail = ngettext_lazy(
        "A part of our system does not answer. Please try again in %(count)s second.",
        "A part of our system does not answer. Please try again in %(count)s seconds.",
        AGAIN_AFTER,
    )
    if request.method not in _CHANGES_NOTHING:
        detail = _(
            "%(away)s We cannot tell whether this was done: look before you send it once more.",
            away=detail,
        )
    return Refusal(
        503,
        "not-possible-now",
        _("Not possible at the moment"),
        detail,
        headers={"Retry-After": str(AGAIN_AFTER)},
    )
