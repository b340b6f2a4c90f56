"""The steps of the feature files and their definitions fit together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_bdd.feature import get_features
from pytest_bdd.parser import Step
from pytest_bdd.steps import StepFunctionContext, step_function_context_registry

FEATURES = Path(__file__).parents[2] / "features"


def steps() -> Iterator[Step]:
    for feature in get_features([str(FEATURES)]):
        for scenario in feature.scenarios.values():
            rows = [row for examples in scenario.examples for row in examples.as_contexts()]
            for row in rows or [{}]:
                yield from scenario.render(row).steps


def definitions(step: Step) -> list[StepFunctionContext]:
    return [
        context
        for context in step_function_context_registry.values()
        if context.type in (None, step.type) and context.parser.is_matching(step.name)
    ]


@pytest.mark.parametrize("step", {str(step): step for step in steps()}.values(), ids=str)
def test_every_step_has_exactly_one_meaning(step: Step) -> None:
    # pytest-bdd would quietly take one of two definitions that fit.
    meanings = [context.parser.name for context in definitions(step)]
    assert len(meanings) == 1, f"{step} is defined by {meanings or 'nothing'}"
