"""What the naive list of work spends its time on, and what each remedy leaves of it.

Called by `benchmarks.mes_list` for each number of orders: everything here runs in one process, next
to the database and without HTTP. Each line is the whole way to its result, so that the difference
of two lines is what one step costs.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from typing import Any

import psycopg
import sqlalchemy as sa
from jinja2 import Environment, Template
from redis.asyncio import Redis
from sqlalchemy.orm import Session, joinedload, selectinload

from atelier.data.address import driver_url
from atelier.data.patience import connect
from atelier.mes.listing import changes, chunks
from atelier.mes.listing.readmodel import ReadModel
from benchmarks.naive_list import PAGE, QUERY, Work, as_it_was, with_filters

Steps = dict[str, Callable[[], int]]


def anatomy(database: str, cache: str, times: int) -> None:
    """Prints medians of `times` runs, and how many queries each took."""
    engine = sa.create_engine(driver_url(database))
    queries = 0

    def count(*_: Any) -> None:
        nonlocal queries
        queries += 1

    sa.event.listen(engine, "before_cursor_execute", count)
    print(f"{'in one process, without HTTP':44} {'ms':>10} {'queries':>9}")

    def measure(steps: Steps) -> None:
        nonlocal queries
        for name, step in steps.items():
            took = []
            for _ in range(times):
                queries = 0
                began = time.perf_counter()
                assert step()
                took.append((time.perf_counter() - began) * 1000)
            print(f"{name:44} {statistics.median(took):10,.1f} {queries or 1:9,}", flush=True)

    with as_it_was(database):
        measure(_naive(database, engine))
    measure(_remedies(database, cache, engine))
    engine.dispose()


def _template() -> Template:
    return with_filters(Environment(autoescape=True)).from_string(PAGE)


def _naive(database: str, engine: sa.Engine) -> Steps:
    """The naive page, and what it does on its way there."""
    template = _template()
    statement = str(QUERY.compile(engine, compile_kwargs={"literal_binds": True}))

    def as_tuples() -> int:
        with psycopg.connect(database) as connection:
            return len(connection.execute(statement.encode()).fetchall())

    def as_objects() -> int:
        with Session(engine) as session:
            return len(session.scalars(QUERY).all())

    def one_by_one() -> int:
        with Session(engine) as session:
            return sum(
                len(work.steps) + (work.operator is not None) for work in session.scalars(QUERY)
            )

    def rendered() -> int:
        with Session(engine) as session:
            return len(template.render(listed=session.scalars(QUERY).all()))

    return {
        "the query, as tuples": as_tuples,
        "  … as objects of the ORM": as_objects,
        "  … and operator and steps of each (N+1)": one_by_one,
        "  … and all of it as HTML: the naive page": rendered,
    }


def _remedies(database: str, cache: str, engine: sa.Engine) -> Steps:
    """What can be done instead, from the least change to the most."""
    template = _template()

    def loaded_together() -> int:
        together = QUERY.options(joinedload(Work.operator), selectinload(Work.steps))
        with Session(engine) as session:
            return len(template.render(listed=session.scalars(together).all()))

    async def whole() -> changes.Whole:
        async with await connect(database) as connection:
            return await changes.whole(connection)

    async def from_redis(first: bool) -> int:
        async with Redis.from_url(cache) as client:
            model = ReadModel(client)
            if first:
                beginning = await model.beginning()
                return 0 if beginning is None else len(beginning.rows)
            found = await model.whole()
            return 0 if found is None else sum(map(len, found.parts))

    return {
        "operators and steps loaded together, HTML": loaded_together,
        "only what the list shows, by its own index": lambda: len(asyncio.run(whole()).rows),
        "  … packed": lambda: len(chunks.build(asyncio.run(whole()).rows).sizes),
        "packed already, in Redis": lambda: asyncio.run(from_redis(False)),
        "  … only what a screen shows": lambda: asyncio.run(from_redis(True)),
    }
