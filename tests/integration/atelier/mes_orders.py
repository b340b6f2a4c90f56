"""The factory's queue of orders, its consumer, and what that has left in a database."""

from __future__ import annotations

import sqlalchemy as sa

from atelier.data.database import Database
from atelier.messaging.broker import BrokerConnection
from atelier.messaging.consumer import Consumer
from atelier.messaging.handler import Handler
from atelier.settings import Settings
from atelier.usecases import work_orders

QUEUE = "mes.orders"


def consumer(
    handler: Handler, mes: Database, broker: BrokerConnection, settings: Settings
) -> Consumer:
    return Consumer(QUEUE, handler, mes, broker, retry_delays=settings.retry_delays)


async def count(database: Database, table: sa.Table) -> int:
    async with database.session() as session:
        return await session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def mes_consumer(mes: Database, broker: BrokerConnection, settings: Settings) -> Consumer:
    return Consumer(
        "mes.orders", work_orders.handle, mes, broker, retry_delays=settings.retry_delays
    )
