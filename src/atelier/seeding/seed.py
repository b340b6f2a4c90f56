"""`atelier seed`: both databases at the same time, each in one transaction."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql

from atelier import security
from atelier.domain import pricing
from atelier.domain.finishes import FINISHES
from atelier.domain.lifecycle import FACTORY_STEPS, State
from atelier.domain.metals import METALS
from atelier.domain.promises import MAKING_TIME
from atelier.seeding import statements
from atelier.seeding.models import SeedModel, models
from atelier.seeding.ways import ACTIVE, Way, ways
from atelier.settings import Settings
from atelier.storage.blob_store import Folder, blob_store_at
from atelier.storage.model_store import ModelStore

OPERATORS: Final = (
    "Vera",
    "Oleg",
    "Mira",
    "Jonas",
    "Tamara",
    "Pavel",
    "Ines",
    "Viktor",
    "Nora",
    "Anton",
    "Lena",
    "Marek",
)
SELLERS: Final = ("Boris", "Sofia", "Daria", "Hugo", "Elena", "Ruben")
PARTNERS: Final = (
    "Meridian",
    "Goldfinch & Sons",
    "Maison Aurélie",
    "Nordlicht",
    "Amber Row",
    "Casa Ferro",
    "Silverbirch",
    "Ulitsa 12",
    "Kestrel",
    "Atlas Gems",
    "Rue du Puits",
    "Fjord & Fell",
)
_FIRST_NAMES: Final = "Anna Clara Irina Olga Marta Lucie Helen Nina Peter Ivan Leo Karl Max Tom"
_LAST_NAMES: Final = "Ivanova Weber Novak Rossi Smith Petrova Lang Costa Berg Silva Moreau Lind Kim"

_YEARS: Final = 3 * 365 * 24 * 3600 / 1_000_000  # seconds between orders: a million in three years
_AT_LEAST: Final = 60 * 24 * 3600  # seconds that any number of orders is spread over
_REASON: Final = "The band is thinner than 0.8 mm at its narrowest. Please check the model."


class NotEmpty(Exception):
    """Seeding is for databases that hold no orders."""


@dataclass(frozen=True)
class Company:
    """What to make. `at` is the moment at which the seeded history ends."""

    orders: int
    active: int
    seed: int
    password_hash: str
    at: datetime

    @property
    def customers(self) -> int:
        """One for about three orders of the shop."""
        return max(10, self.orders // 5)


def seed(settings: Settings, company: Company) -> str:
    """Fill both databases and the store of models; the answer is a partner's new API key.

    Raises NotEmpty, or psycopg.Error: then nothing has been written to that database.
    """
    made = models()
    blobs = blob_store_at(settings.files)
    if isinstance(blobs, Folder):
        blobs.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(_keep(ModelStore(blobs), made))
    key = security.new_api_key()
    with ThreadPoolExecutor(2) as both:
        shop = both.submit(
            _fill, settings.shop_database, '"order"', statements.SHOP, company, made, key
        )
        mes = both.submit(_fill, settings.mes_database, "work_order", statements.MES, company, made)
        shop.result()
        mes.result()
    return key


def _fill(
    url: str,
    table: str,
    inserts: Sequence[LiteralString],
    company: Company,
    made: Sequence[SeedModel],
    key: str | None = None,
) -> None:
    with psycopg.connect(url) as connection:
        found = connection.execute(f"SELECT number FROM {table} LIMIT 1".encode()).fetchone()
        if found is not None:
            raise NotEmpty(
                f"There are orders already, {found[0]} for one. Seed databases that have none."
            )
        connection.execute("SET LOCAL maintenance_work_mem = '256MB'")
        connection.execute("SET LOCAL work_mem = '64MB'")
        connection.execute("SET LOCAL synchronous_commit = off")
        values = _values(company, len(made))
        for statement in (statements.TABLES, statements.FUNCTIONS):
            connection.execute(sql.SQL(statement).format(**values))
        _copy_all(connection, made)
        connection.execute(sql.SQL(statements.ORDERS).format(**values))
        connection.execute("ANALYZE seed_order")
        with _Bare(connection, company.orders):
            for insert in inserts:
                connection.execute(sql.SQL(insert).format(**values))
        if key is not None:
            connection.execute(
                sql.SQL(
                    "INSERT INTO api_key (id, partner_id, label, key_hash, created_at) "
                    "SELECT gen_random_uuid(), pg_temp.id('partner', 0), 'seeded', {hash}, now()"
                ).format(hash=sql.Literal(security.hash_api_key(key)))
            )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")


def _values(company: Company, models_made: int) -> Mapping[str, sql.Composable]:
    bounds, total = [], 0.0
    for _, share in ACTIVE:
        bounds.append(total)
        total += share
    values: Mapping[str, Any] = {
        "seed": company.seed,
        "orders": company.orders,
        "active": company.active,
        "at": company.at.astimezone(UTC),
        "spacing": max(_YEARS, _AT_LEAST / max(company.orders, 1)),
        "bounds": bounds,
        "customers": company.customers,
        "partners": len(PARTNERS),
        "sellers": len(SELLERS),
        "operators": len(OPERATORS),
        "models": models_made,
        "first_names": _FIRST_NAMES.split(),
        "last_names": _LAST_NAMES.split(),
        "first": len(_FIRST_NAMES.split()),
        "last": len(_LAST_NAMES.split()),
        "seller_names": list(SELLERS),
        "partner_names": list(PARTNERS),
        "operator_names": list(OPERATORS),
        "password_hash": company.password_hash,
        "failure": statements.FAILURE,
    }
    literals: dict[str, sql.Composable] = {
        name: sql.Literal(value) for name, value in values.items()
    }
    return {**literals, "days": sql.SQL(str(MAKING_TIME.days))}


def _copy_all(connection: psycopg.Connection[Any], made: Sequence[SeedModel]) -> None:
    every = ways()
    _copy(connection, "seed_way", _way_rows(every))
    _copy(connection, "seed_step", (row for at, way in enumerate(every) for row in _steps(at, way)))
    _copy(
        connection,
        "seed_model",
        (
            (at, each.name, each.checksum, len(each.content), each.solid.triangles)
            for at, each in enumerate(made)
        ),
    )
    _copy(connection, "seed_quote", list(_quotes(connection, made)))


def _copy(
    connection: psycopg.Connection[Any], table: LiteralString, rows: Iterable[Sequence[object]]
) -> None:
    with connection.cursor().copy(
        sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
    ) as to:
        for row in rows:
            to.write_row(row)
    connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))


def _way_rows(every: Sequence[Way]) -> Iterable[Sequence[object]]:
    ranks = {state: rank for rank, (state, _) in enumerate(ACTIVE, start=1)}
    totals = {
        source: sum(way.share for way in every if way.source == source)
        for source in {way.source for way in every}
    }
    reached = dict.fromkeys(totals, 0.0)
    for at, way in enumerate(every):
        begin = reached[way.source]
        reached[way.source] = end = begin + way.share / totals[way.source]
        hours = way.hours
        confirmed = [
            hour for hour, state in zip(hours, way.states, strict=True) if state is State.CONFIRMED
        ]
        yield (
            at,
            way.source,
            [str(state) for state in way.states],
            begin,
            2.0 if end > 0.999999 else end,
            hours[-1],
            confirmed[-1] if confirmed else None,
            _is_early(way, len(way.states) - 1),
            None if way.share else ranks[way.states[-1]],
        )


def _steps(at: int, way: Way) -> Iterable[Sequence[object]]:
    submitted = way.states.index(State.SUBMITTED) if State.SUBMITTED in way.states else None
    for place, state in enumerate(way.states):
        before = way.states[place - 1] if place else None
        is_back = (before, state) == (State.CONFIRMED, State.PRICE_CALCULATED)
        yield (
            at,
            place + 1,
            before,
            state,
            way.hours[place],
            _is_early(way, place),
            0 if submitted is None else max(0, place - submitted + 1),
            "seller" if is_back else _actor(state),
            _REASON if is_back else None,
        )


def _is_early(way: Way, place: int) -> bool:
    """Until the price is there, steps are counted from the first; then, from the last."""
    return not {State.CONFIRMED, State.CANCELLED} & set(way.states[: place + 1])


def _actor(state: State) -> str:
    if state in FACTORY_STEPS:
        return "operator"
    if state in (State.PRICE_CALCULATED, State.PRICING_FAILED):
        return "pricing"
    return "seller" if state in (State.MANUFACTURING_APPROVED, State.CLOSED) else "owner"


def _quotes(
    connection: psycopg.Connection[Any], made: Sequence[SeedModel]
) -> Iterable[Sequence[object]]:
    """What each model costs in each metal and finish, at the first price that the metal had."""
    prices = connection.execute(
        "SELECT DISTINCT ON (metal) metal, id, price_per_gram FROM metal_price "
        "ORDER BY metal, valid_from"
    ).fetchall()
    for at, model in enumerate(made):
        for code, price_id, price_per_gram in prices:
            for finish in FINISHES.values():
                given = pricing.basis(model.solid.volume_mm3, METALS[code], price_per_gram, finish)
                price = pricing.calculate(given)
                yield (
                    at,
                    code,
                    finish.code,
                    price.volume_mm3,
                    price.weight_g,
                    price.metal_cost,
                    price.making,
                    price.finish,
                    price.total,
                    given.density,
                    given.price_per_gram,
                    price_id,
                    given.making,
                    given.making_per_gram,
                    given.formula,
                )


async def _keep(store: ModelStore, made: Sequence[SeedModel]) -> None:
    for model in made:
        await store.save(_File(model.name, model.content), len(model.content))


class _File:
    """A model, as an upload."""

    def __init__(self, name: str, content: bytes) -> None:
        self.filename: str | None = name
        self._content = io.BytesIO(content)

    async def read(self, size: int = -1) -> bytes:
        return self._content.read(size)


class _Bare:
    """The tables without indexes and constraints while many rows come in: it is several times
    faster to make those for all rows at once. Few rows come in with them."""

    _MANY: Final = 20_000

    def __init__(self, connection: psycopg.Connection[Any], orders: int) -> None:
        self._connection = connection
        self._wanted = orders >= self._MANY
        self._again: list[str] = []

    def __enter__(self) -> None:
        if not self._wanted:
            return
        constraints = self._connection.execute(_CONSTRAINTS).fetchall()
        for table, name, definition in constraints:
            self._run(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
            self._again.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
        # Primary and unique keys, which come last, are there before others refer to them.
        self._again.reverse()
        for name, definition in self._connection.execute(_INDEXES).fetchall():
            self._run(f"DROP INDEX {name}")
            self._again.append(definition)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            for statement in self._again:
                self._run(statement)

    def _run(self, statement: str) -> None:
        self._connection.execute(statement.encode())


_BULK: Final[LiteralString] = """
    ('customer', 'order', 'order_history', 'work_order', 'work_order_history', 'calculation')
"""
# Foreign keys first.
_CONSTRAINTS: Final[LiteralString] = (
    """
    SELECT conrelid::regclass, quote_ident(conname), pg_get_constraintdef(c.oid)
    FROM pg_constraint c JOIN pg_class t ON t.oid = conrelid
    LEFT JOIN pg_class f ON f.oid = confrelid
    WHERE contype IN ('f', 'p', 'u') AND (t.relname IN """
    + _BULK
    + """ OR f.relname IN """
    + _BULK
    + """)
    AND t.relnamespace = 'public'::regnamespace
    ORDER BY contype = 'f' DESC, conname
    """
)
_INDEXES: Final[LiteralString] = (
    """
    SELECT quote_ident(indexname), indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename IN """
    + _BULK
)
