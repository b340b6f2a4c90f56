"""The zygote forks, watches and ends processes of a platform (the greeter of this folder)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from touchstone import config
from touchstone.waiting import eventually
from touchstone.zygote.owner import STARTS, PlatformFailed, Zygote

GREETER = Path(__file__).parent / "greeter"


@pytest.fixture(params=STARTS)
def start(request: pytest.FixtureRequest) -> str:
    """Whether processes are forked or spawned."""
    return str(request.param)


@pytest.fixture
def zygote(tmp_path: Path, start: str) -> Iterator[Zygote]:
    started = Zygote(config.load(GREETER / "pyproject.toml"), tmp_path / "zygote.log", start)
    yield started
    started.close()


def has_ended(process: psutil.Process) -> bool:
    """Also one that nobody has collected yet, as in a container without an init process."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_forked_process_serves_on_the_port_it_was_given(zygote: Zygote, tmp_path: Path) -> None:
    forked = zygote.serve({"desk": 0}, {}, tmp_path, tmp_path / "desk.log")

    answer = httpx.get(f"http://127.0.0.1:{forked.ports['desk']}/health", trust_env=False)

    assert answer.text == "open"
    assert zygote.alive([forked.pid]) == [forked.pid]


def test_a_killed_process_is_gone_and_refuses_connections(zygote: Zygote, tmp_path: Path) -> None:
    forked = zygote.serve({"desk": 0}, {}, tmp_path, tmp_path / "desk.log")

    zygote.kill([forked.pid])

    assert zygote.alive([forked.pid]) == []
    assert not psutil.pid_exists(forked.pid)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{forked.ports['desk']}/health", trust_env=False)


def test_a_process_that_died_by_itself_is_noticed(zygote: Zygote, tmp_path: Path) -> None:
    forked = zygote.serve({"desk": 0}, {}, tmp_path, tmp_path / "desk.log")

    psutil.Process(forked.pid).kill()

    eventually(lambda: zygote.alive([forked.pid]), until=lambda alive: not alive)


def test_children_end_with_the_zygote(tmp_path: Path, start: str) -> None:
    zygote = Zygote(config.load(GREETER / "pyproject.toml"), tmp_path / "zygote.log", start)
    forked = zygote.serve({"desk": 0}, {}, tmp_path, tmp_path / "desk.log")
    process = psutil.Process(forked.pid)

    zygote.close()

    eventually(lambda: has_ended(process))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_children_end_with_a_killed_zygote(tmp_path: Path, start: str) -> None:
    zygote = Zygote(config.load(GREETER / "pyproject.toml"), tmp_path / "zygote.log", start)
    forked = zygote.serve({"desk": 0}, {}, tmp_path, tmp_path / "desk.log")
    process = psutil.Process(forked.pid)
    httpx.get(f"http://127.0.0.1:{forked.ports['desk']}/health", trust_env=False)

    parent = process.parent()
    assert parent
    parent.kill()

    eventually(lambda: has_ended(process))
    zygote.close()


def test_a_failing_call_says_why(zygote: Zygote, tmp_path: Path) -> None:
    with pytest.raises(PlatformFailed, match="KeyError: 'GREETER_DATABASE'"):
        zygote.call("greeter:migrate", {}, tmp_path, tmp_path / "migrate.log")


def test_nothing_is_kept_open_for_a_process_that_has_ended(zygote: Zygote, tmp_path: Path) -> None:
    def opened_by_the_zygote() -> int:
        forked = zygote.serve({"desk": 0}, {}, tmp_path, tmp_path / "desk.log")
        parent = psutil.Process(forked.pid).parent()
        zygote.kill([forked.pid])
        assert parent
        return parent.num_fds()

    assert opened_by_the_zygote() == opened_by_the_zygote()


@pytest.mark.parametrize(
    ("named", "code", "reason"),
    [
        ("nowhere:serve", "", "ModuleNotFoundError: No module named 'nowhere'"),
        ("hotel:open", "", "AttributeError: module 'hotel' has no attribute 'open'"),
        ("hotel:serve", "1 / 0", "ZeroDivisionError: division by zero"),
        (
            "hotel:serve",
            "import threading\nthreading.Thread(target=input, name='bell', daemon=True).start()\n",
            "starts threads when it is imported (bell)",
        ),
    ],
    ids=["no such module", "no such function", "import fails", "thread at import"],
)
def test_a_platform_that_cannot_be_imported_says_why(
    tmp_path: Path, named: str, code: str, reason: str
) -> None:
    (tmp_path / "hotel.py").write_text(f"def migrate(): pass\ndef serve(listeners): pass\n{code}")
    (tmp_path / "pyproject.toml").write_text(
        f'[tool.touchstone]\nserve = "{named}"\nmigrate = "hotel:migrate"\ndatabases = ["hotel"]\n'
    )
    zygote = Zygote(config.load(tmp_path / "pyproject.toml"), tmp_path / "zygote.log")

    with pytest.raises(PlatformFailed) as failure:
        zygote.serve({"desk": 0}, {}, tmp_path, tmp_path / "desk.log")

    assert reason in str(failure.value)
    assert "touchstone/zygote.py" not in str(failure.value)
    zygote.close()
