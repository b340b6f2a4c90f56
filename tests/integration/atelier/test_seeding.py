"""Seeded databases look as if the platform had filled them itself."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from atelier.data.mes import FINAL
from atelier.domain.lifecycle import State, is_legal
from atelier.domain.models3d import measure
from atelier.seeding.models import models
from atelier.seeding.seed import Company, NotEmpty, seed
from atelier.settings import Settings
from atelier.storage.blob_store import blob_store_at
from atelier.storage.model_store import ModelStore

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
ORDERS = 500
ACTIVE = 150


def company(orders: int = ORDERS, number: int = 7) -> Company:
    return Company(orders, ACTIVE, number, "-", AT)


@pytest.fixture
def seeded(settings: Settings) -> Settings:
    seed(settings, company())
    return settings


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def ways(url: str, table: str) -> dict[UUID, list[State]]:
    found: dict[UUID, list[State]] = defaultdict(list)
    query = f"SELECT order_id, from_state, to_state, sequence FROM {table} ORDER BY 1, sequence"
    for order_id, before, after, sequence in rows(url, query):
        assert before == (found[order_id][-1] if found[order_id] else None)
        found[order_id].append(State(after))
        assert sequence == len(found[order_id])
    return found


def test_every_order_has_a_legal_history_that_ends_with_its_state(seeded: Settings) -> None:
    histories = ways(seeded.shop_database, "order_history")
    orders = rows(seeded.shop_database, 'SELECT id, state, sequence, updated_at FROM "order"')
    last = dict(
        rows(
            seeded.shop_database,
            "SELECT order_id, max(occurred_at) FROM order_history GROUP BY order_id",
        )
    )

    assert len(orders) == ORDERS
    for order_id, state, sequence, updated_at in orders:
        assert is_legal(histories[order_id])
        assert (histories[order_id][-1], len(histories[order_id])) == (state, sequence)
        assert updated_at == last[order_id] <= AT


def test_steps_follow_each_other_in_time(seeded: Settings) -> None:
    for url, table in (
        (seeded.shop_database, "order_history"),
        (seeded.mes_database, "work_order_history"),
    ):
        [(wrong,)] = rows(
            url,
            f"SELECT count(*) FROM {table} a JOIN {table} b USING (order_id) "
            "WHERE b.sequence = a.sequence + 1 AND b.occurred_at < a.occurred_at",
        )
        assert wrong == 0


def test_both_databases_tell_the_same(seeded: Settings) -> None:
    shared = "number, state, price, metal, finish, model_checksum, promised_at, tracking_number"
    told = "actor, to_state, occurred_at, reason"
    submitted = "WHERE metal IS NOT NULL"

    assert rows(
        seeded.shop_database, f'SELECT id, sequence, {shared} FROM "order" {submitted} ORDER BY 1'
    ) == rows(
        seeded.mes_database, f"SELECT order_id, order_sequence, {shared} FROM work_order ORDER BY 1"
    )
    assert rows(
        seeded.shop_database,
        f"SELECT order_id, {told} FROM order_history "
        f"WHERE to_state NOT IN ('INITIATED', 'FILE_UPLOADED') ORDER BY 1, sequence",
    ) == rows(
        seeded.mes_database,
        f"SELECT order_id, {told} FROM work_order_history ORDER BY 1, sequence",
    )
    names = dict(rows(seeded.mes_database, "SELECT 'operator:' || id, name FROM operator"))
    took = rows(seeded.shop_database, "SELECT DISTINCT actor, actor_name FROM order_history")
    assert {actor: name for actor, name in took if name} == names
    assert not [actor for actor, name in took if actor in names and not name]
    assert rows(
        seeded.shop_database, 'SELECT id, price, weight_g FROM "order" WHERE price > 0 ORDER BY 1'
    ) == rows(
        seeded.mes_database,
        "SELECT order_id, total, weight_g FROM calculation WHERE total > 0 ORDER BY 1",
    )


def test_what_is_approved_has_the_same_address_in_both_databases(seeded: Settings) -> None:
    told = "SELECT {}, address::text, address_version FROM {} WHERE address_version > 0 ORDER BY 1"
    in_shop = dict.fromkeys(rows(seeded.shop_database, told.format("number", '"order"')))
    in_mes = rows(seeded.mes_database, told.format("number", "work_order"))
    assert len(in_mes) > 0
    assert all(row in in_shop for row in in_mes)
    without = "SELECT number FROM work_order WHERE address IS NULL AND state IN {}"
    assert rows(seeded.mes_database, without.format("('PACKAGING', 'SHIPPED')")) == []


def test_as_many_are_active_work_as_were_asked_for(seeded: Settings) -> None:
    states = rows(seeded.mes_database, "SELECT state, count(*) FROM work_order GROUP BY state")
    assert sum(count for state, count in states if state not in FINAL) == ACTIVE
    assert {state for state, _ in states} > {State.PACKAGING, State.CLOSED, State.CANCELLED}
    [(promised, confirmed)] = rows(
        seeded.mes_database,
        "SELECT count(promised_at), count(*) FILTER (WHERE 'CONFIRMED' IN "
        "(SELECT to_state FROM work_order_history h WHERE h.order_id = w.order_id)) "
        "FROM work_order w",
    )
    assert promised == confirmed > 0


def test_models_are_in_the_store(seeded: Settings) -> None:
    [(checksum, volume)] = rows(
        seeded.shop_database,
        'SELECT model_checksum, volume_mm3 FROM "order" WHERE price > 0 LIMIT 1',
    )
    [model] = [each for each in models() if each.checksum == checksum]
    stored = asyncio.run(ModelStore(blob_store_at(seeded.files)).read(checksum))
    assert measure(stored).volume_mm3 == volume == model.solid.volume_mm3


def test_the_same_number_makes_the_same_company(seeded: Settings) -> None:
    def content(url: str, tables: tuple[str, ...]) -> list[list[tuple[Any, ...]]]:
        key = "id, changed_in"
        return [
            rows(url, f"SELECT to_jsonb(t) - '{{{key}}}'::text[] FROM {table} t ORDER BY 1")
            for table in tables
        ]

    shop = ("customer", '"order"', "order_history", "partner")
    mes = ("work_order", "work_order_history", "calculation")
    before = content(seeded.shop_database, shop), content(seeded.mes_database, mes)
    for url, tables in (
        (seeded.shop_database, "customer, seller, partner"),
        (seeded.mes_database, "operator, work_order, calculation"),
    ):
        with psycopg.connect(url) as connection:
            connection.execute(f"TRUNCATE {tables} CASCADE".encode())

    seed(seeded, company())

    assert (content(seeded.shop_database, shop), content(seeded.mes_database, mes)) == before


def test_databases_with_orders_are_left_alone(seeded: Settings) -> None:
    with pytest.raises(NotEmpty, match="There are orders already"):
        seed(seeded, company(number=8))
    assert rows(seeded.shop_database, 'SELECT count(*) FROM "order"') == [(ORDERS,)]


def test_many_rows_come_in_without_indexes_and_have_them_afterwards(settings: Settings) -> None:
    look = "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2"
    rules = (
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace ORDER BY 1"
    )
    urls = (settings.shop_database, settings.mes_database)
    before = [(rows(url, look), rows(url, rules)) for url in urls]

    seed(settings, company(orders=20_000))

    after = [(rows(url, look), rows(url, rules)) for url in urls]
    assert [plain(each) for each in after] == [plain(each) for each in before]


def plain(definitions: object) -> str:
    """Without the casts that PostgreSQL adds to a condition with every round."""
    return re.sub(r"::(character varying|text)(\[\])?|[()]", "", str(definitions))
