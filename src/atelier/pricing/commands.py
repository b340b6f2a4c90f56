"""`atelier prices`: what a gram of each metal costs, and whether kept prices come out again.

What needs the database is imported by the commands: the command line starts without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from atelier.command_errors import refuse, refusing
from atelier.domain.metals import METALS, UnknownMetal
from atelier.settings import settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

Result = TypeVar("Result")

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_prices() -> None:
    """Show every price with its beginning, and mark those that are valid now."""
    from atelier.clock import now
    from atelier.usecases import metal_prices

    prices = [metal_prices.MetalPrice.of(row) for row in _in_mes(metal_prices.listed)]
    current = metal_prices.valid(prices, now()).values()
    for price in prices:
        mark = "→" if price in current else " "
        cost = f"{price.metal:14}{price.price_per_gram:>10,} EUR/g"
        typer.echo(f"{mark} {cost}  from {_moment(price.valid_from)}")


@app.command("set")
def set_price(
    metal: Annotated[str, typer.Argument(help=f"One of {', '.join(METALS)}.")],
    price: Annotated[str, typer.Argument(help="EUR a gram, such as 61.40.")],
    valid_from: Annotated[
        str, typer.Option("--from", help="A date or a time in ISO 8601, in UTC; now by default.")
    ] = "",
) -> None:
    """Let a gram of METAL cost PRICE from a moment on. Prices calculated before stay."""
    from atelier.usecases import metal_prices

    amount, begin = _amount(price), _beginning(valid_from)
    try:
        _in_mes(lambda session: metal_prices.set_price(session, metal, amount, begin))
    except (UnknownMetal, metal_prices.BadPrice) as error:
        refuse(str(error))
    typer.echo(f"{METALS[metal].name}: {amount} EUR a gram from {_moment(begin)}.")


@app.command()
def verify() -> None:
    """Calculate every kept price again from what it was based on; exit with 1 if any differs."""
    from atelier.usecases import price_requests

    kept = _in_mes(price_requests.priced)
    differing = 0
    for calculation in kept:
        then = asdict(price_requests.quote_of(calculation))
        again = asdict(price_requests.calculated_again(calculation))
        if then != again:
            differing += 1
            changes = [f"{name} {then[name]} → {again[name]}" for name in then]
            typer.echo(f"order {calculation.order_id}: {', '.join(changes)}")
    typer.echo(f"{len(kept)} prices calculated again; {differing} differ.")
    raise typer.Exit(1 if differing else 0)


def _in_mes(work: Callable[[AsyncSession], Awaitable[Result]]) -> Result:
    """What `work` returns, done in one transaction of the `mes` database."""
    from atelier.data.database import Database

    async def run() -> Result:
        database = Database(settings().mes_database)
        try:
            async with database.session() as session:
                return await work(session)
        finally:
            await database.close()

    with refusing():
        return asyncio.run(run())


def _amount(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        refuse(f"“{text}” is no price. Write it like 61.40.")


def _beginning(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text) if text else datetime.now(UTC)
    except ValueError:
        refuse(f"“{text}” is no date. Write it like 2026-03-01 or 2026-03-01T12:00+01:00.")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
