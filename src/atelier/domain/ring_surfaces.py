"""What is worked into a band's outside: how deep, at each place. Never outwards, so that a ring is
nowhere thicker than its measure says."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from atelier.domain.ring_design import RingDesign, Surface
from atelier.domain.solids import Points

_DENT_MM: Final = 1.15  # between the hammer's marks
_STRAND_MM: Final = 2.2
_FACET_MM: Final = 2.6
_ROW_MM: Final = 0.17
_SEED: Final = 1889


def columns(design: RingDesign) -> Points:
    """The angles from the top, ascending from -π, at which this surface needs points."""
    count = _count(design)
    match design.surface:
        case Surface.TWISTED:
            each = 14
        case Surface.FACETED:
            each = 8
        case _:
            each = math.ceil(420 / count)
    return np.linspace(-np.pi, np.pi, each * count, endpoint=False)


def rows(design: RingDesign) -> Points:
    """The places across the width, in mm from the middle, at which this surface needs points."""
    half = float(design.width) / 2
    return np.linspace(-half, half, 2 * math.ceil(half / _ROW_MM) + 1)[1:-1]


def relief(design: RingDesign, around: Points, across: Points) -> Points:
    """How far the outside is moved, in mm; 0 or less. Shape (across, around)."""
    thick = float(design.thickness)
    match design.surface:
        case Surface.HAMMERED:
            return -min(0.13, 0.08 * thick) * _dents(design, around, across)
        case Surface.TWISTED:
            turn = _count(design) / 2 * around[None, :] + across[:, None] * np.pi / _STRAND_MM
            return -min(0.3, 0.16 * thick) * (1 - np.sqrt(np.abs(np.sin(turn))))
        case Surface.FACETED:
            return -min(0.45, 0.2 * thick) * _facets(design, around, across)
        case Surface.SMOOTH:
            return np.zeros((len(across), len(around)))


def _count(design: RingDesign) -> int:
    """How often the pattern repeats around the ring; even, so that it meets itself."""
    apart = {Surface.TWISTED: _STRAND_MM, Surface.FACETED: _FACET_MM}
    step = apart.get(design.surface, _DENT_MM)
    # Of the inside, so that a thicker ring has the same pattern.
    return 2 * round((design.size + 6) / step / 2)


def _dents(design: RingDesign, around: Points, across: Points) -> Points:
    """1 in the middle of a dent, 0 on the ridges: the nearest of jittered points of a lattice."""
    count = _count(design)
    x = (around + np.pi) / (2 * np.pi) * count
    y = across / _DENT_MM
    layers = math.ceil(float(design.width) / 2 / _DENT_MM) + 2
    random = np.random.default_rng(_SEED)
    # Drawn from the middle outwards, so that a wider ring has the same pattern, and more of it.
    jitter = random.uniform(-0.32, 0.32, (40, count, 2))
    nearest = np.full((len(y), len(x)), np.inf)
    cell_x, cell_y = np.floor(x).astype(int), np.round(y).astype(int)
    for step_y in (-1, 0, 1):
        layer = np.clip(cell_y + step_y, -layers, layers)
        for step_x in (-1, 0, 1, 2):
            cell = cell_x + step_x
            moved = jitter[layer[:, None] * 2 % 40, cell[None, :] % count]
            beside = cell[None, :] + 0.5 * (layer[:, None] % 2) + moved[..., 0] - x[None, :]
            above = layer[:, None] + moved[..., 1] - y[:, None]
            nearest = np.minimum(nearest, beside**2 + above**2)
    return np.clip(1 - nearest / 0.55, 0, 1)


def _facets(design: RingDesign, around: Points, across: Points) -> Points:
    """Planes like those of a cut stone: triangles up and down in turn, deepest at their points."""
    count = _count(design)
    half = float(design.width) / 2
    phase = np.abs(((around + np.pi) / (2 * np.pi) * count / 2) % 1 * 2 - 1)
    slant = (across / half + 1) / 2
    return np.abs(phase[None, :] - slant[:, None])
