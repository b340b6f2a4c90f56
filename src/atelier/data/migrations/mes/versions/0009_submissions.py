"""An order that is changed is submitted again: each submission has a calculation of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Services of the version before write without the number: to them all is the first submission.
    for table in ("calculation", "calculation_request", "work_order"):
        op.add_column(
            table, sa.Column("submission", sa.Integer(), nullable=False, server_default="1")
        )
    op.drop_constraint("pk_calculation", "calculation")
    op.create_primary_key("pk_calculation", "calculation", ["order_id", "submission"])


def downgrade() -> None:
    op.execute(
        """
        DELETE FROM calculation USING calculation AS later
        WHERE later.order_id = calculation.order_id AND later.submission > calculation.submission
        """
    )
    op.drop_constraint("pk_calculation", "calculation")
    op.create_primary_key("pk_calculation", "calculation", ["order_id"])
    for table in ("calculation", "calculation_request", "work_order"):
        op.drop_column(table, "submission")
