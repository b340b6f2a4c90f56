"""Tables of the `mes` database, which mes and pricing share."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, configure_mappers, mapped_column, relationship

from atelier.data.columns import NAMING, TYPES, CreatedAt, Id, Measure, Money, Transition, now
from atelier.domain.lifecycle import State
from atelier.messaging import tables


class Base(DeclarativeBase):
    metadata = sa.MetaData(naming_convention=NAMING)
    type_annotation_map = TYPES


class Operator(Base):
    __tablename__ = "operator"
    __table_args__ = (sa.CheckConstraint("email = lower(email)", name="email_lower_case"),)

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    session_version: Mapped[int] = mapped_column(default=0, server_default="0")


class Calculation(Base):
    """What pricing found out about one order's model; either a price or a failure."""

    __tablename__ = "calculation"
    __table_args__ = (
        sa.CheckConstraint("num_nonnulls(total, failure) = 1", name="price_or_failure"),
    )

    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    model_checksum: Mapped[str] = mapped_column(sa.String(64))
    metal: Mapped[str] = mapped_column(sa.String(32))
    triangles: Mapped[int | None]
    volume_mm3: Mapped[Measure | None]
    weight_g: Mapped[Measure | None]
    metal_cost: Mapped[Money | None]
    making: Mapped[Money | None]
    finish: Mapped[Money | None]
    total: Mapped[Money | None]
    failure_code: Mapped[str | None] = mapped_column(sa.String(32))
    failure: Mapped[str | None]
    calculated_at: Mapped[CreatedAt]


class WorkOrder(Base):
    """The factory's view of an order, there from SUBMITTED on; follows every state of the order.

    `sequence` counts the steps in its own history, `order_sequence` is that of the order's last
    step that the factory has been told of. `operator` is there where the query loaded it, and
    raises elsewhere.
    """

    __tablename__ = "work_order"
    __table_args__ = (
        sa.CheckConstraint("source IN ('shop', 'partner')", name="source_known"),
        sa.Index("ix_work_order_created_at", "created_at"),
    )

    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(16), unique=True)
    state: Mapped[State]
    sequence: Mapped[int]
    metal: Mapped[str] = mapped_column(sa.String(32))
    finish: Mapped[str] = mapped_column(sa.String(32))
    model_checksum: Mapped[str] = mapped_column(sa.String(64))
    model_name: Mapped[str]
    price: Mapped[Money | None]
    source: Mapped[str] = mapped_column(sa.String(16))
    promised_at: Mapped[datetime | None]
    tracking_number: Mapped[str | None] = mapped_column(sa.String(64))
    order_sequence: Mapped[int]
    operator_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("operator.id"))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)

    operator: Mapped[Operator | None] = relationship(lazy="raise_on_sql")


class WorkOrderHistory(Transition, Base):
    __tablename__ = "work_order_history"
    __table_args__ = (sa.UniqueConstraint("order_id", "sequence"),)

    order_id: Mapped[UUID] = mapped_column(sa.ForeignKey("work_order.order_id"))


tables.outbox.to_metadata(Base.metadata)
tables.consumed_event.to_metadata(Base.metadata)
configure_mappers()  # here, once: forked processes find it done
