"""Tables of the `shop` database, which shop, partner and crm share."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, configure_mappers, mapped_column, relationship

from atelier.clock import now
from atelier.data import outbox_tables
from atelier.data.address_column import AddressColumn
from atelier.data.columns import (
    NAMING,
    TYPES,
    CreatedAt,
    Failure,
    Id,
    Measure,
    Money,
    Transition,
    part_index,
)
from atelier.data.design_column import DesignColumn
from atelier.domain.delivery import Address
from atelier.domain.lifecycle import State
from atelier.domain.ring_design import RingDesign


class Base(DeclarativeBase):
    metadata = sa.MetaData(naming_convention=NAMING)
    type_annotation_map = TYPES


class Customer(Base):
    """`confirmed_at` is when somebody used a link that we sent to the address; until then no
    letter about an order goes there."""

    __tablename__ = "customer"
    __table_args__ = (
        sa.CheckConstraint("email = lower(email)", name="email_lower_case"),
        sa.CheckConstraint("language IN ('en', 'ru')", name="language_known"),
        sa.Index("ix_customer_created_at", "created_at"),
        part_index("customer", "email"),
        part_index("customer", "name"),
    )

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    language: Mapped[str] = mapped_column(default="en")
    password_hash: Mapped[str]
    session_version: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[CreatedAt]
    confirmed_at: Mapped[datetime | None]


class Seller(Base):
    """`language` is None until they choose one: then their pages speak the browser's."""

    __tablename__ = "seller"
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


class Partner(Base):
    """`burst` requests at once, refilled evenly over `burst_window` seconds, and `daily_quota` a
    day; where one is None, the settings' default holds."""

    __tablename__ = "partner"

    id: Mapped[Id]
    name: Mapped[str]
    burst: Mapped[int | None]
    burst_window: Mapped[int | None]
    daily_quota: Mapped[int | None]


class ApiKey(Base):
    __tablename__ = "api_key"

    id: Mapped[Id]
    partner_id: Mapped[UUID] = mapped_column(sa.ForeignKey("partner.id"), index=True)
    label: Mapped[str] = mapped_column(default="")
    key_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[CreatedAt]
    revoked_at: Mapped[datetime | None]


class Order(Failure, Base):
    """`customer` and `partner` are there where the query loaded them, and raise elsewhere.

    `cancellation_requested_by` is the actor whom the factory owes an answer. `overdue_at` and
    `stalled_at` are when the check found it so; it is still so where they are later than
    `promised_at` and `updated_at`. `design` is the ring as it was drawn in the constructor; a model
    that somebody uploaded has none. `address` is where the piece is sent, from the confirmation on;
    `address_version` counts how often it was given. `submission` counts from 1: it goes up when
    another model takes the place of one that was submitted.
    """

    __tablename__ = "order"
    __table_args__ = (
        sa.CheckConstraint("num_nonnulls(customer_id, partner_id) = 1", name="one_owner"),
        # The lists: newest first, of everybody or of one customer.
        sa.Index("ix_order_created_at", "created_at"),
        sa.Index("ix_order_state_updated_at", "state", "updated_at"),
        sa.Index("ix_order_customer_id_created_at", "customer_id", "created_at"),
        sa.Index("ix_order_partner_id_created_at", "partner_id", "created_at"),
        # The CRM's search: by state, by what was promised, and by a part of a text.
        sa.Index("ix_order_state_created_at", "state", "created_at"),
        sa.Index(
            "ix_order_promised",
            "promised_at",
            postgresql_where=sa.text("state NOT IN ('SHIPPED', 'CLOSED', 'CANCELLED')"),
        ),
        part_index("order", "number"),
        part_index("order", "reference"),
    )

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(sa.String(16), unique=True)
    customer_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("customer.id"))
    partner_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("partner.id"))
    reference: Mapped[str | None]
    state: Mapped[State]
    metal: Mapped[str | None] = mapped_column(sa.String(32))
    finish: Mapped[str | None] = mapped_column(sa.String(32))
    model_checksum: Mapped[str | None] = mapped_column(sa.String(64))
    model_name: Mapped[str | None]
    model_bytes: Mapped[int | None]
    design: Mapped[RingDesign | None] = mapped_column(DesignColumn)
    address: Mapped[Address | None] = mapped_column(AddressColumn)
    address_version: Mapped[int] = mapped_column(default=0, server_default="0")
    price: Mapped[Money | None]
    metal_cost: Mapped[Money | None]
    making_cost: Mapped[Money | None]
    finish_cost: Mapped[Money | None]
    volume_mm3: Mapped[Measure | None]
    weight_g: Mapped[Measure | None]
    failure_code: Mapped[str | None] = mapped_column(sa.String(32))
    promised_at: Mapped[datetime | None]
    tracking_number: Mapped[str | None] = mapped_column(sa.String(64))
    cancellation_requested_by: Mapped[str | None]
    cancellation_reason: Mapped[str | None]
    cancellation_refused_at: Mapped[datetime | None]
    overdue_at: Mapped[datetime | None]
    stalled_at: Mapped[datetime | None]
    sequence: Mapped[int]
    submission: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)

    customer: Mapped[Customer | None] = relationship(lazy="raise_on_sql")
    partner: Mapped[Partner | None] = relationship(lazy="raise_on_sql")

    @property
    def source(self) -> str:
        """Where the order came from: "shop" or "partner"."""
        return "shop" if self.customer_id else "partner"


