"""How long a sandbox takes: ready from the pool, and made from nothing.

    .venv/bin/python -m benchmarks.sandboxes [--count 30] [--backing native]

Prints the median, the fastest and the slowest in milliseconds, and the parts of a making. Run it on
a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from touchstone.backing import PROVIDERS
from touchstone.keeper_client import KeeperClient, KeeperProcess, Lease
from touchstone.waiting import eventually


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--backing", choices=PROVIDERS, default="native")
    options = parser.parse_args()
    keeper = KeeperProcess(Path.cwd(), options.backing)
    try:
        keeper.wait()
        client = KeeperClient(keeper.folder.socket)
        print(f"backing services   {client.backing().summary()}")
        print(f"{'ms':18} {'median':>7} {'min':>7} {'max':>7}   of {options.count}")
        made = [_lease(client) for _ in range(options.count)]
        _row("made from nothing", [lease.waited for lease in made])
        for part in made[0].seconds:
            if part != "total":
                _row(f"  {part}", [lease.seconds[part] for lease in made])
        # More than are taken below, so that the pool is always being filled.
        client.expect(100 * options.count)
        _row("ready in the pool", [_pooled(client).waited for _ in range(options.count)])
        client.close()
    finally:
        keeper.close()


def _lease(client: KeeperClient) -> Lease:
    lease = client.sandbox()
    client.release(lease.sandbox)
    return lease


def _pooled(client: KeeperClient) -> Lease:
    """The next sandbox that had been made ahead; those made on demand are passed over."""
    return eventually(lambda: _lease(client), until=lambda lease: lease.pooled, interval=0.25)


def _row(name: str, seconds: list[float]) -> None:
    middle, least, most = statistics.median(seconds), min(seconds), max(seconds)
    print(f"{name:18} {middle * 1000:7.1f} {least * 1000:7.1f} {most * 1000:7.1f}")


if __name__ == "__main__":
    main()
