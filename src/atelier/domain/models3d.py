"""What a customer's STL file describes: is it a solid, how large, and how much metal does it need.

A file is judged in two steps. `check_structure` answers at upload whether the file is a complete
STL at all; `measure` answers for the price whether it is a solid and computes its volume.

A surface is closed when every edge is shared by two facets (or by several that run along it in
both directions equally often, where solids touch). The volume of a closed surface is the flux of
the position through it. The flux along x, y and z is one number as long as all facets are wound
the same way. Exporters sometimes wind a few slivers the wrong way; then the three differ, and we
take the one along x, as trimesh does, unless they are too far apart to set a price by.
Several shells in one file add up: an overlap of two shells counts twice, a shell turned inside out
is a hollow.

Too small and too thin is what surely cannot be cast, so the limits are looser than what casting
services recommend: Planfab wants 10 mm of length, width and height together and no wall under
0.8 mm in gold (planfab.eu/guides/gold), Morris & Watson 0.4 mm for a wall, Formlabs 0.3 mm for a
wire of Castable Wax. Whoever approves the order looks at what is between.

A wall is judged by its mean, 2 × volume ÷ surface: the thickness of a sheet, half of a wire's
diameter. The thinnest place would be no measure, since every knife edge and every point of a star
ends in nothing, and a search for it across the million facets of a stranger has no bounded time.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from numpy.typing import NDArray

from atelier.domain.solids import Mesh
from atelier.domain.stl import ModelRejected, corners_of
from atelier.languages import LazyText, gettext_lazy, ngettext_lazy
from atelier.languages.figures import Figure

__all__ = [
    "LARGEST_MM",
    "LEAST_MM3",
    "SMALLEST_MM",
    "THINNEST_MM",
    "ModelRejected",
    "Solid",
    "check_structure",
    "measure",
    "surface",
]

LARGEST_MM = 1_000
"""Nobody wears a metre of metal: a larger model was drawn in another unit."""

SMALLEST_MM = Decimal("2.00")
"""Of the longest extent: about the smallest ear stud. A smaller model was drawn in another unit."""

LEAST_MM3 = Decimal("1.000")
"""A hundredth of a gram of silver; of less, the weight on a quote has no figures to charge by."""

THINNEST_MM = Decimal("0.150")
"""Of the mean wall, which a wire of 0.3 mm has: nobody who casts promises anything thinner."""

FLUX_TOLERANCE = 0.05
"""How far, relatively, the flux along the axes may differ before it is no basis of a price."""


@dataclass(frozen=True)
class Solid:
    """What we know about a model that can be cast."""

    triangles: int
    volume_mm3: Decimal
    """3 places"""
    size_mm: tuple[Decimal, Decimal, Decimal]
    """Extent along x, y and z, 2 places"""


def check_structure(data: bytes) -> int:
    """How many triangles a complete, non-empty binary or ASCII STL has.

    Raises ModelRejected: not-stl, truncated, empty.
    """
    return len(corners_of(data))


def measure(data: bytes) -> Solid:
    """Volume and size of the solid in an STL file; its lengths are millimetres.

    Raises ModelRejected: what `check_structure` raises, and not-finite, oversized, open-surface,
    undersized, inverted, too-thin, or empty for a surface that encloses nothing.
    """
    corners = corners_of(data)
    _check_finite(corners)
    size = np.ptp(corners.reshape(-1, 3).astype(np.float64), axis=0)
    if size.max() > LARGEST_MM:
        raise ModelRejected("oversized", _too_long(size.max()))
    skin = _closed(corners)
    size_mm = (_round(size[0], "0.01"), _round(size[1], "0.01"), _round(size[2], "0.01"))
    _check_length(max(size_mm))
    volume, area = _volume(skin)
    _check_metal(volume, area)
    return Solid(triangles=len(corners), volume_mm3=volume, size_mm=size_mm)


def surface(data: bytes) -> Mesh:
    """The surface in an STL file, closed or not, to be looked at.

    Raises what `check_structure` raises, and not-finite.
    """
    corners = corners_of(data)
    _check_finite(corners)
    numbers = _vertices(corners)
    points = np.empty((int(numbers.max()) + 1, 3), np.float32)
    points[numbers.ravel()] = corners.reshape(-1, 3)
    return Mesh(points, numbers.astype(np.int32))


def _check_finite(corners: NDArray[np.float32]) -> None:
    nowhere = int((~np.isfinite(corners)).any(axis=2).sum())
    if nowhere:
        raise ModelRejected(
            "not-finite",
            gettext_lazy(
                "%(nowhere)s of the %(all)s corners in the file have no valid position: their "
                "numbers are infinite, too large, or no numbers. Please repair the model in your "
                "3D program and export it again.",
                nowhere=Figure(nowhere),
                all=Figure(corners.size // 3),
            ),
        )


def _closed(corners: NDArray[np.float32]) -> NDArray[np.float32]:
    """The corners of a surface without holes. Raises ModelRejected: open-surface."""
    vertices = _vertices(corners)
    loose = _unpaired_edges(vertices)
    if len(loose):
        points = np.empty((int(vertices.max()) + 1, 3), np.float32)
        points[vertices.ravel()] = corners.reshape(-1, 3)
        vertices = _welded(vertices, points, np.flatnonzero(np.bincount(loose.ravel())))
        loose = _unpaired_edges(vertices)
        corners = points[vertices]
    if len(loose):
        raise ModelRejected(
            "open-surface",
            ngettext_lazy(
                "The surface of the model is not closed: %(edges)s edge does not join exactly "
                "two facets, so it has no inside that could be filled with metal. Please close the "
                "holes in your 3D program (“make solid” or “repair mesh”) and export it again.",
                "The surface of the model is not closed: %(edges)s edges do not join exactly "
                "two facets, so it has no inside that could be filled with metal. Please close the "
                "holes in your 3D program (“make solid” or “repair mesh”) and export it again.",
                len(loose),
                edges=Figure(len(loose)),
            ),
        )
    return corners


def _vertices(corners: NDArray[np.float32]) -> NDArray[np.int64]:
    """A number for each corner, shape (facet, corner): equal where the positions are equal."""
    positive_zero = corners.reshape(-1, 3) + np.float32(0)
    bits = positive_zero.view(np.uint32).astype(np.uint64)
    _, number = np.unique(bits[:, 0] << 32 | bits[:, 1], return_inverse=True)
    _, number = np.unique(number.astype(np.uint64) << 32 | bits[:, 2], return_inverse=True)
    return number.astype(np.int64).reshape(-1, 3)


def _unpaired_edges(vertices: NDArray[np.int64]) -> NDArray[np.int64]:
    """The edges, shape (edge, 2), at which a surface is not closed.

    Facets that have shrunk to a line or a point are left out: they close nothing and open nothing.
    """
    shrunk = (vertices == np.roll(vertices, 1, axis=1)).any(axis=1)
    facets = vertices[~shrunk]
    if not len(facets):
        return np.empty((0, 2), np.int64)
    start, end = facets.ravel(), np.roll(facets, -1, axis=1).ravel()
    base = int(vertices.max()) + 1
    directed = (np.minimum(start, end) * base + np.maximum(start, end)) * 2 + (start < end)
    directed.sort()
    edge = directed >> 1
    first = np.flatnonzero(np.diff(edge, prepend=-1))
    uses = np.diff(first, append=len(edge))
    forward = np.add.reduceat(directed & 1, first)
    unpaired = edge[first[(uses != 2) & (2 * forward != uses)]]
    return np.stack((unpaired // base, unpaired % base), axis=1)


def _welded(
    vertices: NDArray[np.int64], points: NDArray[np.float32], loose: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The vertices, with those `loose` ones made equal that only rounding has torn apart.

    Some exporters compute a shared corner anew for every facet, and float32 rounds it differently.
    """
    tear = 4 * np.spacing(np.abs(points).max())
    x, y, z = (_places(along, tear) for along in points[loose].T)
    _, column = np.unique(x * len(loose) + y, return_inverse=True)
    _, first, group = np.unique(column * len(loose) + z, return_index=True, return_inverse=True)
    same = np.arange(len(points))
    same[loose] = loose[first[group]]
    welded: NDArray[np.int64] = same[vertices]
    # Where whole facets vanish these were no tears but details: then the surface stays as it is.
    swallowed = (welded == np.roll(welded, 1, axis=1)) & (vertices != np.roll(vertices, 1, axis=1))
    return vertices if swallowed.any() else welded


