"""What the list is, and what has changed since, asked of PostgreSQL.

A *position* is the oldest transaction that was still running when somebody looked: everything
before it has been seen. Who reads on from a position sees every change at least once, in whatever
order transactions commit; what was seen already may come again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import tuple_row

from atelier.data.mes import IS_ACTIVE
from atelier.mes.listing.rows import Row

CHANNEL: Final = "work_order"
"""PostgreSQL notifies it when a transaction that changed work has committed."""

MOST: Final = 5000
"""Changes that are told one by one; when there are more, it is cheaper to read the list anew."""

_COLUMNS: LiteralString = """
    w.number, w.sequence, w.state, w.metal, w.finish, w.model_name, w.source, o.name,
    (extract(epoch FROM w.created_at) * 1000000)::bigint,
    extract(epoch FROM w.promised_at)::bigint
"""
_FROM: LiteralString = "FROM work_order w LEFT JOIN operator o ON o.id = w.operator_id"
_POSITION: LiteralString = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_ORDER: LiteralString = "ORDER BY w.created_at DESC, w.number DESC"

# One statement each, and so one snapshot for the position and the rows.
SINCE = f"""
    SELECT position, found.* FROM (SELECT {_POSITION} AS position) AS here
    LEFT JOIN LATERAL (
        SELECT {_COLUMNS}, w.changed_in {_FROM} WHERE w.changed_in >= %s LIMIT {MOST + 1}
    ) AS found ON true
"""
_WHOLE = f"""
    SELECT position, found.* FROM (SELECT {_POSITION} AS position) AS here
    LEFT JOIN LATERAL (SELECT {_COLUMNS} {_FROM} WHERE {IS_ACTIVE} {_ORDER}) AS found ON true
"""
_COUNT = f"SELECT count(*) FROM work_order w WHERE {IS_ACTIVE}"
BEGINNING = f"""
    SELECT position, active, found.* FROM (
        SELECT {_POSITION} AS position, ({_COUNT}) AS active
    ) AS here
    LEFT JOIN LATERAL (SELECT {_COLUMNS} {_FROM} WHERE {IS_ACTIVE} {_ORDER} LIMIT %s) AS found
    ON true
"""

# A trigger marks what is updated.
_ADOPT = """
    UPDATE work_order SET sequence = sequence
    WHERE changed_in >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint
"""

Connection = psycopg.AsyncConnection[Any]
Mark = tuple[str, int, int]
"""A change of a row: its number, its sequence, and the transaction."""


@dataclass(frozen=True)
class Whole:
    """The list at a position, newest first."""

    position: int
    rows: Sequence[Row]


@dataclass(frozen=True)
class Changes:
    """Rows that have changed, finished ones among them; None where they are too many to tell.

    `marks`, one for each row, tell a change that comes again from a new one.
    """

    position: int
    rows: Sequence[Row] | None
    marks: Sequence[Mark] = ()


@dataclass(frozen=True)
class Beginning:
    """The first rows of the list at a position, and how many there are."""

    position: int
    count: int
    rows: Sequence[Row]


async def position(connection: Connection) -> int:
    """Where whoever is interested in coming changes only begins."""
    found: int = (await _fetch(connection, f"SELECT {_POSITION}"))[0][0]
    return found


async def since(connection: Connection, seen: int) -> Changes:
    """All that has changed since the position `seen`."""
    found = await _fetch(connection, SINCE, seen)
    here = found[0][0]
    if here < seen:
        return Changes(here, None)  # a position in another server's transactions
    if found[0][1] is None:
        return Changes(here, ())
    if len(found) > MOST:
        return Changes(here, None)
    changed = [Row(*columns[1:-1]) for columns in found]
    marks = [
        (row.number, row.sequence, columns[-1]) for row, columns in zip(changed, found, strict=True)
    ]
    return Changes(here, changed, marks)


async def adopt(connection: Connection) -> None:
    """Mark rows as changed now that were changed, so they say, by transactions yet to come: they
    were brought here from another server, and would seem to be news for ever."""
    await connection.execute(_ADOPT.encode())


async def whole(connection: Connection) -> Whole:
    """The list as it is now."""
    found = await _fetch(connection, _WHOLE)
    return Whole(found[0][0], [Row(*columns[1:]) for columns in found if columns[1] is not None])


async def beginning(connection: Connection, length: int) -> Beginning:
    """Its newest rows."""
    found = await _fetch(connection, BEGINNING, length)
    here, count = found[0][:2]
    return Beginning(
        here, count, [Row(*columns[2:]) for columns in found if columns[2] is not None]
    )


async def _fetch(connection: Connection, query: str, *values: object) -> Sequence[tuple[Any, ...]]:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(query.encode(), values)
        return await cursor.fetchall()
