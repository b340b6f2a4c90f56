"""What other people's fixtures are written with: a name here is a promise."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

import touchstone

ROOT = Path(__file__).parents[3]
SOURCE = ast.parse(Path(touchstone.__file__).read_text("utf-8"))

PUBLIC = [
    "Act",
    "AtOnce",
    "Backing",
    "Broker",
    "Browse",
    "Database",
    "KeeperClient",
    "Login",
    "NotPossibleHere",
    "NotYetTrue",
    "PrivateBroker",
    "PrivateReplica",
    "Processes",
    "RemoteSandbox",
    "Sandbox",
    "Seeded",
    "WrongWords",
    "act_at_once",
    "eventually",
    "eventually_async",
    "free_ports",
    "phrases",
    "quiesce",
    "trusted_certificates",
    "wait_for_replica",
]


def test_these_are_the_public_names() -> None:
    assert touchstone.__all__ == PUBLIC
    assert set(PUBLIC) <= set(dir(touchstone))


@pytest.mark.parametrize("name", PUBLIC)
def test_each_is_what_its_module_has_and_what_readers_of_types_are_told(name: str) -> None:
    told = {
        each.name: node.module
        for node in ast.walk(SOURCE)
        if isinstance(node, ast.ImportFrom) and node.module
        for each in node.names
    }
    module = told[name]
    assert module
    assert getattr(touchstone, name) is getattr(import_module(module), name)


def test_there_is_no_other() -> None:
    assert not hasattr(touchstone, "eventualy")


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    imports = [
        node.module if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
        for node in SOURCE.body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert imports == ["__future__", "importlib", "typing"]


@pytest.mark.parametrize("folder", ["fixtures", "docs/example"])
def test_whoever_tests_a_platform_needs_no_other_name(folder: str) -> None:
    inside = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.module}"
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("touchstone.")
    ]
    assert inside == [], "import it from touchstone, and if it is not there, make it public"
