"""One PostgreSQL database: a primary to write to, and possibly a replica to read from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, Final, TypeVar

import psycopg
import sqlalchemy as sa
from opentelemetry.trace import Span, SpanKind
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from atelier.data import routing
from atelier.data.address import driver_url
from atelier.data.patience import TCP, Connection
from atelier.data.routing import LagLimit, Replica, Why
from atelier.telemetry import tracing

T = TypeVar("T")

Reading = Callable[[AsyncSession], Awaitable[T]]

_FOR_A_CONNECTION: Final = 5.0  # seconds that somebody waits until one of the pool is free


def _engine(url: str) -> AsyncEngine:
    engine = create_async_engine(
        driver_url(url),
        # Small: many processes share one server.
        pool_size=5,
        max_overflow=5,
        pool_timeout=_FOR_A_CONNECTION,
        connect_args={"async_creator_fn": Connection.connect, **TCP},
        # A connection that the server closed while it lay in the pool is replaced unnoticed.
        pool_pre_ping=True,
        # Statements in error messages, and so in logs, would hold personal data.
        hide_parameters=True,
        # Not used; saves a query on each process's first connection.
        use_native_hstore=False,
    )
    sa.event.listen(engine.sync_engine, "handle_error", _hide_details)
    sa.event.listen(engine.sync_engine, "checkin", _rests)
    sa.event.listen(engine.sync_engine, "checkout", _works)
    return engine


def _rests(pooled: Any, _: object) -> None:
    if pooled is not None:  # as it is for one that is given up
        pooled.driver_connection.resting = True


def _works(pooled: Any, _: object, __: object) -> None:
    pooled.driver_connection.resting = False


def _hide_details(context: sa.engine.ExceptionContext) -> None:
    """Removes the row that a constraint refused, which PostgreSQL quotes, from an error's text.

    It may hold names and addresses, and errors are logged.
    """
    error = context.original_exception
    if isinstance(error, psycopg.Error) and error.diag.message_detail:
        error.args = (error.diag.message_primary,)
        if context.sqlalchemy_exception is not None:
            context.sqlalchemy_exception.args = (f"({type(error).__name__}) {error}",)


class Database:
    """Opens connections when they are first needed, so it may be made before any server is up.

        async with database.session() as session:    # one transaction on the primary
            session.add(order)
        found = await database.read(partners)            # reads only, from the replica

    URLs are plain `postgresql://…`.
    """

    def __init__(
        self,
        primary: str,
        replica: str | None = None,
        *,
        lag: LagLimit | None = None,
    ) -> None:
        self.url = primary
        self.name = sa.make_url(primary).database or ""
        self._primary = _engine(primary)
        self._replica = _engine(replica) if replica else None
        # A connection that was used read-only is handed on as one that may write, which a replica
        # refuses: it is always asked as it is read from.
        self._reader = self._primary.execution_options(postgresql_readonly=True)
        if self._replica is not None:
            self._replica_reader = self._replica.execution_options(postgresql_readonly=True)
            self._routing: Replica | None = Replica(
                self.name, self._primary, self._replica_reader, lag or LagLimit()
            )
        else:
            self._routing = None

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """A transaction on the primary: committed at the end, rolled back by an exception."""
        with self._span("transaction"):
            async with (
                AsyncSession(self._primary, expire_on_commit=False) as session,
                session.begin(),
            ):
                yield session

    async def read(self, work: Reading[T], *, after: int = 0) -> T:
        """What `work` finds in a read-only transaction that sees all that was written up to the
        position `after`: on the replica, or on the primary where the replica is not so far.

        A replica that is lost on the way, lags too far or is none costs nobody an answer: then
        `work` is asked again on the primary. It must not do anything but read.
        """
        with self._span("read") as span:
            server, found = await self._read(work, after)
            span.set_attribute("atelier.server", server)
            return found

    async def _read(self, work: Reading[T], after: int) -> tuple[str, T]:
        replica = self._routing
        if replica is None:
            why = Why.NO_REPLICA
        elif (why := await replica.judge(after)) is Why.CURRENT:
            try:
                found = await replica.within_patience(_reading(self._replica_reader, work))
            except Exception as error:
                if routing.is_lost(error):
                    replica.lose(error)
                    why = Why.LOST
                elif routing.is_conflict(error):
                    why = Why.CONFLICT
                else:
                    raise
            else:
                routing.count(self.name, "replica", why)
                return "replica", found
        routing.count(self.name, "primary", why)
        return "primary", await _reading(self._reader, work)

    async def position(self) -> int:
        """A position in the primary's log behind all that was committed before."""
        return await routing.position_of(self._primary)

    def _span(self, operation: str) -> AbstractContextManager[Span]:
        return tracing.span(
            f"{operation} {self.name}",
            SpanKind.CLIENT,
            attributes={
                "db.system.name": "postgresql",
                "db.namespace": self.name,
                "db.operation.name": operation,
            },
        )

    async def check(self) -> None:
        """Raises SQLAlchemy's OperationalError where the primary does not answer.

        The replica is not asked: all that it does the primary can do.
        """
        await _answer(self._primary)

    @property
    def degraded(self) -> bool:
        """Whether reads go to the primary, because the replica was found lost or late."""
        return self._routing is not None and self._routing.unusable

    async def close(self) -> None:
        if self._routing is not None and self._replica is not None:
            await self._routing.close()
            await self._replica.dispose()
        await self._primary.dispose()


async def _reading(engine: AsyncEngine, work: Reading[T]) -> T:
    async with AsyncSession(engine, expire_on_commit=False) as session:
        return await work(session)


async def _answer(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(sa.text("SELECT 1"))
