"""`atelier partner`: the companies that may order through the API, their keys and their limits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, NoReturn, TypeVar
from uuid import UUID

import sqlalchemy as sa
import typer
from sqlalchemy.ext.asyncio import AsyncSession

from atelier import security
from atelier.data.columns import now
from atelier.data.database import Database
from atelier.data.shop import ApiKey, Partner
from atelier.partner.access import limits_of
from atelier.settings import BadSettings, settings

Answer = TypeVar("Answer")

app = typer.Typer(no_args_is_help=True)
keys = typer.Typer(no_args_is_help=True, help="API keys: made, listed and revoked.")
app.add_typer(keys, name="key")

Named = Annotated[str, typer.Argument(metavar="PARTNER", help="The partner's name or id.")]


@app.command()
def add(name: Annotated[str, typer.Argument(help="What the company is called.")]) -> None:
    """Take a company on as a partner. It needs a key, too."""

    async def work(session: AsyncSession) -> Partner:
        if await _found(session, name):
            _refuse(f"There is a partner {name} already.")
        partner = Partner(name=name)
        session.add(partner)
        return partner

    partner = _with_database(work)
    typer.echo(f"{partner.id}  {partner.name}")


@app.command("list")
def list_partners() -> None:
    """All partners, with their limits."""

    async def work(session: AsyncSession) -> list[Partner]:
        return list(await session.scalars(sa.select(Partner).order_by(Partner.name)))

    for partner in _with_database(work):
        limits = limits_of(partner, settings())
        typer.echo(
            f"{partner.id}  {partner.name}  {limits.burst} in {limits.window} s, "
            f"{limits.daily} a day"
        )


@app.command()
def limit(
    partner: Named,
    burst: Annotated[int | None, typer.Option(min=1, help="Requests at once.")] = None,
    window: Annotated[
        int | None, typer.Option(min=1, help="Seconds until as many are possible again.")
    ] = None,
    daily: Annotated[int | None, typer.Option(min=0, help="Requests a day.")] = None,
) -> None:
    """Set a partner's own limits; what is not given becomes the usual again."""

    async def work(session: AsyncSession) -> None:
        found = await _one(session, partner)
        found.burst, found.burst_window, found.daily_quota = burst, window, daily

    _with_database(work)


@keys.command("add")
def add_key(
    partner: Named,
    label: Annotated[str, typer.Option(help="What the key is for, such as: warehouse.")] = "",
) -> None:
    """Make a key and show it, this once: only its hash is kept."""
    key = security.new_api_key()

    async def work(session: AsyncSession) -> ApiKey:
        found = await _one(session, partner)
        made = ApiKey(partner_id=found.id, label=label, key_hash=security.hash_api_key(key))
        session.add(made)
        return made

    made = _with_database(work)
    typer.echo(f"id   {made.id}\nkey  {key}")


@keys.command("list")
def list_keys(partner: Named) -> None:
    """A partner's keys, oldest first, by id and label."""

    async def work(session: AsyncSession) -> list[ApiKey]:
        found = await _one(session, partner)
        query = sa.select(ApiKey).where(ApiKey.partner_id == found.id)
        return list(await session.scalars(query.order_by(ApiKey.created_at)))

    for key in _with_database(work):
        revoked = "" if key.revoked_at is None else f"  revoked {key.revoked_at:%Y-%m-%d %H:%M} UTC"
        typer.echo(f"{key.id}  made {key.created_at:%Y-%m-%d %H:%M} UTC{revoked}  {key.label}")


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[UUID, typer.Argument(metavar="KEY", help="The key's id, from `key list`.")],
) -> None:
    """Refuse a key from now on."""

    async def work(session: AsyncSession) -> None:
        key = await session.get(ApiKey, key_id)
        if key is None:
            _refuse(f"There is no key {key_id}.")
        key.revoked_at = key.revoked_at or now()

    _with_database(work)


async def _one(session: AsyncSession, wanted: str) -> Partner:
    found = await _found(session, wanted)
    if not found:
        _refuse(f"There is no partner {wanted}; `atelier partner list` shows all.")
    if len(found) > 1:
        _refuse(f"{len(found)} partners are called {wanted}; say which one by its id.")
    return found[0]


async def _found(session: AsyncSession, wanted: str) -> list[Partner]:
    try:
        by_id = await session.get(Partner, UUID(wanted))
    except ValueError:
        return list(await session.scalars(sa.select(Partner).where(Partner.name == wanted)))
    return [] if by_id is None else [by_id]


def _with_database(work: Callable[[AsyncSession], Awaitable[Answer]]) -> Answer:
    async def run() -> Answer:
        shop = Database(settings().shop_database)
        try:
            async with shop.session() as session:
                return await work(session)
        finally:
            await shop.close()

    try:
        return asyncio.run(run())
    except BadSettings as error:
        _refuse(str(error))
    except sa.exc.OperationalError:
        _refuse("The shop's database does not answer.")


def _refuse(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(2)
