"""A run leaves nothing behind, however it ends; and two runs do not disturb each other."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from touchstone import reaping, run
from touchstone.backing.programs import free_ports
from touchstone.backing.servers import Backing
from touchstone.keeper.client import InfrastructureError, KeeperClient, KeeperProcess
from touchstone.waiting import eventually

GREETER = Path(__file__).parent / "greeter"

CONTROLLER = """
import signal
import sys
import tempfile
from pathlib import Path
for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
    signal.signal(number, signal.SIG_DFL)  # a shell may hold them back (`nohup`, `&`)
from touchstone.keeper.client import KeeperClient, KeeperProcess

keeper = KeeperProcess(Path(sys.argv[1]), "native", parent=Path(sys.argv[2]))
keeper.wait()
KeeperClient(keeper.folder.socket).expect(1)
print(keeper.folder.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folders() -> Iterator[Path]:
    """A place for run folders that no other run looks into.

    Not pytest's `tmp_path`: the account that runs PostgreSQL may not pass through to that.
    """
    with tempfile.TemporaryDirectory(prefix="runs-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture
def controller(folders: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", CONTROLLER, str(GREETER), str(folders)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def of_run(folder: Path) -> list[str]:
    """The processes of a run, as people would name them."""
    names = []
    for process in reaping.processes(folder):
        # It may end while the others are looked for.
        with contextlib.suppress(psutil.NoSuchProcess):
            names.append(process.name())
    return sorted(names)


def owners_of_shared_memory() -> set[int]:
    """The processes that made the segments of System V shared memory that exist."""
    lines = Path("/proc/sysvipc/shm").read_text().splitlines()
    column = lines[0].split().index("cpid")
    return {int(line.split()[column]) for line in lines[1:]}


def started(controller: subprocess.Popen[str]) -> Path:
    """The folder of the controller's run, once its servers are starting."""
    assert controller.stdout is not None
    folder = Path(controller.stdout.readline().strip())
    replica = folder / "postgres" / "replica" / "postmaster.pid"
    eventually(replica.exists, timeout=30, describe="PostgreSQL runs")
    assert {"beam.smp", "postgres", "redis-server"} <= set(of_run(folder))
    return folder


def test_nothing_is_left_when_the_controller_is_killed(
    controller: subprocess.Popen[str],
) -> None:
    folder = started(controller)

    controller.kill()

    eventually(lambda: of_run(folder), until=lambda left: not left)
    eventually(folder.exists, until=lambda there: not there)


@pytest.mark.skipif(sys.platform != "linux", reason="needs the system's table of segments")
@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "SIGHUP", "SIGKILL", "keeper", "both"])
def test_a_run_that_ends_while_initdb_works_gives_back_its_shared_memory(
    controller: subprocess.Popen[str], folders: Path, how: str
) -> None:
    assert controller.stdout is not None
    folder = Path(controller.stdout.readline().strip())
    keeper = psutil.Process(controller.pid).children()[0]
    makers = eventually(
        lambda: working_for_initdb(folder) & owners_of_shared_memory(), timeout=30, interval=0.01
    )

    if how in ("keeper", "both"):
        keeper.kill()
    if how != "keeper":
        controller.send_signal(signal.Signals["SIGKILL" if how == "both" else how])
    else:
        # What remains for a controller to do, and else for the next run.
        controller.kill()
    controller.wait()
    eventually(lambda: run.in_use(folder), until=lambda held: not held)
    reaping.reap_orphans(folders)

    eventually(lambda: of_run(folder), until=lambda left: not left)
    eventually(lambda: makers & owners_of_shared_memory(), until=lambda left: not left)
    assert not folder.exists()


def working_for_initdb(folder: Path) -> set[int]:
    """The servers that `initdb` has started, each to its own end."""
    found = set()
    for process in reaping.processes(folder):
        with contextlib.suppress(psutil.Error):
            if process.name() == "postgres" and {"--boot", "--single"} & set(process.cmdline()):
                found.add(process.pid)
    return found


def test_the_next_run_reaps_a_run_whose_keeper_was_killed_too(
    controller: subprocess.Popen[str], folders: Path
) -> None:
    folder = started(controller)
    keeper = psutil.Process(controller.pid).children()[0]

    keeper.kill()
    controller.kill()
    controller.wait()
    eventually(lambda: run.in_use(folder), until=lambda held: not held)
    servers = {process.pid for process in reaping.processes(folder) if process.name() == "postgres"}
    assert servers & owners_of_shared_memory(), "there must be something to reap"
    assert reaping.reap_orphans(folders) == [folder]

    assert of_run(folder) == []
    assert not folder.exists()
    assert not servers & owners_of_shared_memory()


def test_a_run_that_lives_is_not_reaped(controller: subprocess.Popen[str], folders: Path) -> None:
    folder = started(controller)

    assert reaping.reap_orphans(folders) == []

    assert "postgres" in of_run(folder)


@pytest.fixture
def small_disk(folders: Path) -> Iterator[Path]:
    """A file system with 400 MB, for the folder of a run."""
    small = folders / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400m,mode=711", "tmpfs", str(small)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this account may not mount a file system to fill")
    yield small
    subprocess.run(["umount", str(small)], check=True)


def test_a_full_disk_is_told_from_a_failure_and_passes_with_its_scenario(small_disk: Path) -> None:
    keeper = KeeperProcess(GREETER, "native", parent=small_disk)
    try:
        keeper.wait()
        client = KeeperClient(keeper.folder.socket)
        greedy = client.sandbox().sandbox
        neighbour = client.sandbox().sandbox
        assert client.trouble(neighbour) == ""
        room = shutil.disk_usage(small_disk).free
        (greedy.files / "large.stl").write_bytes(bytes(room - 10_000_000))

        with pytest.raises(InfrastructureError, match=r"is full: \d MB are free"):
            client.sandbox()
        assert "is full" in client.trouble(neighbour)

        client.release(greedy)
        eventually(greedy.files.exists, until=lambda there: not there)
        assert client.sandbox().sandbox.services
        client.close()
    finally:
        keeper.close()


