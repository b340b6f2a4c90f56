"""What is put together in one place is put together nowhere else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from atelier.domain.lifecycle import HAPPY_PATH, State

ROOT = Path(__file__).parents[2]
CODE = ("src", "fixtures", "benchmarks")
DRIVER = "postgresql+psycopg"
_STEPS = 4  # so many one after another are the path, and no choice of some states


def sources(mention: str, *folders: str) -> Iterator[tuple[str, ast.Module]]:
    """The modules that mention something, which is a look; only those are parsed."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if mention in (text := path.read_text("utf-8")):
                yield str(path.relative_to(ROOT)), ast.parse(text)


def driver_addresses(tree: ast.Module) -> int:
    """Places that name SQLAlchemy's driver."""
    return sum(
        (isinstance(node, ast.Constant) and node.value == DRIVER)
        or (isinstance(node, ast.Constant) and str(node.value).startswith(f"{DRIVER}:"))
        for node in ast.walk(tree)
    )


def server_addresses(tree: ast.Module) -> int:
    """Places that put an address of PostgreSQL together: f"…", "…" + x, "…" % x, "…".format(x)."""
    found = 0
    for node in ast.walk(tree):
        match node:
            case (
                ast.JoinedStr(values=[ast.Constant(value=str(begin)), *_])
                | ast.BinOp(left=ast.Constant(value=str(begin)))
                | ast.Attribute(value=ast.Constant(value=str(begin)), attr="format")
            ):
                found += begin.startswith("postgresql://")
    return found


def spelt_ways(tree: ast.Module) -> int:
    """Lists of states that go a part of the happy path, written out once more."""
    path = [state.name for state in HAPPY_PATH]
    found = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            names = [each.attr if isinstance(each, ast.Attribute) else "" for each in node.elts]
            found += any(
                names[start : start + _STEPS] == path[place : place + _STEPS]
                for start in range(len(names) - _STEPS + 1)
                for place in range(len(path) - _STEPS + 1)
            )
    return found


def looks_at_promises(tree: ast.Module) -> int:
    """Places that compare a promised date with the time, and so decide what is late."""
    return sum(
        isinstance(node, ast.Compare)
        and isinstance(node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE)
        and any(
            isinstance(side, ast.Attribute) and side.attr == "promised_at"
            for side in (node.left, *node.comparators)
        )
        for node in ast.walk(tree)
    )


def test_how_sqlalchemy_is_told_an_address() -> None:
    found = [name for name, tree in sources(DRIVER, *CODE, "tests") if driver_addresses(tree)]
    assert [name for name in found if name != "tests/unit/test_written_once.py"] == [
        "src/atelier/data/address.py"
    ]


def test_the_address_of_a_postgresql() -> None:
    found = [name for name, tree in sources("postgresql://", *CODE) if server_addresses(tree)]
    assert found == ["src/touchstone/backing/servers.py"]


def test_the_happy_path() -> None:
    found = [name for name, tree in sources("PACKAGING", *CODE, "tests") if spelt_ways(tree)]
    assert found == [], "lifecycle.HAPPY_PATH has it"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("(State.CONFIRMED, State.MANUFACTURING_APPROVED)", 0),
        ("[S.SHIPPED, S.PACKAGING, S.MANUFACTURING_COMPLETED, S.MANUFACTURING_STARTED]", 0),
        ("(S.SUBMITTED, S.PRICE_CALCULATED, S.CONFIRMED, S.MANUFACTURING_APPROVED, S.CLOSED)", 1),
        ("{S.INITIATED, S.FILE_UPLOADED, S.SUBMITTED, S.PRICE_CALCULATED}", 1),
    ],
)
def test_what_is_taken_for_the_happy_path(line: str, found: int) -> None:
    assert spelt_ways(ast.parse(line)) == found


def test_what_is_overdue() -> None:
    """In SQL; for one order in hand `domain.promises` says it."""
    found = [name for name, tree in sources("promised_at", *CODE) if looks_at_promises(tree)]
    assert found == ["src/atelier/usecases/overdue.py"]


def test_no_script_knows_a_state() -> None:
    """A page tells its scripts in which states something may be done, is over, or is kept."""
    scripts = [
        path
        for path in sorted((ROOT / "src" / "atelier").rglob("*.js"))
        if "vendor" not in path.parts
    ]
    found = [
        f"{path.relative_to(ROOT)} knows {state.name}"
        for path in scripts
        for state in State
        if re.search(rf"(?<!\.)\b{state.name}\b", path.read_text("utf-8"))
    ]
    assert scripts
    assert found == []


@pytest.mark.parametrize(
    ("line", "drivers", "servers"),
    [
        ('url.replace("postgresql://", "postgresql+psycopg://", 1)', 1, 0),
        ('address.set(drivername="postgresql+psycopg")', 1, 0),
        ('f"postgresql://{user}@{host}/shop"', 0, 1),
        ('"postgresql://" + host', 0, 1),
        ('"postgresql://%s/shop" % host', 0, 1),
        ('"postgresql://{}/shop".format(host)', 0, 1),
        ('"postgresql://nowhere/shop"', 0, 0),
    ],
)
def test_what_is_looked_for(line: str, drivers: int, servers: int) -> None:
    tree = ast.parse(line)
    assert (driver_addresses(tree), server_addresses(tree)) == (drivers, servers)
