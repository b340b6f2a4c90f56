"""Habits of this repository that no linter knows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def modules(*folders: str) -> Iterator[tuple[str, str]]:
    """The name and the text of each module below these folders."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), path.read_text("utf-8")


def imported(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{each.name}" for each in node.names)


def test_nothing_is_imported_from_a_conftest() -> None:
    """pytest loads it by its place; what tests import has a module beside it."""
    found = [
        f"{name} imports {what}"
        for name, text in modules("tests", "features", "fixtures", "benchmarks", "docs/example")
        for what in imported(ast.parse(text))
        if "conftest" in what.split(".")
    ]
    assert found == []
