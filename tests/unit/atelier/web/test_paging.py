"""Pages of a list in SQLite's memory, where rows compare as they do in PostgreSQL."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from atelier.web.paging import Page, cursor_of, page_of
from atelier.web.refusal import Refusal

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Moment(sa.TypeDecorator[datetime]):
    """SQLite forgets zones."""

    impl = sa.DateTime
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value and value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    pass


class Thing(Base):
    __tablename__ = "thing"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(Moment)


def thing(number: int, minute: int) -> Thing:
    return Thing(id=UUID(int=number), created_at=NOON + timedelta(minutes=minute))


class Things:
    """In place of the session of a database: the same questions, asked at once."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def scalars(self, query: sa.Select[Any]) -> sa.ScalarResult[Any]:
        return self._session.scalars(query)

    def add(self, *things: Thing) -> None:
        self._session.add_all(things)
        self._session.flush()

    async def page(self, cursor: str | None, limit: int) -> Page[Any]:
        return await page_of(
            cast("AsyncSession", self),
            sa.select(Thing),
            Thing.created_at,
            Thing.id,
            cursor=cursor,
            limit=limit,
        )


def nothing_yet() -> Iterator[Things]:
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield Things(session)
    engine.dispose()


things = pytest.fixture(nothing_yet)


@given(
    minutes=st.lists(st.integers(0, 3), max_size=9),
    limit=st.integers(1, 4),
    later=st.integers(0, 2),
)
async def test_who_turns_the_pages_sees_each_row_once_newest_first(
    minutes: list[int], limit: int, later: int
) -> None:
    """Also of rows of one moment, and while others are added."""
    for things in nothing_yet():
        rows = [thing(number, minute) for number, minute in enumerate(minutes)]
        things.add(*rows)
        page = await things.page(None, limit)
        seen = [row.id for row in page.rows]
        while page.next:
            things.add(
                *(thing(1000 * (1 + len(seen)) + each, 60 + len(seen)) for each in range(later))
            )
            page = await things.page(page.next, limit)
            assert 0 < len(page.rows) <= limit
            seen += [row.id for row in page.rows]
            assert len(seen) <= len(minutes), "a row comes twice"
        newest_first = sorted(zip(minutes, range(len(minutes)), strict=True), reverse=True)
        assert [identity.int for identity in seen] == [number for _, number in newest_first]


async def test_a_page_that_is_just_full_is_the_last(things: Things) -> None:
    things.add(thing(1, 0), thing(2, 1))

    page = await things.page(None, 2)

    assert (len(page.rows), page.next) == (2, None)


def encoded(content: str) -> str:
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "page 2",
        "é",
        "A",
        encoded("yesterday 0"),
        encoded(f"{NOON.isoformat()} no-id"),
        encoded(f"{NOON.replace(tzinfo=None).isoformat()} {UUID(int=1).hex}"),
        cursor_of(NOON, UUID(int=1))[:-3],
    ],
)
async def test_a_cursor_that_we_never_gave_out_is_refused(things: Things, cursor: str) -> None:
    with pytest.raises(Refusal) as refused:
        await things.page(cursor, 2)

    assert (refused.value.status, refused.value.slug) == (422, "cursor-not-valid")
