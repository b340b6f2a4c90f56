"""Waiting for a streaming replica of PostgreSQL."""

from __future__ import annotations

import psycopg

from touchstone.waiting import eventually


def wait_for_replica(primary: str, replica: str) -> None:
    """Wait until the replica has all that is on the primary now. Raises NotYetTrue.

    Both are `postgresql://` addresses.
    """
    with psycopg.connect(primary, autocommit=True) as asked:
        # The servers of a run send commits when they like; a synchronous one takes along all that
        # came before it. It also lets the replica say how old what it has is.
        asked.execute("SET synchronous_commit = local")
        asked.execute("SELECT pg_current_xact_id()")
        written = _value(asked, "SELECT pg_current_wal_insert_lsn()")
    with psycopg.connect(replica, autocommit=True) as asked:
        eventually(
            lambda: _value(asked, "SELECT pg_last_wal_replay_lsn() >= %s", written),
            timeout=30,  # it may have to undo what readers see first, a second each
            describe=f"the replica has come to {written}",
        )


def _value(connection: psycopg.Connection, question: str, *parameters: object) -> object:
    row = connection.execute(question, parameters).fetchone()
    return None if row is None else row[0]
