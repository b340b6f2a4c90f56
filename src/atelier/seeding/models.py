"""The 3D models of seeded orders: plain rings, each closed and each with its own volume."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from atelier.domain.models3d import Solid, measure

_AROUND: Final = 48
_ACROSS: Final = 16
_FACET: Final = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])

_NAMES: Final = ("band", "court", "halo", "solitaire", "signet", "knot", "wave", "eternity")
_FINGERS_MM: Final = (15.7, 17.3, 18.9)


@dataclass(frozen=True)
class SeedModel:
    """One file, and what pricing measures of it."""

    name: str
    content: bytes
    checksum: str
    solid: Solid


def models() -> list[SeedModel]:
    """Always the same ones."""
    return [
        _model(f"{name}-{finger:g}.stl", finger / 2, 0.8 + 0.12 * number)
        for number, name in enumerate(_NAMES)
        for finger in _FINGERS_MM
    ]


def _model(name: str, inner_mm: float, half_thickness_mm: float) -> SeedModel:
    corners = _ring(inner_mm + half_thickness_mm, half_thickness_mm)
    facets = np.zeros(len(corners), _FACET)
    facets["corners"] = corners
    content = b"ring".ljust(80) + np.uint32(len(facets)).tobytes() + facets.tobytes()
    return SeedModel(name, content, hashlib.sha256(content).hexdigest(), measure(content))


def _ring(radius: float, half: float) -> NDArray[np.float32]:
    """A torus of triangles, wound outwards."""
    around = np.arange(_AROUND) * (2 * np.pi / _AROUND)
    across = np.arange(_ACROSS) * (2 * np.pi / _ACROSS)
    out = radius + half * np.cos(across)
    points = np.stack(
        [
            np.cos(around)[:, None] * out,
            np.sin(around)[:, None] * out,
            np.broadcast_to(half * np.sin(across), (_AROUND, _ACROSS)),
        ],
        axis=-1,
    ).astype(np.float32)
    on, up = np.roll(points, -1, axis=0), np.roll(points, -1, axis=1)
    both = np.roll(on, -1, axis=1)
    lower = np.stack([points, on, both], axis=2)
    upper = np.stack([points, both, up], axis=2)
    return np.concatenate([lower.reshape(-1, 3, 3), upper.reshape(-1, 3, 3)])
