"""Habits of this repository that no linter knows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

MODULE = 400  # lines that a module may have
FUNCTION = 60  # and a function


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


def test_a_module_is_read_at_one_sitting() -> None:
    found = [
        f"{name}: {len(text.splitlines())} lines, {MODULE} at the most"
        for name, text in modules("src/touchstone", "src/atelier", "fixtures")
        if len(text.splitlines()) > MODULE
    ]
    assert found == []


def test_a_function_is_seen_at_one_look() -> None:
    """Those of migrations have run somewhere already: nobody changes them again."""
    found = [
        f"{name}: {node.name} has {lines} lines, {FUNCTION} at the most"
        for name, text in modules("src/touchstone", "src/atelier", "fixtures")
        if "/migrations/" not in name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION
    ]
    assert found == []


def test_nothing_is_imported_from_a_conftest() -> None:
    """pytest loads it by its place; what tests import has a module beside it."""
    found = [
        f"{name} imports {what}"
        for name, text in modules("tests", "features", "fixtures", "benchmarks", "docs/example")
        for what in imported(ast.parse(text))
        if "conftest" in what.split(".")
    ]
    assert found == []
