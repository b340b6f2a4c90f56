"""A company that broke down while it waited in the pool is never handed to a scenario."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from touchstone import config
from touchstone.backing.redis import DATABASES
from touchstone.backing.servers import Backing
from touchstone.keeper.owned_sandbox import OwnedSandbox
from touchstone.keeper.pool import Pool
from touchstone.keeper.sandboxes import Sandboxes
from touchstone.waiting import eventually
from touchstone.zygote.owner import Zygote


@pytest.fixture
def sandboxes(backing: Backing, pytestconfig: pytest.Config, tmp_path: Path) -> Iterator[Sandboxes]:
    """What makes companies of this project's platform, apart from those of the run."""
    platform = config.load(pytestconfig.rootpath / "pyproject.toml")
    zygote = Zygote(platform, tmp_path / "zygote.log")
    made = Sandboxes(
        platform,
        backing,
        zygote,
        tmp_path,
        prefix=f"r{secrets.token_hex(3)}",
        # The run itself begins at the other end.
        cache_indices=deque(range(DATABASES - 8, DATABASES)),
    )
    yield made
    made.close()
    zygote.close()


@pytest.fixture
def pool(sandboxes: Sandboxes) -> Iterator[Pool]:
    made = Pool(sandboxes, size=1)
    yield made
    made.close()


def kill(made: OwnedSandbox, backing: Backing) -> None:
    for process in made.processes.values():
        os.kill(process.pid, signal.SIGKILL)


def freeze(made: OwnedSandbox, backing: Backing) -> None:
    for process in made.processes.values():
        os.kill(process.pid, signal.SIGSTOP)


def stop_consumers(made: OwnedSandbox, backing: Backing) -> None:
    """Take the ground from under the consumers: their virtual host."""
    broker = backing.broker
    httpx.delete(
        f"{broker.management_url}/api/vhosts/{made.sandbox.name}",
        auth=(broker.user, broker.password),
    ).raise_for_status()


def drop_databases(made: OwnedSandbox, backing: Backing) -> None:
    """Take away a database, as a scenario might that knows its neighbour's name."""
    with psycopg.connect(
        backing.database(backing.primary, "postgres"), autocommit=True
    ) as connection:
        connection.execute(f"DROP DATABASE {made.sandbox.name}_mes WITH (FORCE)")


@pytest.mark.parametrize("harm", [kill, freeze, stop_consumers, drop_databases])
def test_it_is_noticed(pool: Pool, backing: Backing, harm: object) -> None:
    pool.expect(2)
    first = eventually(lambda: list(pool.ready), timeout=30)[0]
    assert first.healthy()
    assert callable(harm)
    harm(first, backing)
    if harm is not freeze:
        # A consumer notices what has become of its broker when it next hears of it.
        eventually(lambda: not first.healthy(), timeout=30)

    handed, _ = pool.take()

    assert handed is not first
    assert handed.healthy()


def test_what_a_scenario_has_written_goes_with_its_folder(sandboxes: Sandboxes) -> None:
    made = sandboxes.make(())
    (made.sandbox.files / "large.stl").write_bytes(bytes(1_000_000))
    shutil.copy(made.sandbox.files / "large.stl", made.sandbox.logs)

    sandboxes.drop(made)

    assert not made.sandbox.files.parent.exists()
