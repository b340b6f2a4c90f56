"""What whoever runs the platform does by command."""

from __future__ import annotations

import asyncio
import json

import pytest

from atelier.data.database import Database
from atelier.data.shop import (
    Partner,
)
from atelier.messaging import inbox
from atelier.messaging.handler import Refused
from tests.integration.atelier.partner_events import placed
from tests.integration.atelier.platform_process import command
from tests.integration.atelier.wire import (
    dead_letters,
    exploded,
    in_the_inbox,
)
from touchstone.sandbox import Sandbox

pytestmark = pytest.mark.anyio


async def test_commands_say_what_they_found_and_did(
    bare_sandbox: Sandbox, shop: Database, mes: Database, partner: Partner
) -> None:
    died = exploded()
    async with mes.session() as session:
        given_up = inbox.setback(Refused("nobody knows it"), 0, ())
        await inbox.keep(session, "mes.orders", died, given_up)
    order = await placed(shop, partner)

    listed = await asyncio.to_thread(command, bare_sandbox, "dlq", "list")
    assert str(died.id) in listed.stdout
    assert "mes.orders" in listed.stdout
    unclean = await asyncio.to_thread(command, bare_sandbox, "reconcile", "--grace", "0", "--json")
    assert unclean.returncode == 1
    kinds = {(each["where"], each["kind"]) for each in json.loads(unclean.stdout)}
    assert {("mes.orders", "dead letter"), (order.number, "missing in mes")} <= kinds
    replayed = await asyncio.to_thread(command, bare_sandbox, "dlq", "replay", "--all")
    assert "1 replayed" in replayed.stdout
    assert not await dead_letters(mes)
    assert await in_the_inbox(mes) == ["Refused: nobody knows it"]


def test_systems_that_agree_end_with_0(bare_sandbox: Sandbox) -> None:
    clean = command(bare_sandbox, "reconcile")

    assert (clean.returncode, clean.stdout) == (0, "All systems agree.\n")


def test_a_replay_has_to_be_told_of_what(bare_sandbox: Sandbox) -> None:
    for words in (("replay",), ("replay", "--id", "nothing"), ("show", "nothing")):
        refused = command(bare_sandbox, "dlq", *words)

        assert refused.returncode == 2
        assert refused.stderr.startswith(("Say which events", "No dead letter has the id nothing"))
