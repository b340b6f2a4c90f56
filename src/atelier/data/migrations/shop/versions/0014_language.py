"""The language that a seller has chosen for their pages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("seller", sa.Column("language", sa.Text()))
    op.create_check_constraint(
        op.f("ck_seller_language_known"), "seller", "language IN ('en', 'ru')"
    )


def downgrade() -> None:
    op.drop_column("seller", "language")
