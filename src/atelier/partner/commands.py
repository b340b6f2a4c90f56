"""`atelier partner`: who may order through the API, with which keys, and how much."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer

from atelier.command_errors import refuse, refusing
from atelier.settings import settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

Answer = TypeVar("Answer")

app = typer.Typer(no_args_is_help=True)
keys = typer.Typer(no_args_is_help=True, help="API keys: made, listed and revoked.")
app.add_typer(keys, name="key")

Named = Annotated[str, typer.Argument(metavar="PARTNER", help="The partner's name or id.")]


@app.command()
def add(name: Annotated[str, typer.Argument(help="What the company is called.")]) -> None:
    """Take a company on as a partner. It needs a key, too."""
    from atelier.partner import register

    partner = _with_database(lambda session: register.add(session, name))
    typer.echo(f"{partner.id}  {partner.name}")


@app.command("list")
def list_partners() -> None:
    """All partners, with their limits."""
    from atelier.partner import register
    from atelier.partner.limits import limits_of

    for partner in _with_database(register.partners):
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
    from atelier.partner import register

    async def work(session: AsyncSession) -> None:
        found = await register.find(session, partner)
        found.burst, found.burst_window, found.daily_quota = burst, window, daily

    _with_database(work)


@keys.command("add")
def add_key(
    partner: Named,
    label: Annotated[str, typer.Option(help="What the key is for, such as: warehouse.")] = "",
) -> None:
    """Make a key and show it, this once: only its hash is kept."""
    from atelier.partner import register

    async def work(session: AsyncSession) -> tuple[UUID, str]:
        made, key = await register.add_key(session, await register.find(session, partner), label)
        await session.flush()
        return made.id, key

    key_id, key = _with_database(work)
    typer.echo(f"id   {key_id}\nkey  {key}")


@keys.command("list")
def list_keys(partner: Named) -> None:
    """A partner's keys, oldest first, by id and label."""
    from atelier.partner import register

    async def work(session: AsyncSession) -> list[str]:
        found = await register.find(session, partner)
        return [
            f"{key.id}  made {key.created_at:%Y-%m-%d %H:%M} UTC"
            f"{f'  revoked {key.revoked_at:%Y-%m-%d %H:%M} UTC' if key.revoked_at else ''}"
            f"  {key.label}"
            for key in await register.keys_of(session, found)
        ]

    for line in _with_database(work):
        typer.echo(line.rstrip())


@keys.command("revoke")
def revoke_key(
    key: Annotated[UUID, typer.Argument(metavar="KEY", help="The key's id, from `key list`.")],
) -> None:
    """Refuse a key from now on."""
    from atelier.partner import register

    _with_database(lambda session: register.revoke(session, key))


def _with_database(work: Callable[[AsyncSession], Awaitable[Answer]]) -> Answer:
    # Not with the module: whoever calls another command need not wait for all this.
    from atelier.data.database import Database
    from atelier.domain.people import BadName
    from atelier.partner.register import NotRegistered

    async def run() -> Answer:
        shop = Database(settings().shop_database)
        try:
            async with shop.session() as session:
                return await work(session)
        finally:
            await shop.close()

    try:
        with refusing():
            return asyncio.run(run())
    except (BadName, NotRegistered) as error:
        refuse(str(error))
