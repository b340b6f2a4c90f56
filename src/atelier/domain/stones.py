"""The stone that a seat is made for, to be shown in it: a round brilliant."""

from __future__ import annotations

from typing import Final

import numpy as np

from atelier.domain.ring_design import RingDesign, Seat
from atelier.domain.seats import CROWN, PAVILION, girdle_height
from atelier.domain.solids import Mesh, Points

_FOLD: Final = 8


def brilliant(design: RingDesign) -> Mesh | None:
    """The stone in its place above the band; None for a ring without a seat."""
    if design.seat is Seat.NONE:
        return None
    stone = float(design.stone)
    girdle = design.inner_radius + float(design.thickness) + girdle_height(stone)
    table = _ring(0.56, CROWN, 0)
    middle = _ring(0.8, 0.6 * CROWN, 0.5)
    belt = np.stack((_ring(1, 0, 0), _ring(1, 0, 0.5)), axis=1).reshape(-1, 3)
    waist = _ring(0.3, -0.7 * PAVILION, 0.5)
    centre, culet = np.array([[0, CROWN, 0]]), np.array([[0, -PAVILION, 0]])
    points = np.concatenate((table, middle, belt, waist, centre, culet))
    t, m, g, w = 0, _FOLD, 2 * _FOLD, 4 * _FOLD
    c, k = 5 * _FOLD, 5 * _FOLD + 1
    facets = []
    for i in range(_FOLD):
        n, p = (i + 1) % _FOLD, (i - 1) % _FOLD
        even, odd, following = g + 2 * i, g + 2 * i + 1, g + 2 * n
        facets += [(c, t + i, t + n), (t + i, m + i, t + n)]
        facets += [(t + i, m + p, even), (t + i, even, m + i)]
        facets += [(m + i, even, odd), (m + i, odd, following)]
        facets += [(even, w + i, odd), (odd, w + i, following)]
        facets += [(even, w + p, w + i), (w + p, k, w + i)]
    scaled = points * stone + (0, girdle, 0)
    return Mesh(scaled.astype(np.float32), np.array(facets, np.int32))


def _ring(distance: float, height: float, shift: float) -> Points:
    """Points around the stone's axis, its diameter being 1; clockwise as seen from above."""
    angle = 2 * np.pi * (np.arange(_FOLD) + shift) / _FOLD
    return np.stack(
        (distance / 2 * np.sin(angle), np.full(_FOLD, height), distance / 2 * np.cos(angle)), axis=1
    )
