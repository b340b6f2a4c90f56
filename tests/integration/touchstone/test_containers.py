"""Backing services in containers: gone after any end of their run, and clear about what is missing.

Skipped where no Docker engine answers or the images are not there.
"""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import docker
import psutil
import pytest
from docker.errors import ImageNotFound

from touchstone import reaping, run
from touchstone.backing import containers
from touchstone.backing import engine as engine_of_this_machine
from touchstone.waiting import eventually

GREETER = Path(__file__).parent / "greeter"

CONTROLLER = """
import sys
from pathlib import Path
from touchstone.keeper.client import KeeperClient, KeeperProcess

keeper = KeeperProcess(Path(sys.argv[1]), "containers", parent=Path(sys.argv[2]))
keeper.wait()
print(keeper.folder.path, flush=True)
client = KeeperClient(keeper.folder.socket)
client.expect(1)
client.backing()
print("started", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def engine() -> Iterator[docker.DockerClient]:
    if missing := engine_of_this_machine.missing():
        pytest.skip(missing)
    with engine_of_this_machine.connected() as client:
        for image in containers.images():
            try:
                client.images.get(image)
            except ImageNotFound:
                pytest.skip(f"the image {image} is not here")
        yield client


@pytest.fixture
def controller(engine: docker.DockerClient) -> Iterator[subprocess.Popen[str]]:
    with tempfile.TemporaryDirectory(prefix="runs-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-c", CONTROLLER, str(GREETER), folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        yield process
        process.kill()
        process.communicate()


def said(controller: subprocess.Popen[str]) -> str:
    assert controller.stdout is not None
    return controller.stdout.readline().strip()


def of_run(engine: docker.DockerClient, folder: Path) -> list[str]:
    label = f"{engine_of_this_machine.LABEL}={folder}"
    found = engine.containers.list(all=True, filters={"label": label}, ignore_removed=True)
    return [str(container.name) for container in found]


def test_an_engine_that_does_not_answer_is_named_and_no_connection_stays_open(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    left_open: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", left_open.append)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")

    missing = engine_of_this_machine.missing()
    gc.collect()

    assert left_open == []
    assert missing is not None
    assert f"none answers ({tmp_path}/docker.sock: No such file or directory)" in missing


@pytest.mark.parametrize("moment", ["the first one begins", "all run"])
def test_containers_end_with_a_killed_controller(
    engine: docker.DockerClient, controller: subprocess.Popen[str], moment: str
) -> None:
    folder = Path(said(controller))
    if moment == "all run":
        assert said(controller) == "started"
        assert len(of_run(engine, folder)) == 4
    else:
        eventually(lambda: of_run(engine, folder), timeout=30)

    controller.kill()

    # The folder goes last.
    eventually(folder.exists, until=lambda there: not there, timeout=60)
    assert of_run(engine, folder) == []


@pytest.mark.parametrize("moment", ["the first one begins", "all run"])
def test_the_next_run_removes_the_containers_of_a_killed_keeper(
    engine: docker.DockerClient, controller: subprocess.Popen[str], moment: str
) -> None:
    folder = Path(said(controller))
    if moment == "all run":
        assert said(controller) == "started"
    else:
        eventually(lambda: of_run(engine, folder), timeout=30)

    for process in psutil.Process(controller.pid).children():
        process.kill()
    controller.kill()
    eventually(lambda: run.in_use(folder), until=lambda held: not held)
    assert of_run(engine, folder), "there must be something to remove"
    # What the keeper of each run does first, also that of one without containers.
    assert reaping.reap_orphans(folder.parent) == [folder]

    assert of_run(engine, folder) == []


def test_an_image_that_cannot_be_pulled_is_named_in_one_line(
    engine: docker.DockerClient, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in GREETER.glob("*.*"):
        shutil.copy(file, pytester.path)
    pytester.makepyfile(test_hotel="def test_needs_servers(sandbox): pass")
    # Nobody listens there.
    monkeypatch.setenv("TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX", "127.0.0.1:9/made-up/")

    result = pytester.runpytest_subprocess("--backing", "containers")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["the image 127.0.0.1:9/made-up/postgres:15 is not here and cannot be pulled (*refused*)."]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
