"""Letters by which a forgotten password is replaced."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_NAME = op.f("ck_email_about_an_order")


def upgrade() -> None:
    op.drop_constraint(_NAME, "email")
    op.create_check_constraint(
        _NAME, "email", "(order_id IS NULL) = (kind IN ('confirmation', 'password'))"
    )


def downgrade() -> None:
    op.execute("DELETE FROM email WHERE kind = 'password'")
    op.drop_constraint(_NAME, "email")
    op.create_check_constraint(_NAME, "email", "(order_id IS NULL) = (kind = 'confirmation')")
