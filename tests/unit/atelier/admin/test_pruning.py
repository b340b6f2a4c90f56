"""What pruning takes, told by its statements alone; that PostgreSQL does it is told elsewhere."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from atelier.admin.pruning import prune
from atelier.data.database import Database
from atelier.domain.lifecycle import TRANSITIONS, State

pytestmark = pytest.mark.anyio

DAY = datetime(2026, 11, 1, tzinfo=UTC)
FULL = 5_000  # rows of one transaction


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Rows:
    def __init__(self, count: int) -> None:
        self._count = count

    def all(self) -> list[int]:
        return [0] * self._count


class Noting:
    """In place of a database: notes each transaction, and has so many rows to delete of a table."""

    def __init__(self, **left: int) -> None:
        self._left = left
        self.transactions: list[list[str]] = []

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Noting]:
        self.transactions.append([])
        yield self

    async def execute(self, statement: sa.sql.dml.Delete) -> Rows:
        said = str(
            statement.compile(
                dialect=postgresql.dialect(),  # type: ignore[no-untyped-call]
                compile_kwargs={"literal_binds": True},
            )
        )
        self.transactions[-1].append(said)
        table = cast("Any", statement.table).name
        gone = min(FULL, self._left.get(table, 0))
        self._left[table] = self._left.get(table, 0) - gone
        return Rows(gone)

    def deletes(self, table: str) -> list[str]:
        said = [each for transaction in self.transactions for each in transaction]
        return [each for each in said if each.startswith(f"DELETE FROM {table} ")]


async def pruned(shop: Noting, mes: Noting) -> dict[str, int]:
    return dict(await prune(cast("Database", shop), cast("Database", mes), DAY))


async def test_all_goes_in_transactions_that_hold_few_locks_for_a_short_time() -> None:
    shop, mes = Noting(outbox=2 * FULL + 3), Noting(consumed_event=FULL)

    gone = await pruned(shop, mes)

    assert {table: count for table, count in gone.items() if count} == {
        "shop: outbox": 2 * FULL + 3,
        "mes: consumed_event": FULL,
    }
    assert len(shop.deletes("outbox")) == 3
    # Whether there is more is known when nothing came.
    assert len(mes.deletes("consumed_event")) == 2
    for transaction in shop.transactions + mes.transactions:
        assert len(transaction) == 1
        assert re.search(rf"LIMIT {FULL}\b", transaction[0]), transaction[0]


async def test_only_orders_that_can_go_no_further_lose_their_events() -> None:
    shop, mes = Noting(), Noting()

    await pruned(shop, mes)

    goes_on = {before for before, _ in TRANSITIONS}
    for said in shop.deletes("outbox") + mes.deletes("outbox"):
        under_way = re.search(r"NOT \(EXISTS .*state NOT IN \((.*?)\)", said, re.DOTALL)
        assert under_way, said
        final = set(re.findall(r"'(\w+)'", under_way[1]))
        assert final == {str(state) for state in State if state not in goes_on}


async def test_nothing_goes_that_may_still_be_asked_for() -> None:
    shop, mes = Noting(), Noting()

    await pruned(shop, mes)

    [events] = shop.deletes("outbox")
    assert "published_at < '2026-11-01" in events, "what was never published stays"
    [webhooks] = shop.deletes("webhook_delivery")
    assert "state = 'DELIVERED'" in webhooks.upper().replace("STATE", "state"), webhooks
