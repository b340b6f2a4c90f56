"""Letters that wait for a person, and idempotency keys that are free again, are found by index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_email_parked", "email", ["parked_at"], postgresql_where=sa.text("parked_at IS NOT NULL")
    )
    op.drop_index("ix_idempotency_key_partner_id_created_at", "idempotency_key")
    op.create_index("ix_idempotency_key_created_at", "idempotency_key", ["created_at"])


def downgrade() -> None:
    op.drop_index("ix_idempotency_key_created_at", "idempotency_key")
    op.create_index(
        "ix_idempotency_key_partner_id_created_at", "idempotency_key", ["partner_id", "created_at"]
    )
    op.drop_index("ix_email_parked", "email")
