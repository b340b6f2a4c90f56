"""The shape of a ring of the constructor.

The ring's axis is z, its top (where the stone sits) is towards y. The band is one grid of points,
rows along its cross-section and columns around; profile, surface and engraving are only where those
points are, so the band is closed whatever they do. A seat takes the place of a rectangle of that
grid and is sewn to its edge. So there are no shells that overlap, and the volume of the mesh is the
volume of the metal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from atelier.domain import lettering, ring_surfaces, seats
from atelier.domain.ring_design import (
    Inscription,
    Place,
    Profile,
    RingDesign,
    Seat,
    Surface,
    inscription,
)
from atelier.domain.solids import Mesh, Numbers, Points, Sewing, with_extra

SEGMENTS: Final = 240
"""Straight pieces that a plain circle is made of."""

_CUT_SHARE: Final = 0.2  # of the band's thickness
_RAISED_MM: Final = 0.25
_GRAIN: Final = 0.27  # between points under letters, in the font's units
_BESIDE: Final = -0.95  # radians
_TOP: Final = math.pi / 2


@dataclass(frozen=True, eq=False)
class _Grid:
    """Where the band's points are: `around` in radians from the top, `across` in mm from the
    middle of the width, for the outside and for the inside."""

    around: Points
    outside: Points
    inside: Points


def build(design: RingDesign) -> Mesh:
    """The ring in metal. `design` has no faults."""
    text = inscription(design)
    seat = None if design.seat is Seat.NONE else seats.Setting.of(design)
    grid = _grid(design, text, seat)
    outer, inner = _radii(design, grid, text, seat)
    rows = np.concatenate((outer, inner[::-1]))
    across = np.concatenate((grid.outside, grid.inside[::-1]))
    angle = grid.around + _TOP
    sewing = Sewing()
    numbers = sewing.put(
        np.stack(
            np.broadcast_arrays(rows * np.cos(angle), rows * np.sin(angle), across[:, None]),
            axis=-1,
        )
    )
    closed = np.concatenate((numbers, numbers[:1]))
    if seat is None:
        sewing.quads(np.concatenate((closed, closed[:, :1]), axis=1))
    else:
        edge = _leave_open(sewing, closed, grid, seat)
        seat.sew(sewing, edge, top=float(outer_radius(design)))
    return sewing.mesh()


def outer_radius(design: RingDesign) -> float:
    """The radius at the highest point of the profile."""
    return design.inner_radius + float(design.thickness)


def profile_heights(design: RingDesign, across: Points) -> tuple[Points, Points]:
    """How far the outside and the inside are above the inner radius, `across` the width; in mm."""
    thick, half = float(design.thickness), float(design.width) / 2
    x = np.clip(np.abs(across) / half, 0, 1)
    dome = np.sqrt(1 - x**2)
    flat = np.zeros_like(x)
    match design.profile:
        case Profile.FLAT:
            return flat + thick, flat
        case Profile.BEVELLED:
            bevel = _bevel(design)
            return thick - np.clip(np.abs(across) - (half - bevel), 0, bevel), flat
        case Profile.D_SHAPE:
            return thick * (0.45 + 0.55 * dome), flat
        case Profile.COURT:
            return thick * (0.5 + 0.5 * dome), 0.16 * thick * (1 - dome)
        case Profile.ROUND:
            return thick * (0.66 + 0.34 * dome), 0.34 * thick * (1 - dome)
        case Profile.KNIFE_EDGE:
            return thick * (0.5 + 0.5 * (1 - x)), flat


def _bevel(design: RingDesign) -> float:
    return min(0.5, 0.3 * float(design.thickness), 0.2 * float(design.width))


def _grid(design: RingDesign, text: Inscription | None, seat: seats.Setting | None) -> _Grid:
    half = float(design.width) / 2
    match design.profile:
        case Profile.FLAT:
            outside = np.array((-half, half))
        case Profile.BEVELLED:
            bevel = _bevel(design)
            outside = np.array((-half, bevel - half, half - bevel, half))
        case Profile.KNIFE_EDGE:
            outside = np.array((-half, 0, half))
        case _:
            outside = -half * np.cos(np.linspace(0, np.pi, 29))
            outside[14] = 0.0
    inside = outside if design.profile in (Profile.COURT, Profile.ROUND) else outside[[0, -1]]
    around = np.linspace(-np.pi, np.pi, SEGMENTS, endpoint=False)
    if design.surface is not Surface.SMOOTH:
        around = ring_surfaces.columns(design)
        outside = np.union1d(outside, ring_surfaces.rows(design))
    if text is not None:
        step = text.unit_mm * _GRAIN
        tall = (text.height / 2 + 0.4) * text.unit_mm
        letters = np.linspace(-tall, tall, 2 * math.ceil(tall / step) + 1)
        radius = _text_radius(design)
        long = (text.length_mm / 2 + 1.2 * text.unit_mm) / radius
        columns = _text_middle(design) + np.linspace(
            -long, long, 2 * math.ceil(long * radius / step) + 1
        )
        around = _with_columns(around, columns)
        if design.place is Place.INSIDE:
            inside = with_extra(inside, letters)
        else:
            outside = with_extra(outside, letters)
    if seat is not None:
        outside = with_extra(outside, seat.rows())
        around = with_extra(around, seat.columns(outside))
    return _Grid(around, outside, inside)


def _with_columns(around: Points, columns: Points) -> Points:
    """`columns` may run over the end of the circle, which is at the bottom of the ring."""
    wrapped = (columns + np.pi) % (2 * np.pi) - np.pi
    first, last = columns[0], columns[-1]
    middle, reach = (first + last) / 2, (last - first) / 2
    away = np.abs((around - middle + np.pi) % (2 * np.pi) - np.pi)
    return np.sort(np.concatenate((around[away > reach + 1e-6], wrapped)))


def _text_radius(design: RingDesign) -> float:
    return design.inner_radius if design.place is Place.INSIDE else outer_radius(design)


def _text_middle(design: RingDesign) -> float:
    """The angle from the top; a text on the outside is at the ring's side, as one looks at it, but
    below where there is a stone."""
    beside = design.place is not Place.INSIDE and design.seat is Seat.NONE
    return _BESIDE if beside else np.pi


def _radii(
    design: RingDesign, grid: _Grid, text: Inscription | None, seat: seats.Setting | None
) -> tuple[Points, Points]:
    """The radius of each point of the outside and of the inside, shape (row, column)."""
    radius = design.inner_radius
    outer = radius + profile_heights(design, grid.outside)[0][:, None] + 0 * grid.around
    inner = radius + profile_heights(design, grid.inside)[1][:, None] + 0 * grid.around
    if design.surface is not Surface.SMOOTH:
        calm = 1.0 if seat is None else seat.clearance(grid.around, grid.outside)
        if text is not None and design.place is not Place.INSIDE:
            calm = calm * (1 - _text_field(design, text, grid))
        outer += calm * ring_surfaces.relief(design, grid.around, grid.outside)
    if text is not None:
        if design.place is Place.INSIDE:
            inner += _CUT_SHARE * float(design.thickness) * _letters(design, text, grid)
        elif design.place is Place.OUTSIDE:
            outer -= _CUT_SHARE * float(design.thickness) * _letters(design, text, grid)
        else:
            outer += _RAISED_MM * _letters(design, text, grid)
    return outer, inner


def _from_text(design: RingDesign, grid: _Grid) -> Points:
    """The columns' distances from the middle of the text, in mm along the surface."""
    turned = (grid.around - _text_middle(design) + np.pi) % (2 * np.pi) - np.pi
    return turned * _text_radius(design)


