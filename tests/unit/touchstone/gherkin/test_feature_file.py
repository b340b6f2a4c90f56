"""Reading a feature file leaves the process as it was."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from touchstone.gherkin.feature_file import FeatureError, read

GOOD = "Feature: A shop\n\n  Scenario: It is open\n    Given it is day\n"


@pytest.mark.parametrize("text", [GOOD, "Scenario: Of no feature\n"], ids=["good", "bad"])
@pytest.mark.parametrize("collects", [True, False], ids=["collecting", "not collecting"])
def test_garbage_is_collected_afterwards_as_before(
    tmp_path: Path, text: str, collects: bool, request: pytest.FixtureRequest
) -> None:
    file = tmp_path / "shop.feature"
    file.write_text(text)
    request.addfinalizer(gc.enable)
    if not collects:
        gc.disable()

    if text is GOOD:
        assert read(file, file.name).length == 4
    else:
        with pytest.raises(FeatureError):
            read(file, file.name)

    assert gc.isenabled() is collects
