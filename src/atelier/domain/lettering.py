"""The letters that we engrave: a stroke font of our own, and the relief that it leaves in metal.

Capitals are six units high and stand on 0. A small letter is cut as a small capital, and a letter
with an accent is its plain letter and the accent's strokes above it, so a few dozen drawings carry
the Latin and Cyrillic alphabets of Europe.

>>> unknown_letters("Анна + Bjørn"), unknown_letters("永遠")
('', '永遠')
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

CAPITAL: Final = 6.0
"""Units from the foot of a capital to its top; all other lengths are in the same unit."""

_GAP: Final = 1.5
_SPACE: Final = 2.4
_SMALL: Final = 0.78
_STROKE: Final = 0.92
_ARC_STEP: Final = 15.0  # degrees

# A stroke is a chain of points `x,y` and arcs `centre x,centre y,radius x,radius y,from,to`
# (degrees, counter-clockwise where they grow); strokes are divided by semicolons.
_BOWL: Final = "0,0 0,6 1.6,6 1.6,4.5,1.6,1.5,90,-90 0,3"
_DRAWN: Final = {
    "A": "0,0 2.1,6 4.2,0; .7,2 3.5,2",
    "B": "0,0 0,6 1.7,6 1.7,4.6,1.4,1.4,90,-90 0,3.2; 1.7,3.2 1.7,1.6,1.7,1.6,90,-90 0,0",
    "C": "2.4,3,2.4,3,50,310",
    "D": "0,0 0,6 1.2,6 1.2,3,3,3,90,-90 0,0",
    "E": "3.2,6 0,6 0,0 3.2,0; 0,3.1 2.6,3.1",
    "F": "3.2,6 0,6 0,0; 0,3.1 2.6,3.1",
    "G": "2.4,3,2.4,3,50,345 4.7,2.8 2.9,2.8",
    "H": "0,0 0,6; 4,0 4,6; 0,3.1 4,3.1",
    "I": "0,0 0,6",
    "J": "2.2,6 2.2,1.5 1.1,1.5,1.1,1.5,0,-165",
    "K": "0,0 0,6; 3.7,6 0,2.5; 1.4,3.8 3.9,0",
    "L": "0,6 0,0 3,0",
    "M": "0,0 .5,6 2.6,1.4 4.7,6 5.2,0",
    "N": "0,0 0,6 4,0 4,6",
    "O": "2.5,3,2.5,3,0,360",
    "P": _BOWL,
    "Q": "2.5,3,2.5,3,0,360; 2.9,1.5 4.9,-.6",
    "R": f"{_BOWL}; 1.6,3 3.6,0",
    "S": "1.7,4.55,1.6,1.45,40,270 1.7,1.55,1.7,1.55,90,-140",
    "T": "0,6 4.2,6; 2.1,6 2.1,0",
    "U": "0,6 0,2 2,2,2,2,180,360 4,6",
    "V": "0,6 2.1,0 4.2,6",
    "W": "0,6 1.6,0 3.1,5.2 4.6,0 6.2,6",
    "X": "0,0 4,6; 0,6 4,0",
    "Y": "0,6 2.1,3 4.2,6; 2.1,3 2.1,0",
    "Z": "0,6 4,6 0,0 4,0",
    "Ø": "2.5,3,2.5,3,0,360; .3,-.4 4.7,6.4",
    "Ł": "0,6 0,0 3,0; -.8,2.3 1.6,3.9",
    "Æ": "0,0 2.8,6 6,6; 2.9,6 3.1,0 6,0; .9,2 3,2; 3,3.1 5.4,3.1",
    "Б": "3,6 0,6 0,0 1.7,0 1.7,1.7,1.7,1.7,-90,90 0,3.4",
    "Г": "0,0 0,6 3,6",
    "Ґ": "0,0 0,6 3,6 3,7.2",
    "Д": "0,-1.1 0,0 5,0 5,-1.1; .7,0 1.7,6 4.2,6 4.2,0",
    "Є": "2.4,3,2.4,3,50,310; 0,3.1 2.8,3.1",
    "Ж": "2.8,0 2.8,6; 0,6 2.8,3 5.6,6; 0,0 2.8,3 5.6,0",
    "З": "1.5,4.6,1.4,1.4,150,-90 1.1,3.2; 1.5,3.2 1.5,1.6,1.7,1.6,90,-150",
    "И": "0,6 0,0 4,6 4,0",
    "Л": "0,0 .5,.2 1.5,6 4.1,6 4.1,0",
    "П": "0,0 0,6 4,6 4,0",
    "У": "0,6 2.2,2.2; 4.2,6 1.7,.7 .4,0",
    "Ф": "2.6,0 2.6,6; 2.6,3.2,2.6,1.9,0,360",
    "Ц": "0,6 0,0 4.7,0 4.7,-1.2; 4,6 4,0",
    "Ч": "0,6 0,4.2 1.6,4.2,1.6,1.6,180,270 3.8,2.6; 3.8,6 3.8,0",
    "Ш": "0,6 0,0 5.2,0 5.2,6; 2.6,6 2.6,0",
    "Щ": "0,6 0,0 5.9,0 5.9,-1.2; 2.6,6 2.6,0; 5.2,6 5.2,0",
    "Ъ": "0,6 1.2,6 1.2,0 2.9,0 2.9,1.7,1.7,1.7,-90,90 1.2,3.4",
    "Ы": "0,6 0,0 1.3,0 1.3,1.7,1.6,1.7,-90,90 0,3.4; 4.5,0 4.5,6",
    "Ь": "0,6 0,0 1.7,0 1.7,1.7,1.7,1.7,-90,90 0,3.4",
    "Э": "2.2,3,2.4,3,130,-130; 1.8,3.1 4.6,3.1",
    "Ю": "0,0 0,6; 0,3.1 1.6,3.1; 4,3,2.4,3,0,360",
    "Я": "3.5,0 3.5,6 1.8,6 1.8,4.5,1.6,1.5,90,270 3.5,3; 1.8,3 0,0",
    "0": "1.9,3,1.9,3,0,360",
    "1": "0,4.5 1.6,6 1.6,0",
    "2": "1.7,4.3,1.7,1.7,165,-32 0,0 3.5,0",
    "4": "3,0 3,6 0,1.7 4,1.7",
    "5": "3.2,6 .6,6 .25,3.3 1.6,1.95,1.8,1.95,140,-145",
    "6": "1.8,1.9,1.8,1.9,0,360; 0,1.9 1,4.4 2.7,6",
    "7": "0,6 3.6,6 1.2,0",
    "8": "1.8,4.5,1.5,1.5,0,360; 1.8,1.5,1.8,1.5,0,360",
    "9": "1.8,4.1,1.8,1.9,0,360; 3.6,4.1 2.6,1.6 .9,0",
    ".": "0,0 0,.2",
    ",": "0,.2 -.5,-1",
    ":": "0,.8 0,1; 0,3.8 0,4",
    "!": "0,6 0,1.9; 0,0 0,.2",
    "?": "1.6,4.4,1.6,1.6,165,-75 1.7,1.9; 1.7,0 1.7,.2",
    "'": "0,6 0,4.6",
    "-": "0,3 1.8,3",
    "–": "0,3 3,3",
    "+": "0,3 3.2,3; 1.6,1.4 1.6,4.6",
    "/": "0,-.6 2.8,6.6",
    "&": "4.4,0 .9,4.2 1.9,4.9,1.1,1.1,215,-45 .9,3 1.7,1.5,1.6,1.5,120,330 4.2,2.8",
    "♥": "2.7,.3 .2,3.4 1.35,4.2,1.35,1.5,210,0 4.05,4.2,1.35,1.5,180,-30 2.7,.3",
    "∞": "1.5,3,1.5,1.4,0,360; 4.5,3,1.5,1.4,0,360",
}
_SAME: Final = {
    **dict(zip("АВЕКМНОРСТХІЈЅ", "ABEKMHOPCTXIJS", strict=True)),
    "3": "З",
    "’": "'",
    "—": "–",
    "·": "-",
}
# Around x = 0, which stands over the middle of the letter.
_MARKS: Final = {
    "\u0300": "-.6,8 .5,7",  # grave
    "\u0301": "-.5,7 .6,8",  # acute
    "\u0302": "-.9,7 0,7.9 .9,7",  # circumflex
    "\u0303": "-1.1,7.2 -.4,7.7 .4,7.2 1.1,7.7",  # tilde
    "\u0304": "-.9,7.4 .9,7.4",  # macron
    "\u0306": "0,7.9,1,.9,190,350",  # breve
    "\u0307": "0,7.3 0,7.5",  # dot
    "\u0308": "-.9,7.3 -.9,7.5; .9,7.3 .9,7.5",  # diaeresis
    "\u030a": "0,7.6,.6,.6,0,360",  # ring
    "\u030b": "-.8,7 -.2,8; .3,7 .9,8",  # double acute
    "\u030c": "-.9,7.9 0,7 .9,7.9",  # caron
    "\u0327": "0,0 .1,-.7 -.6,-1.2",  # cedilla
    "\u0328": "0,0 -.3,-.8 .4,-1.2",  # ogonek
}


@dataclass(frozen=True, eq=False)
class Line:
    """A text as strokes: `letters` holds for each its straight pieces, shape (piece, end, axis)."""

    letters: tuple[NDArray[np.float64], ...]
    width: float


def unknown_letters(text: str) -> str:
    """Those letters of `text`, each once, that we have no drawing for."""
    plain = unicodedata.normalize("NFC", text)
    return "".join(dict.fromkeys(letter for letter in plain if _pieces(letter) is None))


def lay_out(text: str) -> Line:
    """`text` along the x axis from 0, blanks around it left away.

    Raises ValueError for letters that we cannot cut.
    """
    letters, x = [], 0.0
    for letter in unicodedata.normalize("NFC", text.strip()):
        pieces = _pieces(letter)
        if pieces is None:
            raise ValueError(f"there is no drawing of {letter!r}")
        if not len(pieces):
            x += _SPACE
            continue
        letters.append(pieces + np.array((x, 0)))
        x += pieces[..., 0].max() + _GAP
    return Line(tuple(letters), max(x - _GAP, 0.0))


def relief(line: Line, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much of the full depth is reached at each of the ascending `y` and `x`, from 0 to 1;
    shape (y, x). The walls of a stroke slope a little, as a graver leaves them."""
    depth = np.zeros((len(y), len(x)))
    for pieces in line.letters:
        left, right = pieces[..., 0].min() - _STROKE, pieces[..., 0].max() + _STROKE
        near = slice(*np.searchsorted(x, (left, right)))
        distance = _distance(pieces, x[near], y)
        wall = np.clip((_STROKE / 2 + 0.16 - distance) / 0.32, 0, 1)
        depth[:, near] = np.maximum(depth[:, near], wall)
    return depth


