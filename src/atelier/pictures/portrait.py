"""A piece as a picture: turned, lit, with its shadow, on a transparent ground."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from atelier.domain.solids import Mesh
from atelier.pictures import light
from atelier.pictures.creases import Shaded, shaded
from atelier.pictures.png import png
from atelier.pictures.raster import Camera, Seen, project, visible

_SAMPLES: Final = 2  # along each side of a pixel
_DARKEST: Final = 0.5
_UMBER: Final = (0.16, 0.12, 0.08)
_RADIUS: Final = 10.0
"""What every piece is drawn as, so that neither a speck of 1e-40 mm nor 1e38 mm break a sum."""
_FLAT: Final = 1e-6  # of a piece drawn in that size: less has no height
_SHADOW: Final = 96  # cells along each side of the table under the piece


class View(StrEnum):
    """From where a piece is seen."""

    PORTRAIT = "portrait"
    FRONT = "front"
    PROFILE = "profile"
    BELOW = "below"


_ANGLES: Final[Mapping[View, tuple[float, float]]] = MappingProxyType(
    {
        View.PORTRAIT: (0.72, 0.36),
        View.FRONT: (0.0, 0.06),
        View.PROFILE: (1.5, 0.2),
        View.BELOW: (0.62, -0.75),
    }
)


@dataclass(frozen=True, eq=False)
class Piece:
    """What is seen: the metal and, where there is one, the stone."""

    metal: Mesh
    colour: str
    stone: Mesh | None = None


def portrait(piece: Piece, size: int, view: View = View.PORTRAIT) -> bytes:
    """A square picture of `size` pixels, as PNG on a transparent ground.

    Raises NothingToSee, TooCrowded.
    """
    metal, stone = _at_one_size(piece)
    points = metal.points
    reach = _RADIUS * 1.08
    camera = Camera(*_ANGLES[view], distance=5 * reach, reach=reach)
    fine = size * _SAMPLES
    layers = np.zeros((fine * fine, 4), np.float32)
    depth = np.zeros(fine * fine, np.float32)
    _draw_metal(layers, depth, metal, piece.colour, camera, fine)
    if stone is not None:
        _draw_stone(layers, depth, stone, camera, fine)
    picture = _pixels(layers, size)
    if view is not View.BELOW:
        picture = _over(picture, _shadow(points, camera, size))
    return png(np.round(picture * 255).astype(np.uint8))


class NothingToSee(Exception):
    """All of the piece is one point."""


def _at_one_size(piece: Piece) -> tuple[Mesh, Mesh | None]:
    """Metal and stone around the origin, the metal's farthest point `_RADIUS` away."""
    points = piece.metal.points.astype(np.float64)
    if not points.size:
        raise NothingToSee
    low, high = points.min(axis=0), points.max(axis=0)
    middle, extent = (low + high) / 2, float((high - low).max())
    if not extent:
        raise NothingToSee
    # First by the extent: the square of 1e-40 would be nothing in the length.
    farthest = float(np.linalg.norm((points - middle) / extent, axis=1).max())

    def moved(mesh: Mesh) -> Mesh:
        at = (mesh.points.astype(np.float64) - middle) / extent * (_RADIUS / farthest)
        return Mesh(at.astype(np.float32), mesh.facets)

    return moved(piece.metal), None if piece.stone is None else moved(piece.stone)


def _draw_metal(
    layers: NDArray[np.floating],
    depth: NDArray[np.floating],
    mesh: Mesh,
    colour: str,
    camera: Camera,
    size: int,
) -> None:
    surface = shaded(mesh)
    seen, at, normal, towards = _surface(surface, camera, size, depth)
    facing = np.clip(_dot(normal, towards), 0, 1)
    mirrored = 2 * facing[:, None] * normal - towards
    reflected = light.around(mirrored)
    own = light.linear(colour)
    # At a grazing angle every metal is a white mirror.
    mirror = own + (1 - own) * ((1 - facing) ** 5)[:, None]
    lit = mirror * reflected[:, None]
    # What looks at the piece's own middle sees metal there instead of the studio, and less light.
    inwards = np.clip(-_dot(normal, _unit(at)), 0, 1)[:, None]
    lit *= 1 - inwards * (1 - 0.72 * own)
    near_table = np.clip((at[:, 1] - mesh.points[:, 1].min()) / _height(mesh.points), 0, 1)
    lit *= (0.72 + 0.28 * np.clip(near_table * 4, 0, 1))[:, None]
    layers[seen.pixels, :3] = light.shown(lit)
    layers[seen.pixels, 3] = 1


def _draw_stone(
    layers: NDArray[np.floating],
    depth: NDArray[np.floating],
    mesh: Mesh,
    camera: Camera,
    size: int,
) -> None:
    before = depth.copy()
    seen, _, normal, towards = _surface(shaded(mesh, crease=0), camera, size, depth)
    front = depth[seen.pixels] > before[seen.pixels]
    pixels, normal, towards = seen.pixels[front], normal[front], towards[front]
    facing = np.clip(_dot(normal, towards), 0, 1)
    mirrored = 2 * facing[:, None] * normal - towards
    gloss = 0.17 + 0.83 * (1 - facing) ** 5
    # Light that enters is thrown about by the facets below and leaves in colours of its own.
    fire = np.stack(
        [
            light.around(_unit(mirrored * (1.9, -1.3, 1.7) + normal * bend - towards * 0.8))
            for bend in (1.55, 1.7, 1.85)
        ],
        axis=1,
    )
    lit = gloss[:, None] * light.around(mirrored)[:, None] * 1.3 + (0.12 + 0.62 * fire)
    opaque = 0.82
    layers[pixels, :3] = opaque * light.shown(lit) + (1 - opaque) * layers[pixels, :3]
    layers[pixels, 3] = np.maximum(layers[pixels, 3], 0.94)


