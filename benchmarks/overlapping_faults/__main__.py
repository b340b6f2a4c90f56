"""Does an order get lost while several things break at once?

    .venv/bin/python -m benchmarks.overlapping_faults [--orders 600] [--seconds 300] [--seed 1]
        [--at-once 40] [--pause 5] [--drain 90] [--reconcile-every 0] [--keep]

A company with servers of its own: customers and partners order, sellers approve, operators make
and ship, sellers close, while services are killed, frozen and ended, RabbitMQ and PostgreSQL are
killed and stopped, and messages come twice and in another order, on three tracks at once by a
seeded schedule. What the clients were told is in a ledger of this process. When all orders were
begun the faults end; then the ledger is compared with the shop, the CRM and the MES, by identity,
until nothing is wrong or nothing has changed for so long (--drain, seconds). The platform's own
reconciliation is off, unless it is asked for.

Exit status: 0 nothing was lost, 1 something was, 2 too little happened to say so.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import time
from collections import Counter
from dataclasses import dataclass

import httpx
import psycopg
import sqlalchemy as sa

from atelier.data.address import driver_url
from benchmarks.overlapping_faults import faults, verdict
from benchmarks.overlapping_faults.company import Company
from benchmarks.overlapping_faults.ledger import Ledger
from benchmarks.overlapping_faults.people import Ordering, People, server_errors
from fixtures.abilities import ActRefused
from fixtures.accounts import MadeAccounts
from fixtures.clients.staff import CrmClient
from touchstone.keeper.health import all_answer
from touchstone.waiting import eventually

_SHOWN = 20  # findings
_TELLS_EVERY = 30  # seconds
_LEAST = {"faults": 10, "overlapping": 5, "kinds": 4, "shipped": 20}


@dataclass(frozen=True)
class Outcome:
    """Seconds; `unfinished` are the orders that did not come to their end in time."""

    ordering: float
    draining: float
    unfinished: int
    findings: list[verdict.Finding]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=600)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=40)
    parser.add_argument(
        "--pause", type=float, default=5, help="seconds between two faults of one track, mean"
    )
    parser.add_argument("--drain", type=float, default=90)
    parser.add_argument("--reconcile-every", type=float, default=0)
    parser.add_argument("--keep", action="store_true", help="leave the logs")
    options = parser.parse_args()
    # It tells of each connection that is cut, which is what happens here all the time.
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    print(f"seed {options.seed}, load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores", flush=True)
    company = Company({"ATELIER_RECONCILE_EVERY": f"{options.reconcile_every:g}"})
    ledger = Ledger()
    try:
        _wait_until_ready(company)
        troubles = faults.Troubles(company, options.seed, options.pause)
        outcome = asyncio.run(_run(company, ledger, troubles, options))
    finally:
        company.close(keep=options.keep)
    if options.keep:
        print(f"logs: {company.folder}")
    raise SystemExit(_tell(ledger, troubles, outcome))


async def _run(
    company: Company, ledger: Ledger, troubles: faults.Troubles, options: argparse.Namespace
) -> Outcome:
    engines = {
        name: sa.create_engine(driver_url(database.primary), poolclass=sa.NullPool)
        for name, database in company.sandbox.databases.items()
    }
    accounts = MadeAccounts(company.sandbox, engines["shop"], engines["mes"])
    people = People(dict(company.sandbox.services), accounts, ledger, options.seed)
    crm = CrmClient(company.sandbox.services["crm"], accounts.seller().cookies)
    ordering = Ordering(people, options.orders, options.seconds, options.at_once)
    began = time.monotonic()
    trouble = asyncio.create_task(troubles.run())
    progress = asyncio.create_task(_progress(ledger, troubles))
    await _until_first_failure(asyncio.create_task(ordering.begin_all()), trouble)
    took = time.monotonic() - began
    troubles.stop()
    await trouble
    progress.cancel()
    await asyncio.to_thread(_wait_until_ready, company)
    began = time.monotonic()
    unfinished = await ordering.finish(options.drain)
    found = await _drained(company, ledger, crm, options.drain)
    outcome = Outcome(took, time.monotonic() - began, unfinished, found)
    crm.close()
    await people.close()
    return outcome


async def _progress(ledger: Ledger, troubles: faults.Troubles) -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(_TELLS_EVERY)
        closed = sum(entry.done for entry in ledger.entries.values())
        print(
            f"{time.monotonic() - began:5.0f} s: {len(ledger.entries)} asked for,"
            f" {sum(1 for _ in ledger.accepted())} acknowledged, {closed} closed,"
            f" {len(troubles.happened)} faults, load {os.getloadavg()[0]:.1f}",
            flush=True,
        )


async def _until_first_failure(work: asyncio.Task[None], beside: asyncio.Task[None]) -> None:
    """Until `work` has ended. Raises what ends `beside` before it."""
    await asyncio.wait({work, beside}, return_when=asyncio.FIRST_COMPLETED)
    if not work.done():
        work.cancel()
        beside.result()
    await work


async def _drained(
    company: Company, ledger: Ledger, crm: CrmClient, patience: float
) -> list[verdict.Finding]:
    """What is wrong when nothing is any more, or when that did not change for `patience` seconds.

    A slow machine is no loss; each change brings an order further, so this ends.
    """
    shop, mes = (company.primaries[name].address for name in ("shop", "mes"))
    before: list[verdict.Finding] | None = None
    changed = time.monotonic()
    while True:
        try:
            systems = await asyncio.to_thread(verdict.look, shop, mes, crm)
        except (httpx.HTTPError, psycopg.Error, ActRefused):
            if time.monotonic() - changed > patience:
                raise
        else:
            found = verdict.findings(ledger, systems)
            if found != before:
                before, changed = found, time.monotonic()
            if not found or time.monotonic() - changed > patience:
                return found
        await asyncio.sleep(1)


def _wait_until_ready(company: Company) -> None:
    urls = [f"{address}/health/ready" for address in company.sandbox.services.values()]
    eventually(lambda: all_answer(urls, 5), timeout=90, describe="all services are ready")


def _tell(ledger: Ledger, troubles: faults.Troubles, outcome: Outcome) -> int:
    happened, overlapping = troubles.happened, faults.overlapping(troubles.happened)
    accepted = list(ledger.accepted())
    closed = sum(entry.done for entry in ledger.entries.values())
    shipped = sum("SHIPPED" in entry.acknowledged for entry in accepted)
    refused = [entry for entry in ledger.entries.values() if entry.refused]
    print(f"\nfaults             {len(happened)}, of which {overlapping} overlapped another")
    for kind, count in sorted(faults.by_kind(happened).items()):
        print(f"  {kind:16} {count:5}")
    print(f"  messages that came in another order: {troubles.reordered}")
    for text in troubles.failed[:3]:
        print(f"  not done: {text[:150]}")
    print(f"orders             {len(ledger.entries)} asked for, {len(accepted)} acknowledged")
    print(f"                   {shipped} shipped, {closed} closed, {outcome.unfinished} unfinished")
    print(f"rate               {len(accepted) / outcome.ordering:.2f} acknowledged a second")
    print(
        f"time               {outcome.ordering:.0f} s with faults, {outcome.draining:.1f} to drain"
    )
    print(f"answers above 499  {dict(server_errors) or 'none'}")
    for entry in refused[:_SHOWN]:
        print(f"  refused: {entry.key} {sorted(entry.numbers)} {entry.refused}")
    counts = Counter(finding.kind for finding in outcome.findings)
    print("verdict            " + ", ".join(f"{counts[kind]} {kind}" for kind in verdict.KINDS))
    for finding in outcome.findings[:_SHOWN]:
        print(f"  {finding.kind:8} {finding.number}: {finding.what}")
    if outcome.findings or refused or outcome.unfinished:
        return 1
    measured = {
        "faults": len(happened),
        "overlapping": overlapping,
        "kinds": len(faults.by_kind(happened)),
        "shipped": shipped,
    }
    if few := {name: n for name, n in measured.items() if n < _LEAST[name]}:
        print(f"too little happened to say anything: {few}; needed at least {_LEAST}")
        return 2
    return 0


if __name__ == "__main__":
    main()