def _distance(
    pieces: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """From each point to the nearest piece."""
    a, along = pieces[:, 0], pieces[:, 1] - pieces[:, 0]
    length = np.maximum((along**2).sum(axis=1), 1e-12)
    to_x = x[None, None, :] - a[:, 0, None, None]
    to_y = y[None, :, None] - a[:, 1, None, None]
    run_x, run_y = along[:, 0, None, None], along[:, 1, None, None]
    share = np.clip((to_x * run_x + to_y * run_y) / length[:, None, None], 0, 1)
    nearest: NDArray[np.float64] = np.hypot(to_x - share * run_x, to_y - share * run_y).min(axis=0)
    return nearest


@cache
def _pieces(letter: str) -> NDArray[np.float64] | None:
    """One letter's straight pieces; none for a blank, None for what we cannot draw."""
    if letter == " ":
        return np.empty((0, 2, 2))
    capital = letter.upper()
    # Not all that is called lower case has a capital, and some have two.
    if letter.islower() and len(capital) == 1 and capital != letter:
        pieces = _pieces(capital)
        return None if pieces is None else pieces * _SMALL
    base, *marks = list(unicodedata.normalize("NFD", letter))
    base = _SAME.get(base, base)
    if base not in _DRAWN or not set(marks) <= _MARKS.keys():
        return None
    drawn = _straight(_DRAWN[base])
    above = np.array((drawn[..., 0].max() / 2, 0))
    return np.concatenate([drawn, *(_straight(_MARKS[mark]) + above for mark in marks)])


def _straight(drawing: str) -> NDArray[np.float64]:
    pieces = []
    for stroke in drawing.split(";"):
        points = np.array(list(_points(stroke)))
        pieces.append(np.stack((points[:-1], points[1:]), axis=1))
    return np.concatenate(pieces)


def _points(stroke: str) -> Iterator[tuple[float, float]]:
    for item in stroke.split():
        match [float(number) for number in item.split(",")]:
            case [x, y]:
                yield x, y
            case [x, y, radius_x, radius_y, begin, end]:
                steps = round(abs(end - begin) / _ARC_STEP) + 1
                for angle in np.radians(np.linspace(begin, end, steps)):
                    yield x + radius_x * float(np.cos(angle)), y + radius_y * float(np.sin(angle))