class OrderHistory(Transition, Base):
    """`actor_name` is what an operator was called when they took the step, as the workshop told it:
    for colleagues only. Other people's names are in tables of this database, and those of steps
    that a workshop of the version before told of are not known."""

    __tablename__ = "order_history"
    __table_args__ = (
        sa.UniqueConstraint("order_id", "sequence"),
        # Orders that were sent back: few, among very many steps.
        sa.Index(
            "ix_order_history_sent_back",
            "order_id",
            "sequence",
            postgresql_where=sa.text("from_state = 'CONFIRMED' AND to_state = 'PRICE_CALCULATED'"),
        ),
    )

    order_id: Mapped[UUID] = mapped_column(sa.ForeignKey("order.id"))
    actor_name: Mapped[str | None]


class Email(Base):
    """A letter to a customer about one step of an order, or without an order one about the account
    (to confirm the address, for a new password); its address and text are made when it is sent. It
    waits until it is either sent or parked, which `fault` tells the reason of."""

    __tablename__ = "email"
    __table_args__ = (
        sa.UniqueConstraint("event_id", "kind"),
        sa.CheckConstraint("num_nulls(sent_at, parked_at) > 0", name="sent_or_parked"),
        sa.CheckConstraint(
            "(order_id IS NULL) = (kind IN ('confirmation', 'password'))", name="about_an_order"
        ),
        sa.Index("ix_email_customer_id", "customer_id"),
        sa.Index(
            "ix_email_waiting",
            "due_at",
            postgresql_where=sa.text("sent_at IS NULL AND parked_at IS NULL"),
        ),
        sa.Index("ix_email_parked", "parked_at", postgresql_where=sa.text("parked_at IS NOT NULL")),
    )

    id: Mapped[Id]
    event_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(sa.String(32))
    order_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("order.id"))
    customer_id: Mapped[UUID] = mapped_column(sa.ForeignKey("customer.id"))
    reason: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    due_at: Mapped[CreatedAt]
    attempts: Mapped[int] = mapped_column(default=0)
    fault: Mapped[str | None]
    sent_at: Mapped[datetime | None]
    parked_at: Mapped[datetime | None]


class MetalPrice(Base):
    """What a gram of a metal costs from a moment on: pricing's list, as its events have told it.

    `id` is pricing's; of several with the same beginning the last one counts.
    """

    __tablename__ = "metal_price"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    metal: Mapped[str] = mapped_column(sa.String(32))
    price_per_gram: Mapped[Money]
    valid_from: Mapped[datetime]


