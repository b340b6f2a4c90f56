"""The steps of the feature files and their definitions fit together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_bdd.feature import get_features
from pytest_bdd.parser import Step

from touchstone.gherkin.step_lookup import visible_to

FEATURES = Path(__file__).parents[2] / "features"


def steps() -> Iterator[Step]:
    for feature in get_features([str(FEATURES)]):
        for scenario in feature.scenarios.values():
            rows = [row for examples in scenario.examples for row in examples.as_contexts()]
            for row in rows or [{}]:
                yield from scenario.render(row).steps


@pytest.mark.parametrize("step", {str(step): step for step in steps()}.values(), ids=str)
def test_every_step_has_exactly_one_meaning(step: Step, request: pytest.FixtureRequest) -> None:
    visible = visible_to(request.node)
    assert visible, "touchstone does not know the step definitions of this version of pytest"
    meanings = [
        definition.context.parser.name for definition in visible.fitting(step.type, step.name)
    ]
    # Of two definitions that fit, one would quietly be taken.
    assert len(meanings) == 1, f"{step} is defined by {meanings or 'nothing'}"