SCENARIOS = """
import os
import httpx
import pytest

PEOPLE = ["Anna", "Boris", "Clara", "Dmitri"]

@pytest.mark.parametrize("name", PEOPLE)
def test_every_scenario_has_a_hotel_of_its_own(sandbox, backing, name):
    desk = sandbox.services["desk"]
    assert httpx.get(desk).text == ""
    httpx.post(f"{desk}/{name}").raise_for_status()
    assert httpx.get(desk).text == name
    print("SEEN", backing.primary.port, os.environ["TOUCHSTONE_RUN"])

def test_a_bare_sandbox_runs_nothing(bare_sandbox):
    assert bare_sandbox.services == {}
    assert bare_sandbox.databases["hotel"].primary
"""


@pytest.fixture
def inner(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with the greeter as its platform."""
    shutil.copy(GREETER / "greeter.py", pytester.path)
    shutil.copy(GREETER / "pyproject.toml", pytester.path)
    pytester.makepyfile(test_hotel=SCENARIOS)
    return pytester


def test_scenarios_share_servers_and_nothing_else(inner: pytest.Pytester, backing: Backing) -> None:
    result = inner.runpytest_subprocess("-n", "2", "-rP")

    result.assert_outcomes(passed=5)
    seen = {line for line in result.outlines if line.startswith("SEEN")}
    assert len(seen) == 1, "the servers are started once for all workers"
    (_, port, session) = next(iter(seen)).split()
    folder = Path(session).parent
    result.stdout.fnmatch_lines(["backing: native · PostgreSQL * s · replica * s · RabbitMQ *"])
    # Nothing is left of it, and the run that this test belongs to did not notice.
    assert not folder.exists()
    assert of_run(folder) == []
    assert int(port) != backing.primary.port
    with psycopg.connect(backing.database(backing.primary, "postgres")) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_control_c_ends_everything(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        test_hotel="""
        import os, signal
        from pathlib import Path
        from touchstone import reaping
        from touchstone.waiting import eventually

        def test_interrupted(keeper):
            folder = Path(os.environ["TOUCHSTONE_RUN"]).parent
            eventually((folder / "redis" / "redis.conf").exists, describe="servers are starting")
            assert list(reaping.processes(folder))
            print("RUN", folder, flush=True)
            # Whoever started us in the background had us ignore it.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.kill(os.getpid(), signal.SIGINT)
        """
    )

    result = inner.runpytest_subprocess("-s")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    folder = next(Path(line.split()[-1]) for line in result.outlines if "RUN /" in line)
    assert not folder.exists()
    assert of_run(folder) == []


def test_a_platform_that_is_not_well_described_is_refused_at_once(inner: pytest.Pytester) -> None:
    settings = inner.path / "pyproject.toml"
    settings.write_text(settings.read_text().replace("databases.hotel", "databases.hostel"))

    result = inner.runpytest_subprocess()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *GREETER_DATABASE*cannot be filled in*"])


def test_a_platform_that_fails_is_an_error_told_once(inner: pytest.Pytester) -> None:
    code = inner.path / "greeter.py"
    code.write_text(code.read_text().replace("CREATE TABLE", "CRATE TABLE"))
    inner.makepyfile(
        test_hotel="""
        def test_asks_late(request):
            request.getfixturevalue("sandbox")
        """
    )

    result = inner.runpytest_subprocess()

    result.assert_outcomes(errors=1)
    said = [line for line in result.outlines if "greeter:migrate() failed" in line]
    # The summary repeats it, on a line of its own that pytest cuts short except in a pipeline.
    told = [line for line in said if not line.startswith("ERROR ")]
    assert told == ["greeter:migrate() failed with status 1:"]
    result.stdout.fnmatch_lines(['*syntax error at or near "CRATE"*'])


def test_a_service_that_ends_instead_of_serving_is_named(inner: pytest.Pytester) -> None:
    code = inner.path / "greeter.py"
    code.write_text(code.read_text().replace("server.serve_forever()", "raise SystemExit(3)"))
    inner.makepyfile(test_hotel="def test_needs_it(sandbox): pass")

    result = inner.runpytest_subprocess()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["the service desk ended instead of answering GET /health*"])


def test_a_missing_program_is_named_with_its_package(
    inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner.makepyfile(
        test_hotel="""
        def test_needs_servers(sandbox): pass
        """,
        sitecustomize="""
        from touchstone.backing import programs
        programs._PLACES = ()
        """,
    )
    monkeypatch.setenv("PYTHONPATH", str(inner.path))
    monkeypatch.setenv("PATH", "/nowhere")

    result = inner.runpytest_subprocess("--backing", "native")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*not installed: initdb, postgres, rabbitmq-server, epmd, redis-server.*"]
    )
    result.stdout.fnmatch_lines(["*apt-get install*postgresql rabbitmq-server erlang-base*"])
    result.stdout.fnmatch_lines(["*--backing containers*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_two_runs_that_ask_at_once_get_different_ports() -> None:
    asks = "from touchstone.backing.programs import free_ports; print(*free_ports(250), flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", f"{asks}; input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        theirs = set(map(int, other.stdout.readline().split()))

        # Nothing listens on theirs yet.
        ours = set(free_ports(250))

        other.communicate("\n")
    assert len(theirs) == len(ours) == 250
    assert not theirs & ours
