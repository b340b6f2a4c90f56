"""`atelier dlq …`, `atelier letters …`, `atelier reconcile` and `atelier prune`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID

import typer

from atelier.command_errors import refuse, refusing
from atelier.services import SUBSCRIPTIONS
from atelier.settings import settings

if TYPE_CHECKING:
    from atelier.admin.comparing import Difference
    from atelier.admin.reconciliation import Systems
    from atelier.messaging.inbox import DeadLetter
    from atelier.messaging.topology import Subscription

T = TypeVar("T")

_PIPED = 160  # columns

Queue = Annotated[str | None, typer.Option(help="Of one queue only, such as mes.orders.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]

dlq = typer.Typer(no_args_is_help=True, help="Events that could not be handled.")
letters = typer.Typer(no_args_is_help=True, help="Letters that no mail server would take.")


def add_to(app: typer.Typer) -> None:
    """The commands become part of `app`."""
    app.add_typer(dlq, name="dlq")
    app.add_typer(letters, name="letters")
    app.command()(reconcile)
    app.command()(prune)


@dlq.command("list")
def list_dead_letters(queue: Queue = None, as_json: AsJson = False) -> None:
    """Show what could not be handled, and why. Changes nothing."""
    letters = _found(queue)
    if as_json:
        # What is in them is shown one by one, to whoever has a reason to look.
        _print_json([{**letter.to_dict(), "body": None} for letter in letters])
    else:
        rows = [_row(letter) for letter in letters]
        _print_table(("event", "where and since when", "why"), rows, "No event is dead.")


@dlq.command()
def show(id: Annotated[str, typer.Argument(help="As `dlq list` shows it.")]) -> None:
    """Show one event whole."""
    letters = [letter for letter in _found(None) if letter.id == id]
    if not letters:
        refuse(f"No dead letter has the id {id}. `atelier dlq list` shows those that there are.")
    _print_json([letter.to_dict() for letter in letters])


@dlq.command()
def replay(
    queue: Queue = None,
    id: Annotated[list[str] | None, typer.Option(help="One event; may be given again.")] = None,
    all_of_them: Annotated[bool, typer.Option("--all", help="Every event.")] = False,
) -> None:
    """Have events tried again, once what stopped them is repaired."""
    if bool(id) is all_of_them:
        refuse("Say which events: --id (once or more), or --all.")
    from atelier.admin import dead_letters

    wanted = set(id or [])
    only = _subscription(queue)

    async def again(systems: Systems) -> list[DeadLetter]:
        def chosen(letter: DeadLetter) -> bool:
            return all_of_them or letter.id in wanted

        return await dead_letters.replay(systems.shop, systems.mes, chosen, only)

    replayed = _run(again)
    for letter in replayed:
        typer.echo(f"{letter.type} {letter.id} of {letter.queue} is tried again")
    if missing := wanted - {letter.id for letter in replayed}:
        refuse(f"No dead letter has the id {', '.join(sorted(missing))}.")
    typer.echo(f"{len(replayed)} replayed")


@letters.command("list")
def list_letters(as_json: AsJson = False) -> None:
    """Show the letters that are not tried any more, and why. Changes nothing."""
    from atelier.admin import letters

    async def found(systems: Systems) -> Sequence[letters.ParkedLetter]:
        async with systems.shop.session() as session:
            return await letters.parked(session)

    parked = _run(found)
    if as_json:
        _print_json([letter.to_dict() for letter in parked])
    else:
        rows = [
            (
                str(each.id),
                f"{each.kind}\n{each.order}",
                f"attempt {each.attempts}, {each.parked_at:%Y-%m-%d %H:%M:%S} UTC: {each.reason}",
            )
            for each in parked
        ]
        _print_table(("letter", "what about", "why"), rows, "No letter is parked.")


@letters.command()
def send(
    id: Annotated[list[str] | None, typer.Option(help="One letter; may be given again.")] = None,
    all_of_them: Annotated[bool, typer.Option("--all", help="Every letter.")] = False,
) -> None:
    """Try letters again, once what stopped them is repaired."""
    if bool(id) is all_of_them:
        refuse("Say which letters: --id (once or more), or --all.")
    from atelier.admin import letters

    try:
        wanted = {UUID(each) for each in id or []}
    except ValueError:
        refuse("An id is 32 hex digits with hyphens, as `atelier letters list` shows it.")

    async def again(systems: Systems) -> set[UUID]:
        async with systems.shop.session() as session:
            return await letters.again(session, None if all_of_them else wanted)

    tried = _run(again)
    typer.echo(f"{len(tried)} will be sent again")
    if missing := wanted - tried:
        refuse(f"No parked letter has the id {', '.join(sorted(map(str, missing)))}.")


def reconcile(
    repair: Annotated[
        bool, typer.Option("--repair", help="Send again the events that a system has missed.")
    ] = False,
    grace: Annotated[
        float, typer.Option(help="Seconds that a change may be on its way.", min=0)
    ] = 60,
    patience: Annotated[
        float, typer.Option(help="Seconds to wait for the effect of a repair.", min=0)
    ] = 30,
    as_json: AsJson = False,
) -> None:
    """Compare shop, MES, pricing and queues. Ends with 1 where they do not agree."""
    from atelier.admin import reconciliation

    async def compare(systems: Systems) -> Sequence[Difference]:
        left = await systems.differences()
        return await reconciliation.repaired(systems, left, patience) if repair else left

    left = _run(compare, timedelta(seconds=grace))
    if as_json:
        _print_json([each.to_dict() for each in left])
    else:
        rows = [
            (each.where, each.kind, each.detail, "yes" if each.repairable else "by a person")
            for each in left
        ]
        _print_table(("where", "what", "detail", "--repair can help"), rows, "All systems agree.")
    if left:
        raise typer.Exit(1)


def prune(
    days: Annotated[
        int, typer.Option(help="Keep what is younger; longer than any message may wait.", min=1)
    ] = 30,
) -> None:
    """Delete old events of orders that are finished, old notes of consumed events, and orders that
    nobody has submitted for ATELIER_UNFINISHED_DAYS, with their models."""
    from atelier.admin import pruning
    from atelier.clock import now
    from atelier.storage.blob_store import blob_store_at
    from atelier.storage.model_store import ModelStore

    async def tidy(systems: Systems) -> None:
        given = settings()
        unfinished = await pruning.prune_unfinished(
            systems.shop,
            ModelStore(blob_store_at(given.files)),
            now() - timedelta(days=given.unfinished_days),
        )
        typer.echo(f"shop: {unfinished} unfinished orders removed")
        gone = await pruning.prune(systems.shop, systems.mes, now() - timedelta(days=days))
        for table, rows in gone.items():
            typer.echo(f"{table}: {rows} rows deleted")

    _run(tidy)


def _found(queue: str | None) -> list[DeadLetter]:
    from atelier.admin import dead_letters

    only = _subscription(queue)
    return _run(lambda systems: dead_letters.found(systems.shop, systems.mes, only))


def _subscription(queue: str | None) -> Subscription | None:
    """The one of a queue that somebody has named; refuses where there is none."""
    if queue is None:
        return None
    if queue not in SUBSCRIPTIONS:
        refuse(f"There is no queue {queue}; there are: {', '.join(SUBSCRIPTIONS)}.")
    return SUBSCRIPTIONS[queue]


def _run(work: Callable[[Systems], Coroutine[Any, Any, T]], grace: timedelta = timedelta(0)) -> T:
    """The outcome of `work` on the systems that the settings name; refuses where one is away."""
    from atelier.messaging.broker import BROKER_GONE
    from atelier.telemetry import logs

    async def run() -> T:
        async with _systems(grace) as systems:
            return await work(systems)

    logs.configure("WARNING")
    with refusing():
        try:
            return asyncio.run(run())
        except BROKER_GONE as error:
            refuse(f"The broker cannot be reached, or refuses: {type(error).__name__}: {error}")


@asynccontextmanager
async def _systems(grace: timedelta) -> AsyncIterator[Systems]:
    from atelier.admin.reconciliation import Systems
    from atelier.data.database import Database
    from atelier.messaging.broker import BrokerConnection

    given = settings()
    systems = Systems(
        Database(given.shop_database),
        Database(given.mes_database),
        BrokerConnection(given.broker, SUBSCRIPTIONS),
        grace,
    )
    try:
        yield systems
    finally:
        await systems.broker.close()
        await asyncio.gather(systems.shop.close(), systems.mes.close())


def _row(letter: DeadLetter) -> tuple[str, ...]:
    since = f"{letter.died_at:%Y-%m-%d %H:%M:%S} UTC"
    order = f"order {letter.order_id}" if letter.order_id else ""
    return (
        f"{letter.type}\n{letter.id}",
        f"{letter.queue}\n{since}",
        f"attempt {letter.attempts}: {letter.reason}\n{order}",
    )


def _print_table(heads: Sequence[str], rows: Sequence[Sequence[str]], nothing: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        typer.echo(nothing)
        return
    table = Table(box=box.SIMPLE)
    for head in heads:
        # What is first is copied into the next command.
        table.add_column(head, no_wrap=head is heads[0], overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console(width=None if sys.stdout.isatty() else _PIPED).print(table)


def _print_json(found: object) -> None:
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
