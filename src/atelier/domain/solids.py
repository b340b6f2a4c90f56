"""Solids as meshes: what they are sewn of, and how they are written as STL.

A mesh names its points once and its facets by the points' numbers, counter-clockwise as seen from
outside. So two facets that share an edge share its two points exactly, and a surface of which every
edge is sewn on both sides is closed, whatever is done to the points afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""Positions in mm, shape (point, axis)."""
Numbers = NDArray[np.int64]

_FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


@dataclass(frozen=True, eq=False)
class Mesh:
    """`points` in mm, shape (point, axis); `facets` are numbers of points, shape (facet, 3)."""

    points: NDArray[np.float32]
    facets: NDArray[np.int32]

    @property
    def size_mm(self) -> tuple[float, float, float]:
        """Extent along x, y and z."""
        x, y, z = np.ptp(self.points, axis=0)
        return float(x), float(y), float(z)


@dataclass
class Sewing:
    """A surface in the making: points that were put down, and facets between them.

    Surfaces are sewn from chains, which are arrays of the numbers of points.
    """

    _points: list[Points] = field(default_factory=list)
    _facets: list[Numbers] = field(default_factory=list)
    _count: int = 0

    def put(self, points: Points) -> Numbers:
        """Put down `points`; their numbers, in the shape in which they came."""
        flat = points.reshape(-1, 3)
        numbers = self._count + np.arange(len(flat))
        self._points.append(flat)
        self._count += len(flat)
        return numbers.reshape(points.shape[:-1])

    def positions(self, numbers: Numbers) -> Points:
        """Where these points are."""
        return np.concatenate(self._points)[numbers]

    def quads(self, grid: Numbers) -> None:
        """Cover a grid of points, shape (up, right), that lie so as seen from outside."""
        a, b, c, d = grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]
        self._facets.append(np.stack((a, b, c), axis=-1).reshape(-1, 3))
        self._facets.append(np.stack((a, c, d), axis=-1).reshape(-1, 3))

    def wall(self, foot: Numbers, top: Numbers) -> None:
        """Join two closed chains of equal length, both counter-clockwise as seen from the top."""
        self.quads(np.stack((np.append(foot, foot[0]), np.append(top, top[0]))))

    def lid(self, rim: Numbers, middle: Points) -> None:
        """Close a chain, counter-clockwise as seen from outside, towards the point `middle`."""
        centre = np.broadcast_to(self.put(middle), rim.shape)
        self._facets.append(np.stack((rim, np.roll(rim, -1), centre), axis=-1))

    def mesh(self) -> Mesh:
        """What has been sewn so far, without points that nothing is sewn to."""
        facets = np.concatenate(self._facets)
        used, numbers = np.unique(facets, return_inverse=True)
        points = np.concatenate(self._points)[used].astype(np.float32)
        return Mesh(points, numbers.reshape(-1, 3).astype(np.int32))


def with_extra(regular: Points, fine: Points) -> Points:
    """Ascending places along one axis: the `regular` ones, and instead of those within the reach
    of the `fine` ones these."""
    beside = (regular < fine[0] - 1e-6) | (regular > fine[-1] + 1e-6)
    return np.sort(np.concatenate((regular[beside], fine)))


def volume_mm3(mesh: Mesh) -> Decimal:
    """The volume of a closed mesh, as `models3d.measure` computes it of the same mesh's STL."""
    a, b, c = mesh.points[mesh.facets].astype(np.float64).transpose(1, 0, 2)
    flux = np.cross(b - a, c - a)[:, 0] @ (a + b + c)[:, 0] / 6
    return Decimal(float(flux)).quantize(Decimal("0.001"), ROUND_HALF_UP)


def binary_stl(mesh: Mesh) -> bytes:
    """The mesh as a binary STL file."""
    facets = np.zeros(len(mesh.facets), _FACET)
    facets["corners"] = corners = mesh.points[mesh.facets]
    a, b, c = corners.astype(np.float64).transpose(1, 0, 2)
    normals = np.cross(b - a, c - a)
    facets["normal"] = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    header = b"made by the constructor of the atelier".ljust(80, b"\0")
    return header + len(facets).to_bytes(4, "little") + facets.tobytes()
