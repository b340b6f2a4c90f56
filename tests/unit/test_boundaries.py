"""Who knows whom: touchstone knows no jewellery, and it and atelier never import each other."""

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
TOUCHSTONE = ROOT / "src" / "touchstone"
WORDS_OF_THE_TRADE = re.compile(
    r"\b(atelier|jewel\w*|metals?|gold\w*|silver|platinum|carats?|gems?|rings?|crm|mes)\b",
    re.IGNORECASE,
)


def imported(folder: Path) -> Iterator[tuple[str, str]]:
    """The top-level packages that the modules below a folder import, each with its place."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or "."]
            else:
                continue
            for name in names:
                yield name.partition(".")[0], f"{file.relative_to(ROOT)}:{node.lineno}"


@pytest.mark.parametrize(
    ("folder", "foreign"),
    [
        ("src/touchstone", {"atelier", "fixtures", "tests", "benchmarks"}),
        ("src/atelier", {"touchstone", "fixtures", "tests", "benchmarks", "pytest"}),
        ("docs/example/library", {"touchstone", "atelier", "fixtures", "pytest"}),
        ("docs/example/fixtures", {"atelier", "library"}),
    ],
)
def test_what_a_part_never_imports(folder: str, foreign: set[str]) -> None:
    found = list(imported(ROOT / folder))

    assert found
    assert [(name, place) for name, place in found if name in foreign] == []


def test_touchstone_knows_no_jewellery() -> None:
    read = [file for file in TOUCHSTONE.rglob("*") if file.suffix in {".py", ".j2", ".css"}]
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in read
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if WORDS_OF_THE_TRADE.search(line)
    ]

    assert len(read) > 20
    assert found == []


def test_touchstone_imports_only_what_it_requires() -> None:
    """So that it can be installed without the platform that lives beside it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    required = {re.split(r"[\[; ]", line)[0] for line in project["dependencies"]}
    brought_by = {
        name: {each.lower() for each in packages}
        for name, packages in packages_distributions().items()
    }
    imports = {
        name
        for name, _ in imported(TOUCHSTONE)
        if name not in {*sys.stdlib_module_names, "touchstone"}
    }

    assert {name for name in imports if required.isdisjoint(brought_by[name])} == set()
