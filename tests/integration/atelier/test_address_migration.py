"""What becomes of accounts that were made before addresses had one form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from atelier.data import migrations
from atelier.data.address import driver_url
from touchstone.sandbox import Sandbox


@pytest.fixture
def connection(bare_sandbox: Sandbox) -> Iterator[sa.Connection]:
    """To the sandbox's own database of the shop, taken back to before addresses had one form."""
    address = driver_url(bare_sandbox.databases["shop"].primary)
    engine = sa.create_engine(address, poolclass=sa.NullPool)
    with engine.begin() as connection:
        _migrate(connection, "0009")
        yield connection


def _migrate(connection: sa.Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent / "shop"))
    config.attributes["connection"] = connection
    if revision == "head":
        command.upgrade(config, revision)
    else:
        command.downgrade(config, revision)


def _account(connection: sa.Connection, email: str, day: int) -> UUID:
    made = uuid4()
    connection.execute(
        sa.text(
            "INSERT INTO customer (id, email, name, language, password_hash, created_at)"
            " VALUES (:id, :email, 'Anna', 'en', '-', make_timestamptz(2026, 1, :day, 0, 0, 0))"
        ),
        {"id": made, "email": email, "day": day},
    )
    return made


def _order(connection: sa.Connection, number: str, customer: UUID) -> None:
    connection.execute(
        sa.text(
            'INSERT INTO "order" (id, number, customer_id, state, sequence, created_at, updated_at)'
            " VALUES (gen_random_uuid(), :number, :customer, 'INITIATED', 1, now(), now())"
        ),
        {"number": number, "customer": customer},
    )


def test_accounts_with_the_same_address_become_the_oldest_with_the_orders_of_all(
    connection: sa.Connection,
) -> None:
    plain = _account(connection, "anna@xn--bcher-kva.example", 2)
    oldest = _account(connection, "anna@bücher.example", 1)
    youngest = _account(connection, "ａｎｎａ@bücher.example", 3)
    alone = _account(connection, "boris@bücher.example", 4)
    other = _account(connection, "clara@example.com", 5)
    for number, customer in {"A": plain, "B": oldest, "C": youngest, "D": alone}.items():
        _order(connection, number, customer)

    _migrate(connection, "head")

    kept = connection.execute(sa.text("SELECT id, email FROM customer ORDER BY created_at"))
    assert list(map(tuple, kept)) == [
        (oldest, "anna@xn--bcher-kva.example"),
        (alone, "boris@xn--bcher-kva.example"),
        (other, "clara@example.com"),
    ]
    orders = connection.execute(sa.text('SELECT number, customer_id FROM "order" ORDER BY number'))
    assert list(map(tuple, orders)) == [("A", oldest), ("B", oldest), ("C", oldest), ("D", alone)]
