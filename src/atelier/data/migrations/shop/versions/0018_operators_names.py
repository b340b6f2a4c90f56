"""What an operator was called who took a step in the workshop, for the colleagues in the CRM."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Services of the version before write steps without it.
    op.add_column("order_history", sa.Column("actor_name", sa.Text()))


def downgrade() -> None:
    op.drop_column("order_history", "actor_name")
