"""Which facet is seen at each pixel, and where on it: a depth buffer over whole arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_DEPTHS: Final = float(1 << 31)
_NOTHING: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
_LAYERS: Final = 16
"""How often facets may cover the whole picture. A piece does two to five times; a file that was
made to keep us busy could a hundred thousand times."""
_AT_ONCE: Final = 1 << 20  # pixels, which bounds the memory


class TooCrowded(Exception):
    """So many facets lie over one another that a picture of them would take too long."""


@dataclass(frozen=True, eq=False)
class Camera:
    """Looks from `distance` at the origin, from `turned` radians to the right of the z axis and
    `raised` above it. `reach` is the half of the picture's height in mm, at the origin."""

    turned: float
    raised: float
    distance: float
    reach: float

    @property
    def axes(self) -> NDArray[np.float64]:
        """Rows: to the right, upwards, and towards the camera."""
        back = np.array(
            (
                np.sin(self.turned) * np.cos(self.raised),
                np.sin(self.raised),
                np.cos(self.turned) * np.cos(self.raised),
            )
        )
        right = np.array((np.cos(self.turned), 0, -np.sin(self.turned)))
        return np.stack((right, np.cross(back, right), back))

    @property
    def position(self) -> NDArray[np.float64]:
        position: NDArray[np.float64] = self.axes[2] * self.distance
        return position


@dataclass(frozen=True, eq=False)
class Seen:
    """One entry for each covered pixel: its number (row × size + column), the facet, and the
    shares of that facet's corners."""

    pixels: NDArray[np.int64]
    facets: NDArray[np.int64]
    shares: NDArray[np.float64]


def project(
    points: NDArray[np.floating], camera: Camera, size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pixel coordinates of `points` in a square picture, and the inverse of their distance."""
    x, y, z = camera.axes @ points.astype(np.float64).T
    near = 1 / (camera.distance - z)
    scale = size / 2 / camera.reach * camera.distance
    return np.stack((size / 2 + x * near * scale, size / 2 - y * near * scale), axis=1), near


def visible(
    flat: NDArray[np.float64], near: NDArray[np.float64], facets: NDArray[np.int32], size: int
) -> Seen:
    """The nearest facet at each pixel of a square picture, of those that face the camera.

    `flat` and `near` are what `project` says. Raises TooCrowded.
    """
    corners = flat[facets]
    a, b, c = corners.transpose(1, 0, 2)
    area = _cross(b - a, c - a)
    facing = np.flatnonzero(area < -1e-12)  # y grows downwards
    corners, area, nears = corners[facing], area[facing], near[facets[facing]]
    edges = _shares_as_planes(corners, area)
    nearest = max(float(near.max()), 1e-12)
    depths = (edges * nears[:, :, None]).sum(axis=1).astype(np.float32) / np.float32(nearest)
    buffer = np.full(size * size, _NOTHING, np.uint64)
    for some in _portions(corners, area, size):
        which, row, first, count = _spans(corners[some], edges[some], size)
        which += some.start
        # From rows to pixels: each row of a facet as often as it has pixels there.
        span = np.repeat(np.arange(len(which)), count)
        column = first[span] + np.arange(len(span)) - (np.cumsum(count) - count)[span]
        at_row = depths[which, 0] + depths[which, 2] * (row + 0.5)
        depth = at_row[span] + depths[which, 1][span] * (column + 0.5)
        key = ((1 - depth).clip(0, 1) * _DEPTHS).astype(np.uint64) << np.uint64(32)
        np.minimum.at(buffer, row[span] * size + column, key | which[span].astype(np.uint64))
    pixels = np.flatnonzero(buffer != _NOTHING)
    won = (buffer[pixels] & np.uint64(0xFFFFFFFF)).astype(np.int64)
    planes = edges[won]
    x, y = pixels % size + 0.5, pixels // size + 0.5
    shares = planes[:, :, 0] + planes[:, :, 1] * x[:, None] + planes[:, :, 2] * y[:, None]
    true = shares.clip(0, 1) * nears[won]
    return Seen(pixels, facing[won], true / true.sum(axis=1, keepdims=True))


def _portions(corners: NDArray[np.float64], area: NDArray[np.float64], size: int) -> list[slice]:
    """The facets in portions of about `_AT_ONCE` pixels. Raises TooCrowded."""
    low, high = _rows(corners, size)
    cover = np.cumsum(np.minimum(-area / 2, size * size) + (high - low + 1).clip(0))
    if not len(cover):
        return []
    if cover[-1] > _LAYERS * size * size + len(cover):
        raise TooCrowded
    borders = np.flatnonzero(np.diff(cover // _AT_ONCE)) + 1
    return [
        slice(int(begin), int(end))
        for begin, end in zip([0, *borders], [*borders, len(cover)], strict=True)
    ]


def _rows(corners: NDArray[np.float64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first and the last row of pixels that each facet covers."""
    low = np.ceil(corners[..., 1].min(axis=1) - 0.5).clip(0, size).astype(np.int64)
    high = np.floor(corners[..., 1].max(axis=1) - 0.5).clip(-1, size - 1).astype(np.int64)
    return low, high


def _spans(
    corners: NDArray[np.float64], edges: NDArray[np.float64], size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The rows of pixels that each facet covers: facet, row, first column and number of columns."""
    low, high = _rows(corners, size)
    rows = (high - low + 1).clip(0)
    which = np.repeat(np.arange(len(corners)), rows)
    row = low[which] + np.arange(len(which)) - (np.cumsum(rows) - rows)[which]
    planes = edges[which]
    begin = planes[..., 0] + planes[..., 2] * (row[:, None] + 0.5)
    slope = planes[..., 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        border = -begin / slope
    left = np.where(slope > 0, border, np.where((slope == 0) & (begin < 0), np.inf, -np.inf))
    right = np.where(slope < 0, border, np.inf)
    # Clipped first, since infinity is no integer.
    first = np.ceil(left.max(axis=1).clip(-1, size + 1) - 0.5).clip(0, size).astype(np.int64)
    last = np.floor(right.min(axis=1).clip(-1, size + 1) - 0.5).clip(-1, size - 1).astype(np.int64)
    count = last - first + 1
    some = count > 0
    return which[some], row[some], first[some], count[some]


def _shares_as_planes(
    corners: NDArray[np.float64], area: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How much of each corner is in a point of its facet, as constant, part of x and part of y;
    negative outside. Shape (facet, corner, 3)."""
    ahead, behind = np.roll(corners, -1, axis=1), np.roll(corners, -2, axis=1)
    planes = np.stack(
        (
            ahead[..., 0] * behind[..., 1] - ahead[..., 1] * behind[..., 0],
            ahead[..., 1] - behind[..., 1],
            behind[..., 0] - ahead[..., 0],
        ),
        axis=-1,
    )
    shares: NDArray[np.float64] = planes / area[:, None, None]
    return shares


def _cross(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    product: NDArray[np.float64] = one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
    return product
