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
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from numpy.typing import NDArray

from atelier.domain.solids import Mesh

LARGEST_MM = 1_000
"""Nobody wears a metre of metal: a larger model was drawn in another unit."""

FLUX_TOLERANCE = 0.05
"""How far, relatively, the flux along the axes may differ before it is no basis of a price."""

_COUNT_AT, _FACETS_AT = 80, 84
_FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])

_BEGIN = re.compile(rb"\s*solid\b[^\r\n]*", re.IGNORECASE)
_TEXT_FACET = re.compile(
    rb"\s*facet\s+normal(?:\s+\S+){3}\s+outer\s+loop"
    + rb"\s+vertex\s+(\S+)\s+(\S+)\s+(\S+)" * 3
    + rb"\s+endloop\s+endfacet",
    re.IGNORECASE,
)
_END = re.compile(rb"\s*endsolid\b[^\r\n]*", re.IGNORECASE)

_NOT_STL = "This is not an STL file. Please export the model as STL and upload that file."
_EMPTY = "The file contains no surface at all. Please check that the model was part of the export."


class ModelRejected(Exception):
    """A file that we cannot cast.

    ``code`` is one of not-stl, truncated, empty, not-finite, oversized, open-surface, inverted
    (and too-large, where files are received). The text is for the customer.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


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
    return len(_corners(data))


def measure(data: bytes) -> Solid:
    """Volume and size of the solid in an STL file; its lengths are millimetres.

    Raises ModelRejected: what `check_structure` raises, and not-finite, oversized, open-surface,
    inverted, or empty for a surface that encloses nothing.
    """
    corners = _corners(data)
    _check_finite(corners)
    size = np.ptp(corners.reshape(-1, 3).astype(np.float64), axis=0)
    if size.max() > LARGEST_MM:
        raise ModelRejected(
            "oversized",
            f"The model is {size.max():,.0f} mm long, but we make pieces of up to {LARGEST_MM:,} "
            "mm. Please check that it is drawn in millimetres.",
        )
    return Solid(
        triangles=len(corners),
        volume_mm3=_volume(_closed(corners)),
        size_mm=(_round(size[0], "0.01"), _round(size[1], "0.01"), _round(size[2], "0.01")),
    )


def surface(data: bytes) -> Mesh:
    """The surface in an STL file, closed or not, to be looked at.

    Raises what `check_structure` raises, and not-finite.
    """
    corners = _corners(data)
    _check_finite(corners)
    numbers = _vertices(corners)
    points = np.empty((int(numbers.max()) + 1, 3), np.float32)
    points[numbers.ravel()] = corners.reshape(-1, 3)
    return Mesh(points, numbers.astype(np.int32))


def _check_finite(corners: NDArray[np.float32]) -> None:
    if not np.isfinite(corners).all():
        raise ModelRejected(
            "not-finite",
            "Some points of the model have no valid position. Please repair the model in your 3D "
            "program and export it again.",
        )


def _corners(data: bytes) -> NDArray[np.float32]:
    """The corners of all facets, shape (facet, corner, axis)."""
    if not data:
        raise ModelRejected("empty", "The file is empty. Please export the model once more.")
    count = int.from_bytes(data[_COUNT_AT:_FACETS_AT], "little")
    # The size decides first: many programs begin the header of a binary file with "solid".
    if len(data) == _FACETS_AT + count * _FACET.itemsize:
        corners = np.frombuffer(data, _FACET, count, _FACETS_AT)["corners"]
    elif _BEGIN.match(data) and b"\0" not in data[:_FACETS_AT]:
        corners = _corners_of_text(data)
    else:
        raise _broken_binary(data, count)
    if not len(corners):
        raise ModelRejected("empty", _EMPTY)
    return corners


def _corners_of_text(data: bytes) -> NDArray[np.float32]:
    coordinates = array("d")
    position = 0
    while begin := _BEGIN.match(data, position):
        position = begin.end()
        while facet := _TEXT_FACET.match(data, position):
            try:
                coordinates.extend(map(float, facet.groups()))
            except ValueError:
                raise _damaged_text(data, position) from None
            position = facet.end()
        end = _END.match(data, position)
        if end is None and _END.search(data, position):
            raise _damaged_text(data, position)
        if end is None:
            raise ModelRejected(
                "truncated",
                "The file breaks off before the end of the model. Please export it again and "
                "upload it once more.",
            )
        position = end.end()
    if data[position:].strip():
        raise _damaged_text(data, position)
    with np.errstate(over="ignore"):  # beyond float32 is infinite, which `measure` rejects
        return np.frombuffer(coordinates, np.float64).astype(np.float32).reshape(-1, 3, 3)


def _damaged_text(data: bytes, position: int) -> ModelRejected:
    line = data.count(b"\n", 0, position) + 1
    return ModelRejected(
        "not-stl",
        f"The STL file is damaged: the facet after line {line} cannot be read. Please export the "
        "model again.",
    )


def _broken_binary(data: bytes, count: int) -> ModelRejected:
    """Tell half an STL from something else, whose bytes make no sense as a count and lengths."""
    there = (len(data) - _FACETS_AT) // _FACET.itemsize
    if there < 0 or count >= 1 << 24:  # 800 MB: no upload promises that, but any text does
        return ModelRejected("not-stl", _NOT_STL)
    corners = np.frombuffer(data, _FACET, there, _FACETS_AT)["corners"]
    if not (np.abs(corners) < 1e9).all():
        return ModelRejected("not-stl", _NOT_STL)
    if there < count:
        return ModelRejected(
            "truncated",
            f"The file breaks off: it announces {count:,} triangles, but only {there:,} arrived. "
            "Please export the model again and upload it once more.",
        )
    return ModelRejected(
        "not-stl",
        f"The STL file is damaged: it announces {count:,} triangles, but contains more than "
        "these. Please export the model again.",
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
            f"The surface of the model is not closed: {len(loose):,} edges do not join exactly "
            "two facets, so it has no inside that could be filled with metal. Please close the "
            "holes in your 3D program (“make solid” or “repair mesh”) and export it again.",
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


def _volume(corners: NDArray[np.float32]) -> Decimal:
    flux = np.zeros(3)
    for block in np.array_split(corners, len(corners) // 100_000 + 1):  # bounds the memory
        a, b, c = block.astype(np.float64).transpose(1, 0, 2)
        flux += (np.cross(b - a, c - a) * (a + b + c)).sum(axis=0) / 6
    if _round(np.abs(flux).max(), "0.001") == 0:
        raise ModelRejected(
            "empty",
            "The surface of the model is closed but encloses no volume. Please check that the "
            "model has a thickness and is drawn in millimetres.",
        )
    if np.ptp(flux) > FLUX_TOLERANCE * np.abs(flux).max():
        raise ModelRejected(
            "inverted",
            "Too many facets of the model are turned inside out, so its volume is unclear. Please "
            "unify the normals in your 3D program (“recalculate outside”) and export it again.",
        )
    return _round(abs(flux[0]), "0.001")


def _round(length: float, places: str) -> Decimal:
    return Decimal(float(length)).quantize(Decimal(places), ROUND_HALF_UP)