def _places(along: NDArray[np.float32], tear: float) -> NDArray[np.int64]:
    """Number positions along an axis from below; those not further apart than `tear` share one."""
    order = np.argsort(along)
    places = np.empty(len(along), np.int64)
    places[order] = np.cumsum(np.diff(along[order], prepend=along[order[0]]) > tear)
    return places


def _check_length(longest: Decimal) -> None:
    if longest < SMALLEST_MM:
        raise ModelRejected(
            "undersized",
            gettext_lazy(
                "The model is only %(length)s mm long, but we make pieces of %(least)s mm or more. "
                "Please check that it is drawn in millimetres.",
                length=Figure(longest),
                least=Figure(SMALLEST_MM),
            ),
        )


def _check_metal(volume: Decimal, area: float) -> None:
    """Enough to weigh, and no foil."""
    if volume < LEAST_MM3:
        raise ModelRejected(
            "undersized",
            gettext_lazy(
                "The model has a volume of only %(volume)s mm³, but we cast pieces of %(least)s "
                "mm³ or more. Please check that it is drawn in millimetres.",
                volume=Figure(volume),
                least=Figure(LEAST_MM3),
            ),
        )
    wall = _round(2 * float(volume) / area, "0.001")
    if wall < THINNEST_MM:
        raise ModelRejected(
            "too-thin",
            gettext_lazy(
                "The walls of the model are %(wall)s mm thick on average, but metal fills only "
                "those of %(least)s mm or more. Please make the model thicker and export it again.",
                wall=Figure(wall),
                least=Figure(THINNEST_MM),
            ),
        )


