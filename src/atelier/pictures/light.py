"""The photographer's studio in which the pieces are seen: soft boxes around a pale table.

Metal has no colour of its own but that of its reflections, so this is what makes it look like
metal: large bright areas with dark between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

COLOURS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "silver-925": "#f3f1ec",
        "gold-585": "#f0c794",
        "gold-750": "#f3bd52",
        "platinum-950": "#cdcfd2",
    }
)
"""How each metal reflects, by its code, as browsers write colours."""

Directions = NDArray[np.floating]
"""Unit vectors, shape (direction, axis)."""


@dataclass(frozen=True)
class _Box:
    """A soft box in the direction `at`, so wide and high at distance 1, so bright."""

    at: tuple[float, float, float]
    wide: float
    high: float
    bright: float
    soft: float = 0.12


_BOXES: Final = (
    _Box((-0.75, 0.65, 0.55), 0.62, 0.55, 2.6),
    _Box((0.95, 0.25, 0.35), 0.2, 1.1, 2.2),
    _Box((0.1, 1.0, -0.35), 0.9, 0.35, 1.9),
    _Box((-0.55, 0.25, -0.9), 0.3, 0.8, 1.5),
    _Box((0.35, 0.3, 1.0), 0.12, 0.7, 1.1),
    _Box((-0.72, -0.28, 0.62), 0.25, 0.1, 0.75, soft=0.45),
)


def linear(colour: str) -> NDArray[np.floating]:
    """A colour such as "#f3f1ec" as amounts of light."""
    parts = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)], np.float32)
    light: NDArray[np.floating] = np.where(
        parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4
    )
    return light


def shown(light: NDArray[np.floating]) -> NDArray[np.floating]:
    """Amounts of light as a screen wants them, from 0 to 1; what is very bright loses its colour
    as on film."""
    exposed = np.maximum(light, 0) * 0.92
    film = exposed * (2.51 * exposed + 0.03) / (exposed * (2.43 * exposed + 0.59) + 0.14)
    screen: NDArray[np.floating] = np.where(
        film <= 0.0031308, 12.92 * film, 1.055 * film.clip(1e-9, 1) ** (1 / 2.4) - 0.055
    )
    return screen


def around(directions: Directions) -> NDArray[np.floating]:
    """The light that comes from there."""
    height = directions[:, 1]
    room = 0.10 + 0.34 * np.clip(height, 0, 1) ** 0.6 + 0.16 * directions[:, 0]
    table = 0.46 - 0.30 * np.clip(-height, 0, 1) ** 0.5
    light = np.where(height > 0, room, table)
    light += 0.42 * np.exp(-((height / 0.10) ** 2))  # the horizon, where table and wall meet
    for box in _BOXES:
        light += box.bright * _covered(directions, box)
    return light


def _covered(directions: Directions, box: _Box) -> NDArray[np.floating]:
    towards = np.array(box.at, np.float32) / np.float32(np.linalg.norm(box.at))
    right = np.cross(np.array((0, 1, 0), np.float32), towards)
    right /= np.linalg.norm(right)
    up = np.cross(towards, right)
    ahead = directions @ towards
    distance = np.where(ahead > 0.05, ahead, np.float32(1e9))
    across = np.abs(directions @ right) / distance
    along = np.abs(directions @ up) / distance
    return _fade(across, box.wide, box.soft) * _fade(along, box.high, box.soft) * (ahead > 0.05)


def _fade(distance: NDArray[np.floating], reach: float, soft: float) -> NDArray[np.floating]:
    share = np.clip((reach + soft - distance) / (2 * soft), 0, 1)
    smooth: NDArray[np.floating] = share * share * (3 - 2 * share)
    return smooth
