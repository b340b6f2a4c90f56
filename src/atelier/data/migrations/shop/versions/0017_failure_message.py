"""Why there is no price, as a message that is told in the language of whoever reads it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_TABLES = ("order", "estimate")


def upgrade() -> None:
    # Services of the version before tell the English text alone.
    for table in _TABLES:
        op.add_column(table, sa.Column("failure_message", JSONB()))


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "failure_message")
