"""Dead letters: events that could not be handled, which wait for a person to look into them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from atelier.data.database import Database
from atelier.messaging import inbox, topology
from atelier.messaging.inbox import DeadLetter


class NoSuchQueue(Exception):
    """Names the queues that there are."""


async def found(shop: Database, mes: Database, only: str | None = None) -> list[DeadLetter]:
    """All of them, or those of one queue; they stay where they are. Raises NoSuchQueue."""
    letters: list[DeadLetter] = []
    for database in _databases(shop, mes, only):
        async with database.session() as session:
            letters += await inbox.dead(session, only)
    return letters


async def replay(
    shop: Database,
    mes: Database,
    chosen: Callable[[DeadLetter], bool],
    only: str | None = None,
) -> list[DeadLetter]:
    """Have the chosen ones tried again, as if they came for the first time; returns them.

    Their consumers do that within seconds. Raises NoSuchQueue.
    """
    replayed: list[DeadLetter] = []
    for database in _databases(shop, mes, only):
        async with database.session() as session:
            letters = [letter for letter in await inbox.dead(session, only) if chosen(letter)]
            for letter in letters:
                await inbox.revive(session, letter)
        replayed += letters
    return replayed


def _databases(shop: Database, mes: Database, only: str | None) -> Sequence[Database]:
    if only is None:
        return (shop, mes)
    if only not in topology.QUEUES:
        raise NoSuchQueue(f"There is no queue {only}; there are: {', '.join(topology.QUEUES)}.")
    return (shop,) if topology.database_of(only) == "shop" else (mes,)