def _volume(corners: NDArray[np.float32]) -> tuple[Decimal, float]:
    """What a closed surface encloses, mm³, and its area, mm²."""
    flux, area = np.zeros(3), 0.0
    for block in np.array_split(corners, len(corners) // 100_000 + 1):  # bounds the memory
        a, b, c = block.astype(np.float64).transpose(1, 0, 2)
        facing = np.cross(b - a, c - a)
        flux += (facing * (a + b + c)).sum(axis=0) / 6
        area += float(np.linalg.norm(facing, axis=1).sum()) / 2
    if _round(np.abs(flux).max(), "0.001") == 0:
        raise ModelRejected(
            "empty",
            gettext_lazy(
                "The surface of the model is closed but encloses no volume. Please check that the "
                "model has a thickness and is drawn in millimetres."
            ),
        )
    if np.ptp(flux) > FLUX_TOLERANCE * np.abs(flux).max():
        raise ModelRejected(
            "inverted",
            gettext_lazy(
                "Too many facets of the model are turned inside out, so its volume is unclear. "
                "Please unify the normals in your 3D program (“recalculate outside”) and export it "
                "again."
            ),
        )
    return _round(abs(flux[0]), "0.001"), area


def _too_long(length: float) -> LazyText:
    most = Figure(LARGEST_MM)
    if length < 1e7:
        return gettext_lazy(
            "The model is %(length)s mm long, but we make pieces of up to %(most)s mm. Please "
            "check that it is drawn in millimetres.",
            length=Figure(round(float(length))),
            most=most,
        )
    return gettext_lazy(
        "The model is more than %(length)s mm long, but we make pieces of up to %(most)s mm. "
        "Please check that it is drawn in millimetres.",
        length=Figure(10_000_000),
        most=most,
    )


def _round(length: float, places: str) -> Decimal:
    return Decimal(float(length)).quantize(Decimal(places), ROUND_HALF_UP)
