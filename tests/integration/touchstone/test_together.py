"""Several processes of touchstone in one project folder: none damages what another has."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.touchstone.hotel import Hotel
from touchstone.keeper import discovery
from touchstone.keeper.client import KeeperClient
from touchstone.waiting import eventually

PLUGINS = (
    "--disable-plugin-autoload",
    *("-p", "pytest_bdd.plugin", "-p", "xdist.plugin", "-p", "touchstone.plugin"),
)

NAMES = ("first", "second", "third")

# Each run fails with evidence that bears its name.
TESTS = """
import os
from pathlib import Path

from touchstone.waiting import eventually

def test_ring():
    name = os.environ["NAME"]
    Path(f"{name}-works").touch()
    eventually(Path(f"{name}-ends").exists, timeout=60)
    eventually(lambda: f"the last wait of {name}", until=lambda said: False, timeout=0.1)
"""


class Runs:
    """Whole runs of one project; each works from `begin` to `end`."""

    def __init__(self, folder: Path, workers: tuple[str, ...]) -> None:
        self.folder = folder
        self._workers = workers
        self._running: dict[str, subprocess.Popen[str]] = {}
        (folder / "pytest.ini").write_text("[pytest]\n")
        (folder / "test_ring.py").write_text(TESTS)

    def begin(self, name: str) -> None:
        self._running[name] = subprocess.Popen(
            [sys.executable, "-m", "pytest", *PLUGINS, "-p", "no:cacheprovider", *self._workers],
            cwd=self.folder,
            env=os.environ | {"NAME": name},
            stdout=subprocess.PIPE,
            text=True,
        )
        eventually((self.folder / f"{name}-works").exists, timeout=60)

    def end(self, name: str) -> Path:
        """Where it says that its report is."""
        (self.folder / f"{name}-ends").touch()
        printed, _ = self._running[name].communicate()
        del self._running[name]
        [said] = [line for line in printed.splitlines() if line.startswith("report: ")]
        return Path(said.removeprefix("report: "))

    def put_away(self) -> tuple[str, list[str]]:
        """Of which runs the only evidence tells that the next one has put away."""
        [kept] = (self.folder / ".touchstone" / "failed").iterdir()
        return self.whose(kept / "report" / "index.html")

    def kill(self) -> None:
        for process in self._running.values():
            process.kill()
            process.communicate()

    def whose(self, report: Path) -> tuple[str, list[str]]:
        """Of which runs a report and the artefacts beside it tell; its links lead to these."""
        waits = list((report.parent.parent / "artefacts").rglob("last-wait.txt"))
        assert waits, f"no artefacts beside {report}"
        page = report.read_text("utf-8")
        for wait in waits:
            assert os.path.relpath(wait, report.parent) in page
        return named_in(page), [named_in(wait.read_text("utf-8")) for wait in waits]


def named_in(text: str) -> str:
    return ", ".join(name for name in NAMES if f"the last wait of {name}" in text)


@pytest.fixture(params=[(), ("-n", "1")], ids=["one process", "distributed"])
def runs(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Runs]:
    made = Runs(tmp_path, request.param)
    yield made
    made.kill()


def test_a_run_within_another_leaves_it_its_evidence(runs: Runs) -> None:
    runs.begin("first")
    runs.begin("second")
    second = runs.end("second")
    seconds = runs.whose(second)
    runs.begin("third")

    third, first = runs.end("third"), runs.end("first")

    assert first == runs.folder / ".touchstone" / "report" / "index.html"
    assert seconds == ("second", ["second"])
    assert runs.whose(first) == ("first", ["first"])
    assert runs.whose(third) == ("third", ["third"])
    # The third one has put the second's away, as that of any run with failures.
    assert runs.put_away() == ("second", ["second"])


def test_a_run_that_outlives_another_keeps_its_evidence_when_the_next_begins(runs: Runs) -> None:
    runs.begin("first")
    runs.begin("second")
    first = runs.end("first")
    firsts = runs.whose(first)
    runs.begin("third")

    second, third = runs.end("second"), runs.end("third")

    assert firsts == ("first", ["first"])
    assert runs.whose(second) == ("second", ["second"])
    assert runs.whose(third) == ("third", ["third"])
    assert runs.put_away() == ("first", ["first"])


class Shared(Hotel):
    """A hotel in which several commands may be typed at once."""

    def touchstone(self, *words: str) -> str:
        """What the command line prints; it must end well, or in one sentence."""
        done = self.run("touchstone", *words)
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout + done.stderr

    def at_once(self, *words: str) -> list[str]:
        """What each of two prints that do the same at the same moment."""
        with ThreadPoolExecutor(2) as threads:
            return list(threads.map(lambda _: self.touchstone(*words), range(2)))

    def servers(self) -> list[Path]:
        """Where the keepers of the project are."""
        return [socket for socket, _ in discovery.running(self.folder)]


@pytest.fixture
def hotel(tmp_path: Path) -> Iterator[Shared]:
    made = Shared(tmp_path.resolve())
    yield made
    made.touchstone("down")


def test_up_at_once_starts_one_set_of_servers_and_down_at_once_ends_it(hotel: Shared) -> None:
    said = sorted(text.split()[0] for text in hotel.at_once("up", "--backing", "native"))

    assert said == ["backing:", "they"]
    assert len(hotel.servers()) == 1

    for text in hotel.at_once("down"):
        assert text in ("ended\n", "nothing was running\n")
    assert hotel.servers() == []


def test_down_ends_the_servers_after_the_run_that_uses_them(hotel: Shared) -> None:
    hotel.touchstone("up", "--backing", "native")
    [socket] = hotel.servers()
    with contextlib.closing(KeeperClient(socket, "r1")) as run:
        run.own("fork")
        kept = run.sandbox().sandbox
        run.keep(kept, "a ring")

        said = hotel.touchstone("down")

        assert said == "they end after the run that uses them\n"
        assert discovery.kept(hotel.folder) == []
        assert discovery.warm(hotel.folder, "native") is None
        assert run.sandbox().sandbox.name != kept.name

    eventually(socket.parent.exists, until=lambda there: not there, timeout=30)


def test_what_is_dropped_twice_at_once_is_dropped_once(hotel: Shared) -> None:
    hotel.touchstone("up", "--backing", "native")
    [socket] = hotel.servers()
    with contextlib.closing(KeeperClient(socket, "r1")) as run:
        run.own("fork")
        kept = run.sandbox().sandbox
        run.keep(kept, "a ring")

        said = hotel.at_once("drop", kept.name)

    assert f"dropped {kept.name}\n" in said
    [other] = [text for text in said if not text.startswith("dropped")]
    # The second one looks before the first has dropped it, or after that.
    assert "is not kept any more" in other or "is kept" in other
