"""However a run ends, nothing of it is left once the next run has started.

On servers of its own, and on servers that stay (`touchstone up`), where what it left would stay.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
import redis

from touchstone import reaping
from touchstone.backing.servers import Backing
from touchstone.keeper import discovery
from touchstone.keeper.client import KeeperClient
from touchstone.waiting import eventually

GREETER = Path(__file__).parent / "greeter"

# A shell that starts a program in the background has it ignore Ctrl-C.
START = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, "-m", "pytest", *sys.argv[1:]])
"""

ENDS = {
    "normal": "pass",
    "failed": "assert False, 'on purpose'",
    "ctrl-c": "os.killpg(0, signal.SIGINT); signal.pause()",
    "controller killed": "os.kill(os.getppid(), signal.SIGKILL); signal.pause()",
    "worker killed": "os.kill(os.getpid(), signal.SIGKILL)",
}

SCENARIOS = """
import os
import signal
from pathlib import Path

import pytest
import redis
from touchstone.waiting import eventually

@pytest.fixture
def busy(sandbox, browse):
    "Uses all that a scenario can have."
    Path("run").write_text(os.environ["TOUCHSTONE_RUN"])
    with redis.Redis.from_url(sandbox.cache) as cache:
        cache.set("guest", "Anna")
    browse("Anna", sandbox.services["desk"]).goto("/")

def test_ends(busy):
    eventually(Path("held").exists, timeout=60)
    Path("ends").touch()
    {end}

def test_holds_a_sandbox_meanwhile(busy):
    Path("held").touch()
    eventually(Path("ends").exists, timeout=60)
    if {hangs}:
        signal.pause()

def test_comes_later(sandbox):
    pass
"""


class Hotel:
    """A project of its own, with the greeter as its platform."""

    def __init__(self, folder: Path, temporary: Path) -> None:
        self.folder = folder
        self.temporary = temporary
        for file in GREETER.glob("*.*"):
            shutil.copy(file, folder)

    def ends(self, how: str) -> tuple[Path, str]:
        """Have a run of two workers end; where it was, and what it printed."""
        for file in ("held", "ends"):
            (self.folder / file).unlink(missing_ok=True)
        scenarios = SCENARIOS.format(end=ENDS[how], hangs=how == "controller killed")
        (self.folder / "test_hotel.py").write_text(scenarios)
        printed = self.pytest("-n2", "test_hotel.py", "-p", "no:randomly")
        return Path((self.folder / "run").read_text()), printed

    def pytest(self, *arguments: str) -> str:
        """What a run prints; its whole output, that of children that outlive it excepted."""
        with (self.folder / "printed").open("w") as output:
            subprocess.run(
                [sys.executable, "-c", START, "-p", "no:cacheprovider", *arguments],
                cwd=self.folder,
                env=os.environ | {"TMPDIR": str(self.temporary)},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return (self.folder / "printed").read_text()

    def next_run(self) -> None:
        """A run that only starts."""
        (self.folder / "test_next.py").write_text("def test_next(keeper): pass\n")
        assert "1 passed" in self.pytest("test_next.py")

    @property
    def backing(self) -> Backing:
        """The servers that stay."""
        socket = discovery.warm(self.folder, "native")
        assert socket is not None
        with contextlib.closing(KeeperClient(socket)) as client:
            return client.backing()


@pytest.fixture(scope="module")
def temporary() -> Iterator[Path]:
    """A folder for temporary files, into which the account that runs PostgreSQL may look."""
    with tempfile.TemporaryDirectory(prefix="ends-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture
def hotel(tmp_path: Path, temporary: Path) -> Hotel:
    return Hotel(tmp_path.resolve(), temporary)


@pytest.fixture(scope="module")
def warm_hotel(tmp_path_factory: pytest.TempPathFactory, temporary: Path) -> Iterator[Hotel]:
    """One whose servers stay between runs."""
    hotel = Hotel(tmp_path_factory.mktemp("hotel").resolve(), temporary)
    touchstone = [sys.executable, "-m", "touchstone"]
    subprocess.run([*touchstone, "up", "--backing", "native"], cwd=hotel.folder, check=True)
    yield hotel
    subprocess.run([*touchstone, "down"], cwd=hotel.folder, check=True)


def in_servers(backing: Backing, run: str) -> list[str]:
    """What a run has in them: databases, virtual hosts; and what any has: keys in Redis."""
    with psycopg.connect(backing.database(backing.primary, "postgres")) as connection:
        rows = connection.execute("SELECT datname FROM pg_database")
        databases = [f"database {name}" for (name,) in rows if name.startswith(run)]
    vhosts = httpx.get(
        f"{backing.broker.management_url}/api/vhosts",
        auth=(backing.broker.user, backing.broker.password),
    ).json()
    with redis.Redis.from_url(backing.cache_url(0)) as cache:
        keys = [f"Redis database {each}" for each in cache.info("keyspace")]
    names = [each["name"] for each in vhosts]
    return databases + [f"virtual host {each}" for each in names if run in each] + keys


def browsers(temporary: Path) -> list[str]:
    """Folders that browsers have left."""
    return [
        path.name
        for path in temporary.iterdir()
        if path.name.startswith("playwright") or "hrom" in path.name
    ]


def names(processes: Iterator[object]) -> list[str]:
    return [str(process) for process in processes]


@pytest.mark.parametrize("how", ENDS)
def test_nothing_is_left_in_servers_that_stay(warm_hotel: Hotel, how: str) -> None:
    run, printed = warm_hotel.ends(how)
    folder = run.parent
    assert (folder / "keeper.sock").exists(), printed

    warm_hotel.next_run()

    # The next run's own things go when it has ended.
    assert in_servers(warm_hotel.backing, run.name) == []
    assert names(reaping.processes(run)) == [], "workers, browsers"
    assert not (folder / "runs" / run.name).exists()
    assert not run.exists()
    assert browsers(warm_hotel.temporary) == []
    # What it kept from the killed worker is tried again by another one.
    said = {
        "normal": "3 passed",
        "failed": "1 failed, 2 passed",
        "worker killed": "2 passed, 1 error",
    }
    assert said.get(how, "") in printed


@pytest.mark.parametrize("how", [how for how in ENDS if how != "normal"])
def test_nothing_is_left_of_a_run_on_its_own(hotel: Hotel, how: str) -> None:
    run, printed = hotel.ends(how)
    folder = run.parent

    eventually(folder.exists, until=lambda there: not there, timeout=30)
    eventually(lambda: names(reaping.processes(folder)), until=lambda left: not left, timeout=30)

    assert browsers(hotel.temporary) == []
    if how == "worker killed":
        assert re.search(r"worker 'gw\d' crashed while running .*test_ends", printed), printed
        assert "2 passed, 1 error" in printed
