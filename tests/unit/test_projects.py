"""Two projects in one repository: what each of them needs, and what is locked for them."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
LOCK_OF_THE_IMAGE = ROOT / "deploy" / "atelier" / "requirements.lock"


def locked(lock: Path) -> dict[str, str]:
    """The entries of a lock by name, each with its version, condition and hashes."""
    entries = re.split(r"\n(?! )", lock.read_text("utf-8").strip())
    return {re.split("[=; ]", entry)[0]: entry for entry in entries}


def normal(name: str) -> str:
    """A distribution's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(package: Path) -> Iterator[str]:
    """The top-level packages that the modules of a package import, but for its own."""
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            else:
                continue
            yield from (name.partition(".")[0] for name in names)


@pytest.mark.parametrize(
    ("package", "project"),
    [("touchstone", "pyproject.toml"), ("atelier", "src/atelier/pyproject.toml")],
)
def test_a_package_imports_only_what_its_project_requires(package: str, project: str) -> None:
    requirements = tomllib.loads((ROOT / project).read_text("utf-8"))["project"]["dependencies"]
    required = {normal(re.split(r"[\[; ]", line)[0]) for line in requirements}
    brought_by = {
        name: {normal(each) for each in distributions}
        for name, distributions in packages_distributions().items()
    }
    imports = set(imported(ROOT / "src" / package)) - {*sys.stdlib_module_names, package}

    assert imports
    assert {name for name in imports if required.isdisjoint(brought_by.get(name, ()))} == set()


def test_the_image_has_the_versions_that_are_tested() -> None:
    tested, shipped = locked(LOCK), locked(LOCK_OF_THE_IMAGE)

    assert shipped
    assert {name: entry for name, entry in shipped.items() if tested.get(name) != entry} == {}


@pytest.mark.parametrize("lock", [LOCK, LOCK_OF_THE_IMAGE], ids=lambda lock: lock.parent.name)
def test_a_lock_has_hashes_and_no_addresses(lock: Path) -> None:
    text = lock.read_text("utf-8")

    assert all("--hash=sha256:" in entry for entry in locked(lock).values())
    assert not re.search(r"://|^-", text, re.MULTILINE)
