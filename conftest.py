"""What all tests share about this shop (see `fixtures/`)."""

from __future__ import annotations

import pytest

from fixtures.model_files import REAL_MODELS, real_models_folder

pytest_plugins = [
    "fixtures.company",
    "fixtures.steps.customer",
    "fixtures.steps.operator",
    "fixtures.steps.order",
    "fixtures.steps.partner",
    "fixtures.steps.seller",
]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this run has no models for, before anything is set up for it."""
    if item.get_closest_marker("real_models") and real_models_folder() is None:
        pytest.skip(
            f"needs 3D models that other people made: set {REAL_MODELS} to a folder that holds "
            "band_with_prong.stl and heavy_ring.stl"
        )
