"""What `atelier readmodel rebuild` does and says."""

from __future__ import annotations

import asyncio
import time

from atelier.cache import CACHE_GONE, cache_at
from atelier.mes.listing import projector
from atelier.mes.listing.readmodel import ReadModel
from atelier.settings import settings


def rebuild() -> str:
    """Returns when the new one has taken the old one's place."""
    began = time.monotonic()
    try:
        rows = asyncio.run(_rebuild())
    except CACHE_GONE as error:
        return f"Redis cannot be used ({error}). The MES serves its list from the database."
    return f"The read model has {rows:,} rows, built in {time.monotonic() - began:.1f} s."


async def _rebuild() -> int:
    async with cache_at(settings().cache) as cache:
        return await projector.rebuild(settings().mes_database, ReadModel(cache))
