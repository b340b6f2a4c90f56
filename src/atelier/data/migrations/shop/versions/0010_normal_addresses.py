"""An address is kept in one form, so that all ways to write it are one account.

Accounts that turn out to be the same become the oldest of them, with the orders of all. The unique
constraint on the address, which has been there from the beginning, then holds for all of them.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from atelier.domain.people import known_address

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    # Plain text without a blank is in that form already, but for domains written as xn--….
    unusual = connection.execute(
        sa.text("SELECT id, email, created_at FROM customer WHERE email !~ '^[!-~]+$'")
    ).all()
    for account, written, created_at in unusual:
        address = known_address(written)
        if address != written:
            _keep(connection, account, created_at, address)


def _keep(connection: sa.Connection, account: UUID, created_at: datetime, address: str) -> None:
    """`account` gets the address, or becomes one with the account that has it."""
    other = connection.execute(
        sa.text("SELECT id, created_at FROM customer WHERE email = :address AND id <> :account"),
        {"address": address, "account": account},
    ).one_or_none()
    if other is not None:
        stays, goes = (account, other.id) if created_at < other.created_at else (other.id, account)
        for statement in (
            'UPDATE "order" SET customer_id = :stays WHERE customer_id = :goes',
            "UPDATE email SET customer_id = :stays WHERE customer_id = :goes",
            "DELETE FROM customer WHERE id = :goes",
        ):
            connection.execute(sa.text(statement), {"stays": stays, "goes": goes})
        account = stays
    connection.execute(
        sa.text("UPDATE customer SET email = :address WHERE id = :account"),
        {"address": address, "account": account},
    )


def downgrade() -> None:
    """What was written is not known any more, and the new form was always allowed."""
