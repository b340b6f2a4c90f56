"""Dead letters: events that could not be handled, which wait for a person to look into them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from atelier.data.database import Database
from atelier.messaging import inbox
from atelier.messaging.inbox import DeadLetter
from atelier.messaging.topology import Subscription


async def found(
    shop: Database, mes: Database, only: Subscription | None = None
) -> list[DeadLetter]:
    """All of them, or those of one queue; they stay where they are."""
    queue = None if only is None else only.queue
    letters: list[DeadLetter] = []
    for database in _databases(shop, mes, only):
        async with database.session() as session:
            letters += await inbox.dead(session, queue)
    return letters


async def replay(
    shop: Database,
    mes: Database,
    chosen: Callable[[DeadLetter], bool],
    only: Subscription | None = None,
) -> list[DeadLetter]:
    """Have the chosen ones tried again, as if they came for the first time; returns them.

    Their consumers do that within seconds.
    """
    queue = None if only is None else only.queue
    replayed: list[DeadLetter] = []
    for database in _databases(shop, mes, only):
        async with database.session() as session:
            letters = [letter for letter in await inbox.dead(session, queue) if chosen(letter)]
            for letter in letters:
                await inbox.revive(session, letter)
        replayed += letters
    return replayed


def _databases(shop: Database, mes: Database, only: Subscription | None) -> Sequence[Database]:
    if only is None:
        return (shop, mes)
    return (shop,) if only.database == "shop" else (mes,)
