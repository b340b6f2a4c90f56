"""Columns that tables of both databases share."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from atelier.clock import now
from atelier.data.message_column import MessageColumn
from atelier.domain.lifecycle import State
from atelier.languages import ENGLISH, LazyText, speaking, verbatim

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

TYPES: dict[Any, Any] = {
    datetime: sa.DateTime(timezone=True),
    str: sa.Text,
    State: sa.Enum(State, native_enum=False, length=32, create_constraint=False),
}


Id = Annotated[UUID, mapped_column(primary_key=True, default=uuid4)]
Money = Annotated[Decimal, mapped_column(sa.Numeric(12, 2))]
Measure = Annotated[Decimal, mapped_column(sa.Numeric(14, 3))]
CreatedAt = Annotated[datetime, mapped_column(default=now)]


def part_index(table: str, column: str) -> sa.Index:
    """Finds rows by any part of a text of three letters or more, without regard to case."""
    return sa.Index(
        f"ix_{table}_{column}_part",
        column,
        postgresql_using="gin",
        postgresql_ops={column: "gin_trgm_ops"},
    )


class Failure:
    """Why there is no price, in English; and the same as a message, to be told in any language,
    where it was kept by a service that knew it."""

    failure: Mapped[str | None]
    failure_message: Mapped[LazyText | None] = mapped_column(MessageColumn)

    @property
    def failure_told(self) -> LazyText | None:
        """For whoever reads it, in their language where that is known."""
        if self.failure is None:
            return None
        if self.failure_message is None:
            return verbatim(self.failure)
        # A service of the version before changes the text and leaves the message of another model.
        with speaking(ENGLISH):
            fits = str(self.failure_message) == self.failure
        return self.failure_message if fits else verbatim(self.failure)


class Transition:
    """One line of an order's history: the step, who took it, and the event that recorded it.

    `event_id` is the event that brought the step about: the consumed one where there is one,
    otherwise the one that the step itself put into the outbox. `reason` is what its actor said.
    """

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    sequence: Mapped[int]
    from_state: Mapped[State | None]
    to_state: Mapped[State]
    actor: Mapped[str]
    event_id: Mapped[UUID] = mapped_column(unique=True)
    reason: Mapped[str | None]
    occurred_at: Mapped[CreatedAt]
