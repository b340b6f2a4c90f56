"""What all tests share about this shop beside what is in `fixtures/`."""

from __future__ import annotations

import pytest

from fixtures.model_files import REAL_MODELS, real_models_folder

pytest_plugins = [
    "pytester",
    "fixtures.company",
    "fixtures.mailbox",
    "fixtures.read_model",
    "fixtures.steps.account",
    "fixtures.steps.customer",
    "fixtures.steps.delivery",
    "fixtures.steps.engineer",
    "fixtures.steps.operator",
    "fixtures.steps.order",
    "fixtures.steps.partner",
    "fixtures.steps.pricing",
    "fixtures.steps.partner_program",
    "fixtures.steps.seller",
    "fixtures.steps.sent_back",
    "fixtures.steps.service",
    "fixtures.steps.studio",
    "fixtures.steps.workshop",
]


def pytest_make_parametrize_id(val: object) -> str | None:
    """Files in tests of models are named by their size; their bytes are no names."""
    return f"{len(val)} bytes" if isinstance(val, bytes) else None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this run has no models for, before anything is set up for it."""
    if item.get_closest_marker("real_models") and real_models_folder() is None:
        pytest.skip(f"set {REAL_MODELS} to a folder with band_with_prong.stl and heavy_ring.stl")
