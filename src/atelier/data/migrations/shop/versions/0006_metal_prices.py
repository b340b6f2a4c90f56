"""What a gram of each metal costs, as pricing tells it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_BEGINNING = "2000-01-01T00:00:00+00:00"


def upgrade() -> None:
    op.create_table(
        "metal_price",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("metal", sa.String(32), nullable=False),
        sa.Column("price_per_gram", sa.Numeric(12, 2), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_metal_price"),
    )
    # The same as pricing's first list; what comes later comes by event.
    op.execute(
        f"""
        INSERT INTO metal_price (id, metal, price_per_gram, valid_from) VALUES
            (1, 'silver-925', 1.60, '{_BEGINNING}'),
            (2, 'gold-585', 61.40, '{_BEGINNING}'),
            (3, 'gold-750', 78.70, '{_BEGINNING}'),
            (4, 'platinum-950', 38.90, '{_BEGINNING}')
        """
    )


def downgrade() -> None:
    op.drop_table("metal_price")
