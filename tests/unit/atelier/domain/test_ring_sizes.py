"""What our ring sizes are called elsewhere."""

from __future__ import annotations

import pytest

from atelier.domain.ring_sizes import EU_SIZES, ring_size


@pytest.mark.parametrize(
    ("eu", "uk", "us"), [(44, "F", "3"), (49, "J", "5"), (54, "N", "6¾"), (70, "Z+1", "13¼")]
)
def test_a_size_has_three_names(eu: int, uk: str, us: str) -> None:
    size = ring_size(eu)

    assert (size.uk, size.us) == (uk, us)


def test_a_larger_size_is_wider_and_has_another_american_name() -> None:
    sizes = [ring_size(eu) for eu in EU_SIZES]

    assert sorted(sizes, key=lambda size: size.diameter_mm) == sizes
    assert len({size.us for size in sizes}) == len(sizes)
