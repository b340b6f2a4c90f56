"""The list as one process of the MES has it."""

from __future__ import annotations

import asyncio

from redis.asyncio import Redis

from atelier.data.database import Database
from atelier.mes.listing.feed import Feed
from atelier.mes.listing.projector import Projector
from atelier.mes.listing.readmodel import ReadModel
from atelier.mes.listing.source import Source


class LiveList:
    """Made before any server is up; follows what happens while `run()` runs."""

    def __init__(self, database: Database, cache: Redis) -> None:
        model = ReadModel(cache)
        self.source = Source(database, model)
        self.feed = Feed(database.url, self.source)
        self._projector = Projector(database.url, model)

    async def run(self) -> None:
        """Until cancelled; then the streams of all open pages end."""
        await asyncio.gather(self._projector.run(), self.feed.run())