def _letters(design: RingDesign, text: Inscription, grid: _Grid) -> Points:
    inside = design.place is Place.INSIDE
    # From within, what lies further round is on the left.
    right = _from_text(design, grid) * (-1 if inside else 1) / text.unit_mm + text.line.width / 2
    up = (grid.inside if inside else grid.outside) / text.unit_mm + text.middle
    order = np.argsort(right)
    depth = np.empty((len(up), len(right)))
    depth[:, order] = lettering.relief(text.line, right[order], up)
    return depth


def _text_field(design: RingDesign, text: Inscription, grid: _Grid) -> Points:
    """1 under the letters, 0 from 0.8 mm beside them on."""
    beside = np.abs(_from_text(design, grid)) - text.length_mm / 2
    above = np.abs(grid.outside) - text.height / 2 * text.unit_mm
    gap = np.maximum(beside[None, :], above[:, None])
    return np.clip(1 - gap / 0.8, 0, 1)


def _leave_open(sewing: Sewing, closed: Numbers, grid: _Grid, seat: seats.Setting) -> Numbers:
    """Sew the band without the rectangle under the seat; that rectangle's edge, as a chain that is
    counter-clockwise as seen from outside and begins at its lower left."""
    half_high, half_wide = seat.half_high, seat.half_wide
    low, high = np.searchsorted(grid.outside, (-half_high - 1e-6, half_high + 1e-6)) - (0, 1)
    left, right = np.searchsorted(grid.around, (-half_wide - 1e-6, half_wide + 1e-6)) - (0, 1)
    sewing.quads(closed[: low + 1, left : right + 1])
    sewing.quads(closed[high:, left : right + 1])
    beside = np.concatenate((closed[:, right:], closed[:, : left + 1]), axis=1)
    sewing.quads(beside)
    patch = closed[low : high + 1, left : right + 1]
    return np.concatenate((patch[0, :-1], patch[:-1, -1], patch[-1, :0:-1], patch[:0:-1, 0]))
