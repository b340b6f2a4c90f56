"""Tables of the `mes` database, which mes and pricing share."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, configure_mappers, mapped_column, relationship

from atelier.clock import now
from atelier.data import outbox_tables
from atelier.data.address_column import AddressColumn
from atelier.data.columns import NAMING, TYPES, CreatedAt, Failure, Id, Measure, Money, Transition
from atelier.data.design_column import DesignColumn
from atelier.domain.delivery import Address
from atelier.domain.lifecycle import State
from atelier.domain.ring_design import RingDesign

FINAL = (State.CLOSED, State.CANCELLED, State.PRICING_FAILED)
"""States in which a piece leaves the list; all others are active work. One for which no price is
possible comes back when its customer gives another model."""

IS_ACTIVE = "(state)::text <> ALL (ARRAY[{}])".format(
    ", ".join(f"'{each}'::text" for each in FINAL)
)
"""In SQL: written like this, PostgreSQL sees that the list's index holds what is asked for."""


class Base(DeclarativeBase):
    metadata = sa.MetaData(naming_convention=NAMING)
    type_annotation_map = TYPES


class Operator(Base):
    """`language` is None until they choose one: then their pages speak the browser's."""

    __tablename__ = "operator"
    __table_args__ = (
        sa.CheckConstraint("email = lower(email)", name="email_lower_case"),
        sa.CheckConstraint("language IN ('en', 'ru')", name="language_known"),
    )

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    language: Mapped[str | None]
    password_hash: Mapped[str]
    session_version: Mapped[int] = mapped_column(default=0, server_default="0")


class MetalPrice(Base):
    """What a gram of a metal costs from a moment on, until a later price begins.

    Rows are only added. A price that was set by mistake is followed by one with the same beginning,
    and of these the last one counts.
    """

    __tablename__ = "metal_price"
    __table_args__ = (
        sa.CheckConstraint("price_per_gram > 0", name="above_zero"),
        sa.Index("ix_metal_price_metal_valid_from", "metal", "valid_from"),
    )

    id: Mapped[int] = mapped_column(sa.Identity(always=True), primary_key=True)
    metal: Mapped[str] = mapped_column(sa.String(32))
    price_per_gram: Mapped[Money]
    valid_from: Mapped[datetime]
    created_at: Mapped[CreatedAt]


class CalculationLane(Base):
    """Whose models wait apart from others': the shop's, and each partner's own."""

    __tablename__ = "calculation_lane"

    name: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    served_at: Mapped[datetime | None]


