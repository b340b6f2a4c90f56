"""Backing services that stay between runs, and what scenarios may do to their processes."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from tests.integration.touchstone.hotel import Hotel
from touchstone.backing.servers import Backing
from touchstone.keeper import discovery
from touchstone.keeper.client import KeeperClient
from touchstone.waiting import eventually
from touchstone.zygote.owner import STARTS


class Warm(Hotel):
    """A hotel whose servers stay."""

    def touchstone(self, *arguments: str) -> str:
        """What the command line prints; it must succeed."""
        done = self.run("touchstone", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def pytest(self, scenarios: str, *arguments: str) -> str:
        """What pytest prints about these scenarios."""
        (self.folder / "test_hotel.py").write_text(scenarios)
        return self.run("pytest", "-p", "no:cacheprovider", *arguments).stdout

    @property
    def backing(self) -> Backing:
        """The servers that stay."""
        socket = discovery.warm(self.folder, "native")
        assert socket is not None
        with contextlib.closing(KeeperClient(socket)) as client:
            return client.backing()

    def left_behind(self) -> list[str]:
        """Databases and virtual hosts of runs."""
        backing = self.backing
        with psycopg.connect(backing.database(backing.primary, "postgres")) as connection:
            rows = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'r%'")
            databases = [str(name) for (name,) in rows]
        broker = backing.broker
        vhosts = httpx.get(
            f"{broker.management_url}/api/vhosts", auth=(broker.user, broker.password)
        ).json()
        return databases + [each["name"] for each in vhosts if each["name"] != "/"]


@pytest.fixture(scope="module")
def hotel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    made = Warm(tmp_path_factory.mktemp("hotel").resolve())
    made.touchstone("up", "--backing", "native")
    yield made
    made.touchstone("down")
    assert discovery.warm(made.folder, "native") is None


def test_runs_use_the_servers_that_stay_and_leave_nothing_in_them(hotel: Warm) -> None:
    printed = hotel.pytest(
        """
        import httpx, pytest

        @pytest.mark.parametrize("name", ["Anna", "Boris", "Clara"])
        def test_alone(sandbox, backing, name):
            assert httpx.get(sandbox.services["desk"]).text == ""
            httpx.post(f"{sandbox.services['desk']}/{name}").raise_for_status()
            print("PORT", backing.primary.port)
        """.replace("\n        ", "\n"),
        "-n2",
        "-rP",
    )

    assert "3 passed" in printed, printed
    assert set(re.findall(r"PORT (\d+)", printed)) == {str(hotel.backing.primary.port)}
    eventually(hotel.left_behind, until=lambda left: not left)


def test_a_failed_scenarios_sandbox_is_kept_until_it_is_dropped(hotel: Warm) -> None:
    printed = hotel.pytest(
        """
        import httpx

        def test_goes_wrong(sandbox, keeper):
            keeper.note(sandbox, "Clara is at the desk")
            httpx.post(f"{sandbox.services['desk']}/Clara").raise_for_status()
            assert False

        def test_goes_well(sandbox):
            pass
        """.replace("\n        ", "\n"),
        "--keep",
        "failed",
    )

    (name,) = re.findall(r"touchstone open (\w+)", printed)
    (kept,) = discovery.kept(hotel.folder)
    assert (kept.sandbox.name, kept.scenario) == (name, "test_goes_wrong")
    report = (hotel.folder / ".touchstone" / "report" / "index.html").read_text("utf-8")
    assert report.count(f"touchstone open {name}</code>") == 1
    with pytest.raises(httpx.ReadTimeout):  # frozen
        httpx.get(kept.sandbox.services["desk"], timeout=0.2)
    opened = hotel.touchstone("open", name)
    assert kept.sandbox.services["desk"] in opened
    assert f"psql {kept.sandbox.databases['hotel'].primary}" in opened
    assert "Clara is at the desk" in opened
    assert httpx.get(kept.sandbox.services["desk"]).text == "Clara"

    hotel.touchstone("drop", name)

    assert discovery.kept(hotel.folder) == []
    eventually(hotel.left_behind, until=lambda left: not left)


def test_what_is_not_kept_cannot_be_opened(hotel: Warm) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "touchstone", "open", "r0s0"],
        cwd=hotel.folder,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 2
    assert "no sandbox r0s0 is kept" in done.stderr
    assert "pytest --keep failed" in done.stderr


@pytest.mark.parametrize("start", STARTS)
def test_a_scenario_rules_over_processes_of_its_own(hotel: Warm, start: str) -> None:
    printed = hotel.pytest(
        """
        import httpx, pytest

        @pytest.mark.processes
        def test_power(sandbox, processes):
            desk = sandbox.services["desk"]
            httpx.post(f"{desk}/Anna").raise_for_status()
            for end in (processes.kill, processes.stop):
                end("desk")
                with pytest.raises(httpx.ConnectError):
                    httpx.get(desk)
                processes.start("desk")
                assert httpx.get(desk).text == "Anna"
            processes.freeze("desk")
            with pytest.raises(httpx.ReadTimeout):
                httpx.get(desk, timeout=0.2)
            processes.thaw("desk")
            assert httpx.get(desk).text == "Anna"

        def test_not_asked_for(sandbox, processes):
            pass
        """.replace("\n        ", "\n"),
        "--start",
        start,
    )

    assert "1 passed, 1 error" in printed, printed
    assert ("sandboxes are spawned, which is slower: --start spawn" in printed) == (
        start == "spawn"
    )
    assert "mark the test `processes`" in printed


def test_a_company_that_breaks_down_is_an_error_and_no_failure(hotel: Warm) -> None:
    printed = hotel.pytest(
        """
        import os
        import httpx
        import psutil

        def owner(port):
            for process in psutil.process_iter(["name"]):
                try:
                    if any(c.laddr.port == port for c in process.net_connections()):
                        return process
                except psutil.Error:
                    pass

        def test_1_process_dies(sandbox):
            port = int(sandbox.services["desk"].rpartition(":")[2])
            owner(port).kill()
            httpx.get(sandbox.services["desk"])

        def test_2_zygote_dies(sandbox):
            port = int(sandbox.services["desk"].rpartition(":")[2])
            owner(port).parent().kill()
            httpx.get(sandbox.services["desk"])

        def test_3_next_one_has_a_company_again(sandbox):
            assert httpx.get(sandbox.services["desk"]).text == ""

        def test_4_plain_failure(sandbox):
            assert False
        """.replace("\n        ", "\n"),
        "-p",
        "no:randomly",
    )

    assert "1 failed, 1 passed, 2 errors" in printed, printed
    assert re.search(r"FAILED .*test_4_plain_failure", printed)
    assert "a process of the platform ended by itself" in printed
