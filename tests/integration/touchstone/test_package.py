"""What others install: the wheel of touchstone, and atelier as its image has it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "docs" / "example"
IMAGE = ROOT / "deploy" / "atelier"
IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not module.name.endswith((".__main__", ".env")) and ".versions" not in module.name:
        importlib.import_module(module.name)
"""


def run(*words: str | Path, cwd: str | Path | None = None) -> str:
    """What a program writes; its whole output is the failure, where it fails."""
    ran = subprocess.run(words, cwd=cwd, capture_output=True, text=True)
    if ran.returncode:
        pytest.fail(f"{' '.join(map(str, words))}\n{ran.stdout}{ran.stderr}", pytrace=False)
    return ran.stdout


def built(project: Path, folder: Path) -> Path:
    """The wheel of a project as it is at the moment, made by the hatchling of the lock."""
    pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation")
    run(*pip, "--wheel-dir", folder, project)
    (wheel,) = folder.iterdir()
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(ROOT, tmp_path_factory.mktemp("wheel"))


def tracked(package: str) -> set[str]:
    """The files of a package that git knows or would take, as they are named in a wheel."""
    told = run("git", "ls-files", "-co", "--exclude-standard", f"src/{package}", cwd=ROOT)
    return {name.removeprefix("src/") for name in told.splitlines() if (ROOT / name).exists()}


def held(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


@pytest.fixture
def empty_environment(tmp_path: Path) -> Callable[..., Path]:
    """Makes a virtual environment and has pip install something, as this machine configures pip.

    Skips where pip reaches no registry; in a pipeline, which promises to try it, that fails.
    """
    folder = tmp_path / "environment"
    run(sys.executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    ask = ["-m", "pip", "download", "--retries", "0", "--no-deps", "iniconfig", "--dest"]
    tried = subprocess.run([python, *ask, tmp_path], capture_output=True, text=True)
    if tried.returncode:
        nowhere = f"pip reaches no registry: {tried.stderr.strip().rpartition(chr(10))[2]}"
        if os.environ.get("CI"):
            pytest.fail(nowhere)
        pytest.skip(nowhere)

    def install(*words: str | Path) -> Path:
        run(python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *words)
        return python

    return install


def test_the_wheel_holds_touchstone_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        about = {Path(name).name: name for name in archive.namelist() if ".dist-info/" in name}
        metadata = archive.read(about["METADATA"]).decode()

    assert wheel.name.startswith("pytest_touchstone-")
    assert held(wheel) == tracked("touchstone")
    assert "LICENSE" in about
    assert not re.search("^Requires-Dist: .*(fastapi|sqlalchemy|numpy)", metadata, re.MULTILINE)


def test_the_wheel_of_the_image_holds_atelier_alone(tmp_path: Path) -> None:
    wheel = built(ROOT / "src" / "atelier", tmp_path)

    assert held(wheel) == tracked("atelier") - {"atelier/pyproject.toml"}


def test_both_are_developed_where_they_lie() -> None:
    """A copy in the environment would go on running when its source has been changed."""
    for package in ("touchstone", "atelier"):
        place = run(sys.executable, "-c", f"import {package} as it; print(it.__file__)", cwd="/")
        assert Path(place.strip()).parent == ROOT / "src" / package


@pytest.mark.timeout(900)  # pip brings some fifty packages, and the example has servers to start
def test_the_example_runs_on_the_wheel_alone(
    tmp_path: Path,
    wheel: Path,
    empty_environment: Callable[..., Path],
    pytestconfig: pytest.Config,
) -> None:
    project = tmp_path / "library"
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    needs = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    # Without its hashes, which the wheel that was just built cannot have.
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    versions = tmp_path / "versions.txt"
    versions.write_text(re.sub(r" *\\\n +--hash=\S+", "", lock))

    python = empty_environment("--constraint", versions, wheel, *needs["dependencies"])

    assert run(python.parent / "touchstone", "--version").startswith("touchstone ")
    assert "None" in run(
        python, "-c", "import importlib.util as u; print(u.find_spec('atelier'))", cwd=tmp_path
    )
    asked = pytestconfig.option.backing
    backing = () if asked is None else ("--backing", asked)
    ran = run(python, "-m", "pytest", *backing, cwd=project)
    assert "7 passed" in ran


@pytest.mark.timeout(600)
def test_what_the_image_installs_is_all_that_atelier_needs(
    empty_environment: Callable[..., Path], tmp_path: Path
) -> None:
    """The two steps of its Dockerfile, in an environment that has nothing else."""
    steps = re.findall(r"pip install ([^&]*?)(?: &&.*)?\n\n", (IMAGE / "Dockerfile").read_text())
    words = [re.sub(r"\\\n", "", step).replace("/build", str(ROOT)).split() for step in steps]

    assert len(words) == 2
    for step in words:
        python = empty_environment(*step)
    run(python, "-c", IMPORT_ALL, "atelier", cwd=tmp_path)
    assert run(python.parent / "atelier", "--version").startswith("atelier ")