class CalculationRequest(Base):
    """A price that was asked for and is not found yet; gone as soon as it is.

    There is one for an order at most: that of its last submission. `event` is what asked.
    `claimed_by` names the database connection of the process that measures
    the model, and holds as long as that connection does.
    """

    __tablename__ = "calculation_request"
    __table_args__ = (sa.Index("ix_calculation_request_lane_id", "lane", "id"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    order_id: Mapped[UUID] = mapped_column(unique=True)
    submission: Mapped[int] = mapped_column(default=1, server_default="1")
    lane: Mapped[str] = mapped_column(sa.ForeignKey("calculation_lane.name"))
    event: Mapped[dict[str, Any]] = mapped_column(JSONB)
    traceparent: Mapped[str | None]
    requested_at: Mapped[CreatedAt]
    not_before: Mapped[CreatedAt]
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    claimed_by: Mapped[str | None]
    claimed_at: Mapped[datetime | None]


class Calculation(Failure, Base):
    """What pricing found out about the model of one submission; either a price or a failure.

    With a price there is all that it was calculated from, so that it can be calculated again.
    """

    __tablename__ = "calculation"
    __table_args__ = (
        sa.CheckConstraint("num_nonnulls(total, failure) = 1", name="price_or_failure"),
        sa.CheckConstraint(
            "total IS NULL OR num_nulls(triangles, volume_mm3, density, price_per_gram, "
            "metal_price_id, making_of_any, making_per_gram, finish_code, finish, formula) = 0",
            name="price_with_basis",
        ),
    )

    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    submission: Mapped[int] = mapped_column(primary_key=True, default=1, server_default="1")
    model_checksum: Mapped[str] = mapped_column(sa.String(64))
    metal: Mapped[str] = mapped_column(sa.String(32))
    triangles: Mapped[int | None]
    volume_mm3: Mapped[Measure | None]
    density: Mapped[Decimal | None] = mapped_column(sa.Numeric(6, 2))
    price_per_gram: Mapped[Money | None]
    metal_price_id: Mapped[int | None] = mapped_column(sa.ForeignKey("metal_price.id"))
    making_of_any: Mapped[Money | None]
    making_per_gram: Mapped[Money | None]
    finish_code: Mapped[str | None] = mapped_column(sa.String(32))
    formula: Mapped[int | None]
    weight_g: Mapped[Measure | None]
    metal_cost: Mapped[Money | None]
    making: Mapped[Money | None]
    finish: Mapped[Money | None]
    total: Mapped[Money | None]
    failure_code: Mapped[str | None] = mapped_column(sa.String(32))
    calculated_at: Mapped[CreatedAt]


class WorkOrder(Base):
    """The factory's view of an order, there from SUBMITTED on; follows every state of the order.

    `sequence` counts the steps in its own history, `order_sequence` is that of the order's last
    step that the factory has been told of. `submission` is the order's, whose calculation counts.
    `operator` is there where the query loaded it, and raises elsewhere. `design` and `address` are
    as in the shop's order; `address_version` is the one that the factory was told last, of an order
    that is approved.
    """

    __tablename__ = "work_order"
    __table_args__ = (
        sa.CheckConstraint("source IN ('shop', 'partner')", name="source_known"),
        sa.Index("ix_work_order_created_at", "created_at"),
        sa.Index("ix_work_order_changed_in", "changed_in"),
        sa.Index(
            "ix_work_order_active",
            sa.text("created_at DESC"),
            sa.text("number DESC"),
            postgresql_where=sa.text(IS_ACTIVE),
        ),
    )

    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(16), unique=True)
    state: Mapped[State]
    sequence: Mapped[int]
    metal: Mapped[str] = mapped_column(sa.String(32))
    finish: Mapped[str] = mapped_column(sa.String(32))
    model_checksum: Mapped[str] = mapped_column(sa.String(64))
    model_name: Mapped[str]
    design: Mapped[RingDesign | None] = mapped_column(DesignColumn)
    address: Mapped[Address | None] = mapped_column(AddressColumn)
    address_version: Mapped[int] = mapped_column(default=0, server_default="0")
    price: Mapped[Money | None]
    source: Mapped[str] = mapped_column(sa.String(16))
    promised_at: Mapped[datetime | None]
    tracking_number: Mapped[str | None] = mapped_column(sa.String(64))
    order_sequence: Mapped[int]
    submission: Mapped[int] = mapped_column(default=1, server_default="1")
    operator_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("operator.id"))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
    changed_in: Mapped[int] = mapped_column(
        sa.BigInteger,
        # A trigger sets it with every change; only the list's feed reads it (`mes.changes`).
        server_default=sa.text("((pg_current_xact_id())::text)::bigint"),
        deferred=True,
    )

    operator: Mapped[Operator | None] = relationship(lazy="raise_on_sql")


class WorkOrderHistory(Transition, Base):
    __tablename__ = "work_order_history"
    __table_args__ = (sa.UniqueConstraint("order_id", "sequence"),)

    order_id: Mapped[UUID] = mapped_column(sa.ForeignKey("work_order.order_id"))


outbox_tables.outbox.to_metadata(Base.metadata)
outbox_tables.consumed_event.to_metadata(Base.metadata)
outbox_tables.inbox.to_metadata(Base.metadata)
configure_mappers()  # here, once: forked processes find it done
