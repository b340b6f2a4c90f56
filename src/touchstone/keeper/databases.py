"""The databases of sandboxes: copies of templates that are migrated once a run."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import ExitStack

import psycopg
from psycopg import sql

from touchstone.backing.servers import Backing
from touchstone.sandbox import Database
from touchstone.waiting import eventually

REPLICA_TIMEOUT = 30.0


class Databases:
    """Those of one run; `names` are the logical ones. Safe to use from several threads.

    A database is called `OWNER_NAME`, where its owner is a sandbox or `template`.
    """

    def __init__(self, backing: Backing, names: Sequence[str], template: str) -> None:
        self._backing = backing
        self._names = names
        self._template = template
        self._primary = psycopg.connect(
            backing.database(backing.primary, "postgres"), autocommit=True
        )
        self._primary_turn = threading.Lock()
        self._replica = psycopg.connect(
            backing.database(backing.replica, "postgres"), autocommit=True
        )
        self._replica_turn = threading.Lock()

    def addresses(self, owner: str) -> dict[str, Database]:
        """Where an owner's databases are or will be, by their logical names."""
        return {
            name: Database(
                primary=self._backing.database(self._backing.primary, f"{owner}_{name}"),
                replica=self._backing.database(self._backing.replica, f"{owner}_{name}"),
            )
            for name in self._names
        }

    def make_templates(self) -> None:
        """Make the templates, empty."""
        for name in self._names:
            self._administer(
                sql.SQL("CREATE DATABASE {}").format(_identifier(self._template, name))
            )

    def clone(self, owner: str) -> None:
        """Copy the templates, which nobody may be connected to."""
        for name in self._names:
            # FILE_COPY beats the default WAL_LOG here: with fsync off its checkpoints are cheap.
            self._administer(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                    _identifier(owner, name), _identifier(self._template, name)
                )
            )

    def wait_for_replica(self, owner: str) -> None:
        """Wait until the replica has what was cloned. Raises NotYetTrue."""
        if not self._names:
            return
        # The last one cloned: the replica applies the primary's log in its order.
        database = f"{owner}_{self._names[-1]}"

        def there() -> bool:
            query = "SELECT FROM pg_database WHERE datname = %s"
            with self._replica_turn:
                return self._replica.execute(query, [database]).rowcount == 1

        eventually(
            there, timeout=REPLICA_TIMEOUT, interval=0.002, describe=f"{database} on the replica"
        )

    def drop(self, owner: str) -> None:
        """Remove an owner's databases, each whatever becomes of the others.

        What is not there is no matter.
        """
        with ExitStack() as steps:
            for name in self._names:
                steps.callback(self._drop, owner, name)

    def close(self) -> None:
        """Close the connections."""
        self._primary.close()
        self._replica.close()

    def _drop(self, owner: str, name: str) -> None:
        self._administer(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(_identifier(owner, name))
        )

    def _administer(self, statement: sql.Composed) -> None:
        with self._primary_turn:
            self._primary.execute(statement)


def _identifier(owner: str, name: str) -> sql.Identifier:
    return sql.Identifier(f"{owner}_{name}")
