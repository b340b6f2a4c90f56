"""One PostgreSQL database: a primary to write to, and possibly a replica to read from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager

import psycopg
import sqlalchemy as sa
from opentelemetry.trace import Span, SpanKind
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from atelier import tracing


def _engine(url: str) -> AsyncEngine:
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        # Small: many processes share one server.
        pool_size=5,
        max_overflow=5,
        # A connection that the server closed while it lay in the pool is replaced unnoticed.
        pool_pre_ping=True,
        # Statements in error messages, and so in logs, would hold personal data.
        hide_parameters=True,
        # Not used; saves a query on each process's first connection.
        use_native_hstore=False,
    )
    sa.event.listen(engine.sync_engine, "handle_error", _hide_details)
    return engine


def _hide_details(context: sa.engine.ExceptionContext) -> None:
    """PostgreSQL quotes the row that a constraint refused: personal data, again."""
    error = context.original_exception
    if isinstance(error, psycopg.Error) and error.diag.message_detail:
        error.args = (error.diag.message_primary,)
        if context.sqlalchemy_exception is not None:
            context.sqlalchemy_exception.args = (f"({type(error).__name__}) {error}",)


class Database:
    """Opens connections when they are first needed, so it may be made before any server is up.

        async with database.session() as session:    # one transaction on the primary
            session.add(order)
        async with database.read() as session:       # reads only, from the replica
            await session.scalars(select(Order))

    URLs are plain `postgresql://…`.
    """

    def __init__(self, primary: str, replica: str | None = None) -> None:
        self.url = primary
        self.name = sa.make_url(primary).database or ""
        self._primary = _engine(primary)
        self._replica = _engine(replica) if replica else self._primary
        self._reader = self._replica.execution_options(postgresql_readonly=True)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """A transaction on the primary: committed at the end, rolled back by an exception."""
        with self._span("transaction"):
            async with (
                AsyncSession(self._primary, expire_on_commit=False) as session,
                session.begin(),
            ):
                yield session

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A read-only transaction on the replica, or on the primary where there is no replica.

        A replica is a moment behind: read one's own writes in `session()`.
        """
        with self._span("read"):
            async with AsyncSession(self._reader, expire_on_commit=False) as session:
                yield session

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
        """Raises SQLAlchemy's OperationalError where the primary or the replica does not answer."""
        # The replica is asked as it is read from: a connection that was used read-only is handed
        # on as one that may write, which a replica refuses.
        await asyncio.gather(_answer(self._primary), _answer(self._reader))

    async def close(self) -> None:
        for engine in {self._primary, self._replica}:
            await engine.dispose()


async def _answer(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(sa.text("SELECT 1"))
