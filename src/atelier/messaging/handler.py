"""What a consumer calls for each event, and how that says that it could not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.messaging.event import Event

Handler = Callable[[AsyncSession, Event], Awaitable[None]]
"""Changes what the event changes, in the transaction that it is given."""

DATABASE_GONE = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)
"""The database is away, or too busy; no fault of the event that happened to come just then."""


class NotYet(Exception):
    """The event came before one that it follows. It waits until that one has been handled."""


class Refused(Exception):
    """The event can never be handled. It is dead at once."""
