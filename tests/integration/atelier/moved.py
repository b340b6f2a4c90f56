"""Which metrics there are, which test moves which, and whether it did."""

from __future__ import annotations

import ast
import itertools
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

from prometheus_client import Gauge, Metric
from prometheus_client.parser import text_string_to_metric_families

import atelier
from atelier.telemetry import metrics
from touchstone.waiting import eventually_async

Test = TypeVar("Test", bound=Callable[..., Any])
Moving = tuple[str, frozenset[tuple[str, str]]]
"""A metric's name as it is declared, and some or all of its labels with their values."""

CLAIMED: Final[set[Moving]] = set()
_KINDS: Final = frozenset({"Counter", "Gauge", "Histogram", "Summary"})
_WORDS: Final = re.compile(r"(\w+): ((?:[^;.()]|\([^)]*\))+)")


def moves(metric: str, **labels: str | Iterable[str]) -> Callable[[Test], Test]:
    """Says of a test that it moves a metric, with each combination of these values of labels. The
    fixture `moved` holds the test to it."""
    values = [[one] if isinstance(one, str) else list(one) for one in labels.values()]
    claims = {
        (metric, frozenset(zip(labels, map(str, chosen), strict=True)))
        for chosen in itertools.product(*values)
    }
    CLAIMED.update(claims)

    def claimed(test: Test) -> Test:
        vars(test).setdefault("moves", set()).update(claims)
        return test

    return claimed


class Moved:
    """What has changed since it was made, at any of the moments at which it looked."""

    def __init__(self) -> None:
        # A gauge that another test has left behind would not move to where it is.
        for each in _gauges():
            each.clear()
        self._before = _values(metrics.REGISTRY.collect())
        self._found: set[Moving] = set()

    def look(self, exposed: str | None = None) -> None:
        """At the values now, or at those that /metrics has told."""
        families = (
            text_string_to_metric_families(exposed) if exposed else metrics.REGISTRY.collect()
        )
        now = _values(families).items()
        # A NaN differs from everything, and is told of a replica that is lost.
        self._found |= {key for key, value in now if value != self._before.get(key, 0.0)}

    def without(self, claims: Collection[Moving]) -> Sequence[str]:
        """Those of `claims` that have not been seen to move."""
        return [
            f"{name} {dict(sorted(labels))}"
            for name, labels in claims
            if not any(name == found and labels <= has for found, has in self._found)
        ]


def _gauges() -> Sequence[Gauge]:
    """Those of all modules that have been imported."""
    return [
        each
        for name, module in list(sys.modules.items())
        if name.startswith("atelier.")
        for each in vars(module).values()
        if isinstance(each, Gauge)
    ]


async def all_of(test: object, moved: Moved, *metrics: str) -> None:
    """Wait until these metrics have moved as the test says."""
    claims = {claim for claim in vars(test)["moves"] if claim[0] in metrics}

    async def left() -> Sequence[str]:
        moved.look()
        return moved.without(claims)

    await eventually_async(
        left, until=lambda found: not found, timeout=30, describe=f"{', '.join(metrics)} move"
    )


@dataclass(frozen=True)
class Declared:
    """A metric, its labels, and what its description says that they may be."""

    name: str
    labels: Collection[str]
    told: Mapping[str, Collection[str]]


@cache
def declared() -> Sequence[Declared]:
    """Every metric that the platform's source declares, anywhere."""
    return list(_declared())


def _declared() -> Iterator[Declared]:
    for path in Path(atelier.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Name(id=kind) | ast.Attribute(attr=kind),
                    args=[ast.Constant(value=str(name)), ast.Constant(value=str(told)), *rest],
                ) if kind in _KINDS:
                    labels = ast.literal_eval(rest[0]) if rest else ()
                    yield Declared(name, labels, values_told(told, labels))


def values_told(description: str, labels: Collection[str]) -> Mapping[str, Collection[str]]:
    """The values that a description lists for labels, as in “outcome: sent, postponed or lost”.

    Comments in parentheses, and what is not a single word, are passed over.
    """
    plain = re.sub(r" ?\((?![^)]*:)[^)]*\)", "", description)
    return {
        label: {
            one for one in re.split(r", | or ", words.strip()) if re.fullmatch(r"\w+", one.strip())
        }
        for label, words in _WORDS.findall(plain)
        if label in labels
    }


def _values(families: Iterable[Metric]) -> Mapping[Moving, float]:
    found: dict[Moving, float] = defaultdict(float)
    for family in families:
        for sample in family.samples:
            if not sample.name.endswith(("_bucket", "_sum")):
                found[sample.name.removesuffix("_count"), _labels(sample.labels)] += sample.value
    return found


def _labels(labels: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    # A sandbox's databases have its own name before theirs.
    return frozenset(
        (label, value.rpartition("_")[2] if label == "database" else value)
        for label, value in labels.items()
    )


DATABASES: Final = ("shop", "mes")
PARTNER: Final = UUID("018f0000-0000-7000-8000-000000000002")
NOWHERE: Final = "127.0.0.1:1"
