"""Normals for shading: smooth where a surface is curved, broken where it has an edge."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from atelier.domain.solids import Mesh

_CREASE: Final = math.radians(24)
_ROUNDS: Final = 12


@dataclass(frozen=True, eq=False)
class Shaded:
    """A mesh whose points have a normal each; a point on an edge is there once for each side."""

    points: NDArray[np.float32]
    normals: NDArray[np.float32]
    facets: NDArray[np.int32]


def shaded(mesh: Mesh, crease: float = _CREASE) -> Shaded:
    """Facets that meet at less than `crease` radians share their normals along that edge.

    With `crease` 0 every facet is flat.
    """
    facets = mesh.facets.astype(np.int64)
    a, b, c = mesh.points[facets].astype(np.float64).transpose(1, 0, 2)
    areas = np.cross(b - a, c - a)
    flat = areas / np.maximum(np.linalg.norm(areas, axis=1, keepdims=True), 1e-30)
    groups = _groups(facets, flat, math.cos(crease)) if crease else np.arange(facets.size)
    kept, numbers = np.unique(groups, return_inverse=True)
    # A large facet says more about the surface than a sliver beside it.
    weights = np.repeat(areas, 3, axis=0)
    sums = np.stack([np.bincount(numbers, weights[:, axis]) for axis in range(3)], axis=1)
    normals = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-30)
    return Shaded(
        mesh.points[facets.ravel()[kept]],
        normals.astype(np.float32),
        numbers.reshape(-1, 3).astype(np.int32),
    )


def _groups(
    facets: NDArray[np.int64], flat: NDArray[np.float64], least: float
) -> NDArray[np.int64]:
    """For each corner of each facet the lowest corner of those that it shares its normal with."""
    start, end = facets, np.roll(facets, -1, axis=1)
    base = int(facets.max()) + 1
    edges = (np.minimum(start, end) * base + np.maximum(start, end)).ravel()
    order = np.argsort(edges, kind="stable")
    ordered = edges[order]
    same = np.flatnonzero(ordered[:-1] == ordered[1:])
    one, other = order[same], order[same + 1]  # the same edge as a corner's number in two facets
    smooth = (flat[one // 3] * flat[other // 3]).sum(axis=1) > least
    # Facets that lie upon one another go along it in one direction, and are no neighbours.
    opposite = facets.ravel()[one] != facets.ravel()[other]
    one, other = one[smooth & opposite], other[smooth & opposite]
    # An edge goes from its corner to the facet's next one; in the other facet the other way.
    follows = one // 3 * 3 + (one + 1) % 3
    other_follows = other // 3 * 3 + (other + 1) % 3
    pairs = np.concatenate(
        (np.stack((one, other_follows), axis=1), np.stack((follows, other), axis=1))
    )
    groups = np.arange(facets.size)
    for _ in range(_ROUNDS):
        before = groups
        lower = np.minimum(groups[pairs[:, 0]], groups[pairs[:, 1]])
        groups = groups.copy()
        np.minimum.at(groups, pairs[:, 0], lower)
        np.minimum.at(groups, pairs[:, 1], lower)
        groups = groups[groups]
        if np.array_equal(before, groups):
            break
    return groups
