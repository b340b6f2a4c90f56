"""What strangers send to every route of every service, and what they are answered.

    .venv/bin/python -m benchmarks.fuzz [--requests 20000] [--seed 1] [--service shop …]
                                        [--backing native]

Forms, headers, addresses, JSON and STL that Hypothesis thinks up (`fixtures.odd_requests`), to the
routes that the applications themselves have. Prints the answers by route and status, the slowest
request, and each 5xx that is not 503; ends with 1 where there was one, or where a request of up to
1 MB took over a second. One seed gives the same requests again.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from pathlib import Path

import sqlalchemy as sa

from atelier.data.address import driver_url
from atelier.services import SERVICES
from fixtures.accounts import MadeAccounts
from fixtures.routes import applications, routes_of
from fixtures.strangers import Account, cast, fuzz
from touchstone.backing.providers import PROVIDERS
from touchstone.keeper.client import KeeperClient, KeeperProcess
from touchstone.sandbox import Sandbox

_SHOWN = 10  # faults of one service


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=20_000, help="to each service")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--service", action="append", choices=list(SERVICES))
    parser.add_argument("--backing", choices=PROVIDERS, default="native")
    options = parser.parse_args()
    keeper = KeeperProcess(Path.cwd(), options.backing)
    faults = 0
    try:
        keeper.wait()
        client = KeeperClient(keeper.folder.socket)
        print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, seed {options.seed}")
        for service in options.service or SERVICES:
            sandbox = client.sandbox(apart=True).sandbox
            began = time.monotonic()
            account = _fuzz(sandbox, service, options.requests, options.seed)
            _print(service, account, time.monotonic() - began)
            faults += len(account.broken) + len(account.slow)
            client.release(sandbox)
        client.close()
    finally:
        keeper.close()
    raise SystemExit(1 if faults else 0)


def _fuzz(sandbox: Sandbox, service: str, count: int, seed: int) -> Account:
    with ExitStack() as closing:
        engines = []
        for name in ("shop", "mes"):
            engine = sa.create_engine(driver_url(sandbox.databases[name].primary))
            closing.callback(engine.dispose)
            engines.append(engine)
        people = cast(sandbox, MadeAccounts(sandbox, engines[0], engines[1]))
        with engines[0].begin() as connection:
            limits = "UPDATE partner SET burst = 1000000, daily_quota = 1000000000"
            connection.execute(sa.text(limits))
        return fuzz(sandbox, people, service, routes_of(applications(sandbox)), count, seed)


def _print(service: str, account: Account, seconds: float) -> None:
    by_route: dict[str, Counter[int]] = defaultdict(Counter)
    for (route, status), times in account.answers.items():
        by_route[route][status] += times
    total = sum(account.answers.values())
    print(f"\n{service}: {total:,} requests in {seconds:.0f} s")
    for route, statuses in sorted(by_route.items()):
        told = "  ".join(f"{status}: {times}" for status, times in sorted(statuses.items()))
        print(f"  {route.partition(' ')[2]:<50} {told}")
    print(f"  slowest: {account.slowest[1]}")
    print(f"  faults of ours: {len(account.broken)}; over a second: {len(account.slow)}")
    for told in [*account.broken[:_SHOWN], *account.slow[:_SHOWN]]:
        print(f"    {told}", flush=True)


if __name__ == "__main__":
    main()
