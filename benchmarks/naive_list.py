"""The list of work as the MES first had it: what `benchmarks.mes_list` measures against.

Every row of the table is asked for by the ORM; each piece's operator and its last step are looked
up when the template comes to it; and the page is the whole table in HTML. The model classes have
the relations that such a page needs, and the table the indexes that it had then.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

import psycopg
import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse
from jinja2 import Environment
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from atelier.data.address import driver_url
from atelier.data.mes import FINAL
from atelier.web.rendering import metal_name, short_moment, state_name


class Base(DeclarativeBase):
    pass


class Operator(Base):
    __tablename__ = "operator"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]


class Step(Base):
    __tablename__ = "work_order_history"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(sa.ForeignKey("work_order.order_id"))
    sequence: Mapped[int]
    to_state: Mapped[str]
    occurred_at: Mapped[datetime]


class Work(Base):
    __tablename__ = "work_order"

    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str]
    state: Mapped[str]
    metal: Mapped[str]
    model_name: Mapped[str]
    source: Mapped[str]
    operator_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("operator.id"))
    created_at: Mapped[datetime]

    operator: Mapped[Operator | None] = relationship()
    steps: Mapped[list[Step]] = relationship(order_by=Step.sequence)


QUERY = (
    sa.select(Work)
    .where(Work.state.not_in([state.value for state in FINAL]))
    .order_by(Work.created_at.desc())
)

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Work</title></head><body><h1>Work</h1>
<table><thead><tr><th>Order<th>State<th>Metal<th>Model<th>From<th>Operator<th>Since<th>Last step
<th>Next</tr></thead><tbody>
{% for work in listed %}
<tr id="work-{{ work.number }}"><td><a href="/work/{{ work.number }}">{{ work.number }}</a></td>
<td>{{ work.state | state_name }}</td><td>{{ work.metal | metal_name }}</td>
<td>{{ work.model_name }}</td><td>{{ work.source | capitalize }}</td>
<td>{{ work.operator.name if work.operator else "" }}</td>
<td><time>{{ work.created_at | short_moment }}</time></td>
<td><time>{{ work.steps[-1].occurred_at | short_moment }}</time></td>
<td><form method="post" action="/work/{{ work.number }}/next"><button>Next</button></form></td></tr>
{% endfor %}
</tbody></table></body></html>"""


def with_filters(environment: Environment) -> Environment:
    """With what the page writes states, metals and times with."""
    environment.filters.update(
        state_name=state_name, metal_name=metal_name, short_moment=short_moment
    )
    return environment


@contextmanager
def as_it_was(database: str) -> Iterator[None]:
    """Without the index that came with the new list."""
    with psycopg.connect(database, autocommit=True) as connection:
        [definition] = connection.execute(
            "SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_work_order_active'"
        ).fetchone() or [""]
        connection.execute("DROP INDEX ix_work_order_active")
        try:
            yield
        finally:
            connection.execute(definition.encode())


def application(engine: sa.Engine) -> FastAPI:
    """`/work` is the page, `/api/work` the same as JSON."""
    template = with_filters(Environment(autoescape=True)).from_string(PAGE)
    app = FastAPI()

    @app.get("/work")
    def page() -> HTMLResponse:
        with Session(engine) as session:
            return HTMLResponse(template.render(listed=session.scalars(QUERY).all()))

    @app.get("/api/work")
    def documents() -> JSONResponse:
        with Session(engine) as session:
            return JSONResponse(list(_documents(session)))

    return app


def _documents(session: Session) -> Iterator[dict[str, object]]:
    for work in session.scalars(QUERY):
        yield {
            "number": work.number,
            "state": work.state,
            "metal": work.metal,
            "model_name": work.model_name,
            "source": work.source,
            "operator": work.operator.name if work.operator else None,
            "created_at": work.created_at.isoformat(),
            "last_step_at": work.steps[-1].occurred_at.isoformat(),
        }


if __name__ == "__main__":
    url, port = sys.argv[1:]
    made = sa.create_engine(driver_url(url))
    uvicorn.run(application(made), port=int(port), log_level="warning")