class OrderNote(Base):
    """What a seller wrote down about an order, for colleagues.

    `seller` is there where the query loaded it, and raises elsewhere.
    """

    __tablename__ = "order_note"
    __table_args__ = (sa.Index("ix_order_note_order_id_created_at", "order_id", "created_at"),)

    id: Mapped[Id]
    order_id: Mapped[UUID] = mapped_column(sa.ForeignKey("order.id"))
    seller_id: Mapped[UUID] = mapped_column(sa.ForeignKey("seller.id"))
    text: Mapped[str]
    created_at: Mapped[CreatedAt]

    seller: Mapped[Seller] = relationship(lazy="raise_on_sql")


class IdempotencyKey(Base):
    """A partner's request that was answered: for a day, the same key finds the same order again."""

    KEPT_FOR: ClassVar[timedelta] = timedelta(hours=24)

    __tablename__ = "idempotency_key"
    # Old ones are deleted.
    __table_args__ = (sa.Index("ix_idempotency_key_created_at", "created_at"),)

    partner_id: Mapped[UUID] = mapped_column(sa.ForeignKey("partner.id"), primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(255), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(sa.String(64))  # sha256 of the request's content
    order_id: Mapped[UUID] = mapped_column(sa.ForeignKey("order.id"))
    created_at: Mapped[CreatedAt]


class Estimate(Failure, Base):
    """A price that a partner asked for without ordering. It has neither price nor failure while
    pricing is at work."""

    __tablename__ = "estimate"
    __table_args__ = (sa.Index("ix_estimate_partner_id_created_at", "partner_id", "created_at"),)

    id: Mapped[Id]
    partner_id: Mapped[UUID] = mapped_column(sa.ForeignKey("partner.id"))
    metal: Mapped[str] = mapped_column(sa.String(32))
    finish: Mapped[str] = mapped_column(sa.String(32))
    model_checksum: Mapped[str] = mapped_column(sa.String(64))
    price: Mapped[Money | None]
    metal_cost: Mapped[Money | None]
    making_cost: Mapped[Money | None]
    finish_cost: Mapped[Money | None]
    volume_mm3: Mapped[Measure | None]
    weight_g: Mapped[Measure | None]
    created_at: Mapped[CreatedAt]


class WebhookEndpoint(Base):
    """Where a partner wants to be told of its orders. The signing secret is derived from the id."""

    __tablename__ = "webhook_endpoint"

    id: Mapped[Id]
    partner_id: Mapped[UUID] = mapped_column(sa.ForeignKey("partner.id"), index=True)
    url: Mapped[str]
    created_at: Mapped[CreatedAt]


class Delivery(enum.StrEnum):
    """What has become of a webhook: to be sent (again), taken by the partner, or given up."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    PARKED = "PARKED"


class WebhookDelivery(Base):
    """One event for one endpoint. `sequence` is the step's number in its order's history."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        sa.UniqueConstraint("endpoint_id", "event_id"),
        # What comes before in an order's life, and what is due.
        sa.Index(
            "ix_webhook_delivery_endpoint_id_order_id_sequence",
            "endpoint_id",
            "order_id",
            "sequence",
        ),
        sa.Index(
            "ix_webhook_delivery_due",
            "next_attempt_at",
            postgresql_where=sa.text("state = 'PENDING'"),
        ),
        # The list, newest first.
        sa.Index("ix_webhook_delivery_endpoint_id_created_at", "endpoint_id", "created_at"),
    )

    id: Mapped[Id]
    endpoint_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("webhook_endpoint.id", ondelete="CASCADE")
    )
    event_id: Mapped[UUID]
    event_type: Mapped[str]
    order_id: Mapped[UUID] = mapped_column(sa.ForeignKey("order.id"))
    sequence: Mapped[int]
    body: Mapped[str]  # exactly what is signed and sent
    state: Mapped[Delivery] = mapped_column(
        sa.Enum(Delivery, native_enum=False, length=16, create_constraint=False),
        default=Delivery.PENDING,
    )
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[CreatedAt]
    last_status: Mapped[int | None]
    last_error: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    delivered_at: Mapped[datetime | None]


outbox_tables.outbox.to_metadata(Base.metadata)
outbox_tables.consumed_event.to_metadata(Base.metadata)
outbox_tables.inbox.to_metadata(Base.metadata)
configure_mappers()  # here, once: forked processes find it done
