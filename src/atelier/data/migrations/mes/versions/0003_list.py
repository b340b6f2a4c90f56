"""The feed of the list of work: which rows have changed since a given moment.

`changed_in` is the transaction that changed a row last. Transactions are numbered when they begin
to write and seen when they commit, so who has read up to the oldest one that was still running
(`pg_snapshot_xmin`) and reads on from there misses nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Written as PostgreSQL writes it itself, so that an index that is made again is the same.
_ACTIVE = "(state)::text <> ALL (ARRAY['CLOSED'::text, 'CANCELLED'::text, 'PRICING_FAILED'::text])"


def upgrade() -> None:
    op.add_column(
        "work_order",
        sa.Column(
            "changed_in",
            sa.BigInteger(),
            nullable=False,
            server_default=sa.text("((pg_current_xact_id())::text)::bigint"),
        ),
    )
    op.create_index("ix_work_order_changed_in", "work_order", ["changed_in"])
    # The list, in its order; the index holds nothing that is finished.
    op.create_index(
        "ix_work_order_active",
        "work_order",
        [sa.text("created_at DESC"), sa.text("number DESC")],
        postgresql_where=sa.text(_ACTIVE),
    )
    op.execute(
        """
        CREATE FUNCTION mark_work_order() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.changed_in := pg_current_xact_id()::text::bigint;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER mark_work_order BEFORE UPDATE ON work_order
        FOR EACH ROW EXECUTE FUNCTION mark_work_order()
        """
    )
    op.execute(
        """
        CREATE FUNCTION notify_work_order() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_notify('work_order', '');
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER notify_work_order AFTER INSERT OR UPDATE ON work_order
        FOR EACH STATEMENT EXECUTE FUNCTION notify_work_order()
        """
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER notify_work_order ON work_order")
    op.execute("DROP TRIGGER mark_work_order ON work_order")
    op.execute("DROP FUNCTION notify_work_order()")
    op.execute("DROP FUNCTION mark_work_order()")
    op.drop_index("ix_work_order_active", "work_order")
    op.drop_index("ix_work_order_changed_in", "work_order")
    op.drop_column("work_order", "changed_in")
