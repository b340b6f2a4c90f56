"""The language that an operator has chosen for their pages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("operator", sa.Column("language", sa.Text()))
    op.create_check_constraint(
        op.f("ck_operator_language_known"), "operator", "language IN ('en', 'ru')"
    )


def downgrade() -> None:
    op.drop_column("operator", "language")
