"""The library of docs/example is tested as its own people would do it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from touchstone.backing.servers import Backing

EXAMPLE = Path(__file__).parents[3] / "docs" / "example"


@pytest.mark.timeout(300)  # it has servers of its own to start
def test_a_platform_of_another_trade(tmp_path: Path, backing: Backing) -> None:
    project = tmp_path / "library"
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns(".*", "__pycache__"))

    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "--backing", backing.provider],
        cwd=project,
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    passed = {line.removeprefix("PASSED features/") for line in ran.stdout.splitlines()}
    assert passed >= {
        "lending.feature::A borrowed book is lent for everybody[api]",
        "lending.feature::A borrowed book is lent for everybody[ui]",
        "lending.feature::A lent book stays with its reader",
        "lending.ru.feature::Взятая книга числится выданной для всех[api]",
        "lending.ru.feature::Взятая книга числится выданной для всех[ui]",
        "waiting.feature::Nobody is forgotten while the notices are out of order",
        "waiting.feature::The reader finds a notice",
    }
    assert "7 passed" in ran.stdout


@pytest.mark.timeout(300)
def test_the_walk_from_an_empty_folder(tmp_path: Path, backing: Backing) -> None:
    walk = (EXAMPLE.parent / "your-own-platform.md").read_text("utf-8")
    files = re.findall(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", walk, re.DOTALL | re.MULTILINE)
    for name, text in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "--backing", backing.provider],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert len(files) == 5
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "4 passed" in ran.stdout
