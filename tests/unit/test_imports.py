"""Which folder may import which: each only what stands below it here, and never its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Final

import grimp
import pytest
from grimp import ImportGraph, Layer

from atelier.services import SERVICES

ATELIER: Final[Sequence[set[str]]] = (
    {"__main__"},
    {"serve", "seeding"},
    set(SERVICES),
    {"admin", "web"},
    {"parts", "running"},
    {"connections", "services"},
    {"service"},
    {"mail", "pictures", "usecases"},
    {"messaging", "storage"},
    {"cache", "command_errors", "data", "security"},
    {"domain", "telemetry"},
    {"cancellation", "clock", "company_time", "settings"},
    {"languages"},
)

TOUCHSTONE: Final[Sequence[set[str]]] = (
    {"__main__"},
    {"demo", "fixtures", "guards", "private_servers"},
    {"plugin"},
    {"browser", "keeper"},
    {"report", "zygote"},
    {"reaping", "remote"},
    {"backing", "gherkin"},
    {"config", "run"},
    {"certificates", "commands", "json_lines", "masking", "not_possible", "sandbox"}
    | {"surroundings", "waiting", "wrong_words"},
)

RULES: Final = {"atelier": ATELIER, "touchstone": TOUCHSTONE}


@pytest.fixture(scope="module")
def graph() -> ImportGraph:
    """What is imported when the code runs; imports for types alone do not count."""
    return grimp.build_graph(*RULES, exclude_type_checking_imports=True, cache_dir=None)


def wrong_arrows(graph: ImportGraph, package: str, rule: Sequence[set[str]]) -> list[str]:
    """Imports against the rule, each with the way that it takes."""
    found = graph.find_illegal_dependencies_for_layers(
        [Layer(*layer, independent=True) for layer in rule], containers={package}
    )
    return sorted(
        f"{each.importer} may not import {each.imported}, but does: "
        + " → ".join([*sorted(route.heads)[:1], *route.middle, *sorted(route.tails)[:1]])
        for each in found
        for route in each.routes
    )


def circle(graph: ImportGraph, package: str) -> list[str]:
    """Modules that import each other in a circle; none where there is no circle."""
    modules = graph.find_descendants(package) | {package}
    try:
        TopologicalSorter(
            {module: graph.find_modules_directly_imported_by(module) for module in modules}
        ).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.parametrize("package", RULES)
def test_each_imports_only_what_stands_below_it(graph: ImportGraph, package: str) -> None:
    assert wrong_arrows(graph, package, RULES[package]) == []


@pytest.mark.parametrize("package", RULES)
def test_each_has_its_place(graph: ImportGraph, package: str) -> None:
    there = {module.rpartition(".")[2] for module in graph.find_children(package)}
    placed = set().union(*RULES[package])
    assert there - placed == set(), "say in this module above what it stands"
    assert placed - there == set(), "is not there any more"


@pytest.mark.parametrize("package", RULES)
def test_nothing_is_imported_in_a_circle(graph: ImportGraph, package: str) -> None:
    assert circle(graph, package) == []


def test_the_suite_and_the_platform_do_not_know_each_other(graph: ImportGraph) -> None:
    for one, other in (("atelier", "touchstone"), ("touchstone", "atelier")):
        assert not graph.chain_exists(one, other, as_packages=True)


def test_what_would_be_found() -> None:
    graph = ImportGraph()
    for importer, imported in (
        ("house.roof", "house.walls"),
        ("house.walls.left", "house.roof.tiles"),
        ("house.walls.right", "house.garden"),
    ):
        for module in ("house", importer.rpartition(".")[0], importer, imported):
            graph.add_module(module)
        graph.add_import(importer=importer, imported=imported)

    rule = ({"roof"}, {"walls", "garden"})
    assert wrong_arrows(graph, "house", rule) == [
        "house.walls may not import house.garden, but does: house.walls.right → house.garden",
        "house.walls may not import house.roof, but does: house.walls.left → house.roof.tiles",
    ]
    assert circle(graph, "house") == []
    graph.add_import(importer="house.garden", imported="house.walls.right")
    assert sorted(set(circle(graph, "house"))) == ["house.garden", "house.walls.right"]
