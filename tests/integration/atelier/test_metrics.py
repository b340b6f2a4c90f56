"""Each metric that is declared is moved somewhere: one that never moves tells nothing, for ever."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

import pytest

import atelier
import atelier.serve  # imports every module that declares one
from atelier.metrics import REGISTRY

_MOVES: Final = frozenset({"inc", "dec", "set", "observe", "time", "track_inprogress"})
_KINDS: Final = frozenset({"Counter", "Gauge", "Histogram", "Summary"})


def trees() -> list[ast.Module]:
    folder = Path(atelier.__file__).parent
    return [ast.parse(path.read_text()) for path in folder.rglob("*.py")]


def declared(modules: list[ast.Module]) -> dict[str, str]:
    """The variable of each metric, and the metric's name."""
    found = {}
    for module in modules:
        for node in ast.walk(module):
            target = node.target if isinstance(node, ast.AnnAssign) else None
            call = node.value if isinstance(node, ast.AnnAssign) else None
            if isinstance(node, ast.Assign):
                target, call = node.targets[0], node.value
            if not (isinstance(target, ast.Name) and isinstance(call, ast.Call)):
                continue
            if isinstance(call.func, ast.Name) and call.func.id in _KINDS:
                name = call.args[0]
                assert isinstance(name, ast.Constant)
                found[target.id] = str(name.value)
    return found


def moved(modules: list[ast.Module]) -> set[str]:
    """The variables that something is done to which changes a value."""
    found = set()
    for module in modules:
        for node in ast.walk(module):
            if not (isinstance(node, ast.Attribute) and node.attr in _MOVES):
                continue
            what: ast.expr = node.value
            if isinstance(what, ast.Call) and isinstance(what.func, ast.Attribute):
                what = what.func.value  # …labels(…)
            if isinstance(what, ast.Attribute):
                found.add(what.attr)
            elif isinstance(what, ast.Name):
                found.add(what.id)
    return found | {metric for kept, metric in bound(modules) if kept in found}


def bound(modules: list[ast.Module]) -> set[tuple[str, str]]:
    """What keeps a metric with its labels, and which metric."""
    found = set()
    for module in modules:
        for node in ast.walk(module):
            if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)):
                continue
            target, call = node.targets[0], node.value.func
            if (
                isinstance(call, ast.Attribute)
                and call.attr == "labels"
                and isinstance(target, ast.Attribute)
                and isinstance(call.value, ast.Attribute)
            ):
                found.add((target.attr, call.value.attr))
    return found


def test_each_declared_metric_is_moved() -> None:
    modules = trees()
    assert set(declared(modules)) - moved(modules) == set()


def test_every_metric_of_the_registry_is_known_here() -> None:
    known = {name.removesuffix("_total") for name in declared(trees()).values()}
    assert {family.name for family in REGISTRY.collect()} == known


@pytest.mark.parametrize(
    ("move", "seen"),
    [
        ("things.labels('a').inc()", True),
        ("metrics.things.set(3)", True),
        ("metrics.things.labels('a').track_inprogress()", True),
        ("things.labels('a')", False),
        ("things.clear()", False),
    ],
)
def test_what_moves_one(move: str, seen: bool) -> None:
    module = ast.parse(f"things: Final = Counter('atelier_things_total')\n{move}")
    assert (set(declared([module])) <= moved([module])) is seen
