"""A small project with feature files, run as a whole with nothing else."""

from __future__ import annotations

import pytest

from tests.integration.touchstone.gherkin.project import ENGLISH, RUSSIAN, Project


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    return Project(pytester)


@pytest.fixture
def shop(project: Project) -> Project:
    """A project with a feature in each language."""
    project.write("features/rings.feature", ENGLISH)
    project.write("features/по-русски/кольца.feature", RUSSIAN)
    return project
