"""How small and how thin a model may be."""

from __future__ import annotations

import numpy as np
import pytest

from atelier.domain.models3d import ModelRejected, measure
from fixtures.models import Mesh, as_binary_stl, box, ring


@pytest.mark.parametrize(
    ("fits", "does_not", "code", "words"),
    [
        (box(2, 1, 1), box(1.99, 1, 1), "undersized", "is only 1.99 mm long"),
        (box(4, 0.5, 0.5), box(3.99, 0.5, 0.5), "undersized", "a volume of only 0.998 mm³"),
        # 2 × volume ÷ surface = 1 ÷ (1 ÷ x + 1 ÷ y + 1 ÷ z)
        (box(60, 30, 0.1512), box(60, 30, 0.15), "too-thin", "are 0.149 mm thick on average"),
        (box(60, 0.3, 0.302), box(60, 0.3, 0.298), "too-thin", "are 0.149 mm thick on average"),
    ],
    ids=["length", "volume", "wall of a sheet", "wall of a wire"],
)
def test_what_is_too_small_or_too_thin_to_be_cast_is_refused(
    fits: Mesh, does_not: Mesh, code: str, words: str
) -> None:
    assert measure(as_binary_stl(fits)).volume_mm3 >= 1
    with pytest.raises(ModelRejected, match=words) as rejected:
        measure(as_binary_stl(does_not))
    assert rejected.value.code == code


@pytest.mark.parametrize(
    "mesh",
    [box(0.2, 0.2, 0.2), ring().scaled(0.001), Mesh(np.zeros((4, 3, 3), np.float32))],
    ids=["a cube of 0.2 mm", "drawn in metres", "a point"],
)
def test_what_nobody_can_see_is_too_small(mesh: Mesh) -> None:
    with pytest.raises(ModelRejected) as rejected:
        measure(as_binary_stl(mesh))
    assert rejected.value.code == "undersized"
