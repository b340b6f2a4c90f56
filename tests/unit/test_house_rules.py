"""Habits of this repository that no linter knows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]

MODULE = 400  # lines that a module may have
FUNCTION = 60  # and a function

EVERYWHERE = (
    *("src/touchstone", "src/atelier", "fixtures", "tests", "benchmarks", "features", "docs"),
    "conftest.py",
)

CLAIMS = "tests.integration.atelier.test_metrics_of_events"
ALLOWED = ("tests/integration/atelier/test_metrics.py", CLAIMS)
"""Whoever asks whether a test moves each metric must have loaded all tests that say so."""


@dataclass(frozen=True)
class Module:
    name: str
    text: str

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(ast.parse(self.text)))


def modules(*folders: str) -> Iterator[Module]:
    """Each module below these folders, or that is one of them itself."""
    for folder in folders:
        place = ROOT / folder
        for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
            yield Module(str(path.relative_to(ROOT)), path.read_text("utf-8"))


def imported(module: Module) -> Iterator[str]:
    for node in module.nodes:
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{each.name}" for each in node.names)


def test_a_module_is_read_at_one_sitting() -> None:
    found = [
        f"{module.name}: {module.lines} lines, {MODULE} at the most"
        for module in modules(*EVERYWHERE)
        if module.lines > MODULE
    ]
    assert found == []


def test_a_function_is_seen_at_one_look() -> None:
    """Those of migrations have run somewhere already: nobody changes them again."""
    found = [
        f"{module.name}: {node.name} has {lines} lines, {FUNCTION} at the most"
        for module in modules(*EVERYWHERE)
        if module.lines > FUNCTION and "/migrations/" not in module.name
        for node in module.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION
    ]
    assert found == []


def test_nothing_is_imported_from_a_conftest() -> None:
    """pytest loads it by its place; what tests import has a module beside it."""
    found = [
        f"{module.name} imports {what}"
        for module in modules("tests", "features", "fixtures", "benchmarks", "docs/example")
        if "conftest" in module.text
        for what in imported(module)
        if "conftest" in what.split(".")
    ]
    assert found == []


def test_no_test_module_is_imported() -> None:
    """What several of them need has a module beside them that is none."""
    found = [
        f"{module.name} imports {what}"
        for module in modules("tests", "features", "fixtures", "benchmarks", "docs", "conftest.py")
        if "test_" in module.text
        for what in imported(module)
        if what.startswith("tests.")
        and any(part.startswith("test_") for part in what.split("."))
        and (module.name, what) != ALLOWED
    ]
    assert found == []


def test_a_docstring_says_it_instead_of_sending_elsewhere() -> None:
    """Also one that stands below the name that it is about."""
    found = [
        f"{module.name}:{node.lineno}: {node.value.value}"
        for module in modules("src/touchstone", "src/atelier", "fixtures")
        if "see `" in module.text.lower()
        for node in module.nodes
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        and "see `" in node.value.value.lower()
    ]
    assert found == []


def test_a_unit_test_stands_in_the_folder_of_what_it_tests() -> None:
    """`tests/unit/atelier/web/test_x.py` is of something in `src/atelier/web`."""
    found = [
        f"{module.name} imports nothing of {folder}"
        for package in ("atelier", "touchstone")
        for module in modules(f"tests/unit/{package}")
        if Path(module.name).name.startswith("test_")
        and (folder := ".".join(Path(module.name).parts[2:-1]))
        and not any(f"{name}.".startswith(f"{folder}.") for name in imported(module))
    ]
    assert found == []
