"""The seat of a round stone: what grows out of the top of a band to hold it.

All of it is sewn of rings of as many points as the opening in the band has around its edge. Heights
are above the highest point of the band, distances are from the stone's axis; both in mm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from atelier.domain.ring_design import Profile, RingDesign, Seat
from atelier.domain.solids import Numbers, Points, Sewing

PAVILION: Final = 0.43
"""How deep a brilliant is below its girdle, of its diameter."""
CROWN: Final = 0.15
"""How high it is above its girdle."""

_WALL_MM: Final = 0.5
_MULTIPLE: Final = 24
_LEAST_ACROSS: Final = 10
_PRONGS: Final = {Seat.FOUR_PRONGS: 4, Seat.SIX_PRONGS: 6}


@dataclass(frozen=True)
class Setting:
    """`half_wide` (radians around the ring) and `half_high` (mm along its axis) are half the
    opening in the band from which the seat grows."""

    kind: Seat
    stone: float
    half_wide: float
    half_high: float
    radius: float

    @classmethod
    def of(cls, design: RingDesign) -> Setting:
        stone, half = float(design.stone), float(design.width) / 2
        # Near the edge of a dome the metal falls away.
        face = {Profile.FLAT: 0.98, Profile.BEVELLED: 0.58}.get(design.profile, 0.8)
        foot = max(0.3 * stone, 0.6)
        radius = design.inner_radius + float(design.thickness)
        return cls(design.seat, stone, foot / radius, min(foot, face * half), radius)

    @property
    def girdle(self) -> float:
        """The height of the stone's girdle."""
        return girdle_height(self.stone)

    def rows(self) -> Points:
        return np.linspace(-self.half_high, self.half_high, 2 * _LEAST_ACROSS + 1)

    def columns(self, outside: Points) -> Points:
        """As many as make the opening's edge divisible among the prongs."""
        high = int((np.abs(outside) <= self.half_high + 1e-6).sum()) - 1
        wide = -high % (_MULTIPLE // 2)
        while wide < 2 * _LEAST_ACROSS:
            wide += _MULTIPLE // 2
        return np.linspace(-self.half_wide, self.half_wide, wide + 1)

    def clearance(self, around: Points, across: Points) -> Points:
        """0 near the seat, where the band stays smooth, 1 from 1 mm beside it on."""
        beside = (np.abs(around) - self.half_wide) * self.radius
        above = np.abs(across) - self.half_high
        gap = np.maximum(beside[None, :], above[:, None])
        return np.clip(gap - 0.2, 0, 1)

    def sew(self, sewing: Sewing, edge: Numbers, top: float) -> None:
        """Sew the seat to the opening's `edge`, on a band whose highest point is `top` above the
        middle of the ring."""
        below = self._first_angle(sewing.positions(edge))
        angles = below + 2 * np.pi * np.arange(len(edge)) / len(edge)
        if self.kind is Seat.BEZEL:
            rings, floor, prongs = self._bezel(), 0.12, None
        else:
            rings, floor, prongs = self._collar(), 0.12, _PRONGS[self.kind]
        chains = [edge] + [
            sewing.put(_circle(distance, top + height, angles)) for distance, height in rings
        ]
        rim = None if prongs is None else len(chains) - 2
        for number, (foot, upper) in enumerate(pairwise(chains)):
            if number == rim and prongs is not None:
                self._stand_prongs(sewing, foot, upper, angles, rings[-2:], top, prongs)
            else:
                sewing.wall(foot, upper)
        sewing.lid(chains[-1], np.array((0, top + floor, 0)))

    def _first_angle(self, edge: Points) -> float:
        """Where around the stone the edge begins, so that its sides and the circle's agree."""
        wide = int(np.argmax(edge[:, 2] > edge[0, 2] + 1e-9)) - 1
        return -np.pi / 2 - np.pi * wide / len(edge)

    def _collar(self) -> list[tuple[float, float]]:
        """A cup under the stone, from the foot outside over its rim to the inside."""
        height = 0.5 * self.girdle
        hollow = self.stone / 2 * (height - 0.12) / (self.girdle - 0.12)
        outer = hollow + max(_WALL_MM, 0.1 * self.stone)
        waist = 0.62 * outer
        return [(waist, 0.4 * height), (outer, 0.72 * height), (outer, height), (hollow, height)]

    def _bezel(self) -> list[tuple[float, float]]:
        """A collar all around the stone, with a ledge under its girdle."""
        radius, girdle = self.stone / 2, self.girdle
        rim = girdle + 0.1 * self.stone
        outer = radius + _WALL_MM
        return [
            (0.72 * outer, 0.3 * girdle),
            (outer, 0.75 * girdle),
            (outer, rim - 0.12),
            (outer - 0.12, rim),
            (radius + 0.05, rim),
            (radius + 0.02, girdle),
            (radius - 0.3, girdle - 0.05),
        ]

    def _stand_prongs(
        self,
        sewing: Sewing,
        outer: Numbers,
        inner: Numbers,
        angles: Points,
        rings: list[tuple[float, float]],
        top: float,
        count: int,
    ) -> None:
        """Sew the rim between two chains, with prongs that grow out of it."""
        thick = 0.24 + 0.04 * self.stone
        middle = (rings[0][0] + rings[1][0]) / 2
        round_ = len(angles)
        span = min(max(2, round(2 * thick / (2 * np.pi * middle / round_))), round_ // count - 2)
        first = np.pi / 4 if count == 4 else 0.0
        starts = [
            round(
                (first + 2 * np.pi * number / count - angles[0]) / (2 * np.pi) * round_ - span / 2
            )
            for number in range(count)
        ]
        taken = np.zeros(round_, bool)
        for number, start in enumerate(starts):
            steps = np.arange(start, start + span + 1) % round_
            taken[steps[:-1]] = True
            chain = np.concatenate((outer[steps], inner[steps[::-1]]))
            towards = first + 2 * np.pi * number / count
            self._prong(sewing, chain, towards, middle, rings[0][1], thick, top)
        for start in np.flatnonzero(~taken):
            pair = np.array((start, (start + 1) % round_))
            sewing.quads(np.stack((outer[pair], inner[pair])))

    def _prong(
        self,
        sewing: Sewing,
        chain: Numbers,
        towards: float,
        middle: float,
        foot: float,
        thick: float,
        top: float,
    ) -> None:
        """A rod that leans outwards to the girdle, bends over it and ends round."""
        out, along = _directions(towards)
        base = sewing.positions(chain)
        centre = base.mean(axis=0)
        flat = np.stack(((base - centre) @ out, (base - centre) @ along), axis=1)
        turn = np.arctan2(flat[:, 1], flat[:, 0])
        begin = turn[0]
        rod = thick * np.stack(
            [f(begin + 2 * np.pi * np.arange(len(chain)) / len(chain)) for f in (np.cos, np.sin)], 1
        )
        radius, girdle = self.stone / 2, self.girdle
        bend = girdle + 0.08 * self.stone
        sections = (
            (middle + 0.10 * (radius - middle), foot + 0.12 * (girdle - foot), 0.75, 1.0),
            (middle + 0.55 * (radius + 0.6 * thick - middle), foot + 0.5 * (girdle - foot), 1, 1.0),
            (radius + 0.72 * thick, girdle, 1, 0.96),
            (radius + 0.62 * thick, bend, 1, 0.94),
            (radius + 0.45 * thick, bend + 0.45 * thick, 1, 0.74),
            (radius + 0.34 * thick, bend + 0.66 * thick, 1, 0.42),
        )
        for distance, height, roundness, scale in sections:
            shape = scale * (roundness * rod + (1 - roundness) * flat)
            points = out * (distance + shape[:, :1]) + along * shape[:, 1:]
            points[:, 1] = top + height
            upper = sewing.put(points)
            sewing.wall(chain, upper)
            chain = upper
        tip = out * sections[-1][0]
        tip[1] = top + sections[-1][1] + 0.08 * thick
        sewing.lid(chain, tip)


def girdle_height(stone: float) -> float:
    """How high above the band the girdle of a stone of this diameter sits."""
    return (PAVILION + 0.02) * stone + 0.25


def _directions(angle: float) -> tuple[Points, Points]:
    """Outwards from the stone's axis and, a quarter turn on, along the circle around it."""
    right, up = np.array((-1.0, 0, 0)), np.array((0, 0, 1.0))
    return (
        math.cos(angle) * right + math.sin(angle) * up,
        -math.sin(angle) * right + math.cos(angle) * up,
    )


def _circle(distance: float, height: float, angles: Points) -> Points:
    return np.stack(
        (-distance * np.cos(angles), np.full_like(angles, height), distance * np.sin(angles)), 1
    )
