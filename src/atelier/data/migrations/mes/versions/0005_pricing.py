"""Metal prices with their validity, requests for a price in lanes, and what a price is based on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BEGINNING = "2000-01-01T00:00:00+00:00"


def upgrade() -> None:
    op.create_table(
        "metal_price",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("metal", sa.String(32), nullable=False),
        sa.Column("price_per_gram", sa.Numeric(12, 2), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("price_per_gram > 0", name="ck_metal_price_above_zero"),
        sa.PrimaryKeyConstraint("id", name="pk_metal_price"),
    )
    op.create_index("ix_metal_price_metal_valid_from", "metal_price", ["metal", "valid_from"])
    # The numbers are the same as in the shop's first list, which no event has told.
    op.execute(
        f"""
        INSERT INTO metal_price (id, metal, price_per_gram, valid_from, created_at)
        OVERRIDING SYSTEM VALUE VALUES
            (1, 'silver-925', 1.60, '{_BEGINNING}', now()),
            (2, 'gold-585', 61.40, '{_BEGINNING}', now()),
            (3, 'gold-750', 78.70, '{_BEGINNING}', now()),
            (4, 'platinum-950', 38.90, '{_BEGINNING}', now())
        """
    )
    op.execute("ALTER TABLE metal_price ALTER COLUMN id RESTART WITH 5")
    op.create_table(
        "calculation_lane",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("served_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("name", name="pk_calculation_lane"),
    )
    op.create_table(
        "calculation_request",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("lane", sa.String(64), nullable=False),
        sa.Column("event", postgresql.JSONB(), nullable=False),
        sa.Column("traceparent", sa.Text()),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("claimed_by", sa.Text()),
        sa.Column("claimed_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["lane"], ["calculation_lane.name"], name="fk_calculation_request_lane"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_calculation_request"),
        sa.UniqueConstraint("order_id", name="uq_calculation_request_order_id"),
    )
    op.create_index("ix_calculation_request_lane_id", "calculation_request", ["lane", "id"])
    _notify("calculation_request")
    _notify("metal_price")
    _keep_the_basis_of_prices()


def downgrade() -> None:
    op.drop_constraint(op.f("ck_calculation_price_with_basis"), "calculation")
    for column in (
        "density",
        "price_per_gram",
        "metal_price_id",
        "making_of_any",
        "making_per_gram",
        "finish_code",
        "formula",
    ):
        op.drop_column("calculation", column)
    for table in ("calculation_request", "calculation_lane", "metal_price"):
        op.drop_table(table)
    op.execute("DROP FUNCTION notify_calculation_request, notify_metal_price")


def _notify(table: str) -> None:
    """One wake-up a statement on a channel of the table's name, delivered with the commit."""
    op.execute(
        f"""
        CREATE FUNCTION notify_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_notify('{table}', '');
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        f"CREATE TRIGGER notify AFTER INSERT ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION notify_{table}()"
    )


def _keep_the_basis_of_prices() -> None:
    for column in (
        sa.Column("density", sa.Numeric(6, 2)),
        sa.Column("price_per_gram", sa.Numeric(12, 2)),
        sa.Column(
            "metal_price_id",
            sa.Integer(),
            sa.ForeignKey("metal_price.id", name="fk_calculation_metal_price_id"),
        ),
        sa.Column("making_of_any", sa.Numeric(12, 2)),
        sa.Column("making_per_gram", sa.Numeric(12, 2)),
        sa.Column("finish_code", sa.String(32)),
        sa.Column("formula", sa.Integer()),
    ):
        op.add_column("calculation", column)
    # Until now everything but the volume was written in the code, and has never changed.
    op.execute(
        """
        UPDATE calculation
        SET density = CASE calculation.metal WHEN 'silver-925' THEN 10.36 WHEN 'gold-585' THEN 13.78
                                 WHEN 'gold-750' THEN 15.45 ELSE 20.70 END,
            price_per_gram = metal_price.price_per_gram,
            metal_price_id = metal_price.id,
            making_of_any = 45.00, making_per_gram = 6.50,
            finish_code = 'polished', formula = 1
        FROM metal_price WHERE metal_price.metal = calculation.metal AND total IS NOT NULL
        """
    )
    op.create_check_constraint(
        op.f("ck_calculation_price_with_basis"),
        "calculation",
        "total IS NULL OR num_nulls(triangles, volume_mm3, density, price_per_gram, "
        "metal_price_id, making_of_any, making_per_gram, finish_code, finish, formula) = 0",
    )