def _surface(
    surface: Shaded, camera: Camera, size: int, depth: NDArray[np.floating]
) -> tuple[Seen, NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]]:
    """What is seen of it: where in space each pixel is, its normal and the way to the camera.

    Notes in `depth` how near it is.
    """
    flat, near = project(surface.points, camera, size)
    seen = visible(flat, near, surface.facets, size)
    corners = surface.facets[seen.facets]
    shares = seen.shares.astype(np.float32)
    at = _mixed(shares, surface.points, corners)
    normal = _unit(_mixed(shares, surface.normals, corners))
    towards = camera.position.astype(np.float32) - at
    depth[seen.pixels] = 1 / np.sqrt(_dot(towards, towards))
    return seen, at, normal, _unit(towards)


def _shadow(points: NDArray[np.floating], camera: Camera, size: int) -> NDArray[np.floating]:
    """How dark each pixel of the table under the piece is; shape (row, column)."""
    table = float(points[:, 1].min())
    spread = max(float(np.abs(points[:, [0, 2]]).max()), _FLAT) * 1.5
    height = (points[:, 1] - table) / _height(points)
    cells = ((points[:, [0, 2]] + spread) / (2 * spread) * _SHADOW).astype(np.int64)
    cells = cells.clip(0, _SHADOW - 1)
    ground = np.bincount(cells[:, 1] * _SHADOW + cells[:, 0], np.exp(-4 * height), _SHADOW**2)
    dark = _blurred(np.sqrt(ground).reshape(_SHADOW, _SHADOW)).astype(np.float32).ravel()
    along = (np.arange(size) + 0.5 - size / 2) * 2 * camera.reach / size / camera.distance
    right, up, back = camera.axes.astype(np.float32)
    ray = along.astype(np.float32)[None, :, None] * right - along[:, None, None] * up - back
    way = (table - camera.position[1]) / np.minimum(ray[..., 1], -1e-6)
    x = (camera.position[0] + ray[..., 0] * way + spread) / (2 * spread) * _SHADOW
    z = (camera.position[2] + ray[..., 2] * way + spread) / (2 * spread) * _SHADOW
    last = _SHADOW - 1.001
    there = (ray[..., 1] < -1e-3) & (x > 0) & (x < last) & (z > 0) & (z < last)
    x, z = np.where(there, x, 0), np.where(there, z, 0)
    column, row = x.astype(np.int64), z.astype(np.int64)
    beside, below = x - column, z - row
    cell = row * _SHADOW + column
    upper = dark[cell] * (1 - beside) + dark[cell + 1] * beside
    lower = dark[cell + _SHADOW] * (1 - beside) + dark[cell + _SHADOW + 1] * beside
    edge = np.clip((size - 1 - np.arange(size)) / (0.1 * size), 0, 1)[:, None]
    shade: NDArray[np.floating] = edge * np.where(there, upper * (1 - below) + lower * below, 0)
    return shade


def _height(points: NDArray[np.floating]) -> float:
    return max(float(np.ptp(points[:, 1])), _FLAT)


def _blurred(ground: NDArray[np.float64]) -> NDArray[np.float64]:
    wide = np.exp(-(np.linspace(-2.2, 2.2, 27) ** 2))
    for _ in range(2):
        ground = np.apply_along_axis(np.convolve, 0, ground, wide / wide.sum(), "same").T
    edge = np.minimum(np.arange(_SHADOW), np.arange(_SHADOW)[::-1]) / 10
    fade = np.clip(edge, 0, 1)
    strongest = max(float(ground.max()), 1e-9)
    soft: NDArray[np.float64] = _DARKEST * ground / strongest * fade * fade[:, None]
    return soft


def _pixels(layers: NDArray[np.floating], size: int) -> NDArray[np.floating]:
    """The samples of each pixel as one, weighted by how much they cover."""
    samples = layers.reshape(size, _SAMPLES, size, _SAMPLES, 4)
    cover = samples[..., 3:]
    opacity = cover.mean(axis=(1, 3))
    colour = (samples[..., :3] * cover).mean(axis=(1, 3)) / np.maximum(opacity, 1e-9)
    return np.concatenate((colour, opacity), axis=-1).clip(0, 1)


def _over(picture: NDArray[np.floating], shade: NDArray[np.floating]) -> NDArray[np.floating]:
    """The picture on a shadow, which shows where the picture is transparent."""
    opacity = picture[..., 3:]
    behind = shade[..., None] * (1 - opacity)
    total = opacity + behind
    colour = (picture[..., :3] * opacity + np.array(_UMBER) * behind) / np.maximum(total, 1e-9)
    return np.concatenate((colour, total), axis=-1)


def _mixed(
    shares: NDArray[np.floating], values: NDArray[np.floating], corners: NDArray[np.int32]
) -> NDArray[np.floating]:
    """The values of three corners in these shares."""
    mixed: NDArray[np.floating] = shares[:, :1] * values[corners[:, 0]]
    for corner in (1, 2):
        mixed += shares[:, corner, None] * values[corners[:, corner]]
    return mixed


def _dot(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.floating]:
    product: NDArray[np.floating] = np.einsum("pa,pa->p", one, other)
    return product


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.floating]:
    length = np.sqrt(_dot(vectors, vectors))
    unit: NDArray[np.floating] = vectors / np.maximum(length, 1e-12)[:, None]
    return unit
