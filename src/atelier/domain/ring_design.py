"""What a ring of the constructor is: its parameters, how far each may go, and what does not fit.

>>> faults(RingDesign(width=Decimal("1.5"), engraving="Always", place=Place.OUTSIDE))
{'engraving': 'A band of 1.5 mm is too narrow for letters outside. Choose 1.6 mm or more.'}
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_UP, Decimal, InvalidOperation
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, TypeVar

from atelier.domain import lettering
from atelier.domain.ring_sizes import EU_SIZES

Choice = TypeVar("Choice", bound=StrEnum)


class Profile(StrEnum):
    """The band's cross-section."""

    FLAT = "flat"
    BEVELLED = "bevelled"
    D_SHAPE = "d-shape"
    COURT = "court"
    ROUND = "round"
    KNIFE_EDGE = "knife-edge"


class Surface(StrEnum):
    """What is worked into the band's outside."""

    SMOOTH = "smooth"
    HAMMERED = "hammered"
    TWISTED = "twisted"
    FACETED = "faceted"


class Seat(StrEnum):
    """What holds the stone."""

    NONE = "none"
    FOUR_PRONGS = "four-prongs"
    SIX_PRONGS = "six-prongs"
    BEZEL = "bezel"


class Place(StrEnum):
    """Where the engraving is, and whether it is cut into the metal or stands out of it."""

    INSIDE = "inside"
    OUTSIDE = "outside"
    RAISED = "raised"


@dataclass(frozen=True)
class Bounds:
    """From `least` to `most` millimetres, in tenths."""

    least: Decimal
    most: Decimal


WIDTH: Final = Bounds(Decimal("1.5"), Decimal("12.0"))
THICKNESS: Final = Bounds(Decimal("1.2"), Decimal("3.5"))
STONE: Final = Bounds(Decimal("2.0"), Decimal("8.0"))
LONGEST_ENGRAVING: Final = 40
"""Letters, as people count them."""

_SMALLEST_CAPITAL: Final = 0.8  # mm; smaller ones close up when they are cast
_LARGEST_CAPITAL: Final = 1.7  # mm
_BREADTH_PER_STONE: Final = Decimal("0.25")
_STEP: Final = Decimal("0.1")
# The share of the band's width on which letters stand upright enough to be read.
_INSIDE: Final = {Profile.COURT: 0.7, Profile.ROUND: 0.6}
_OUTSIDE: Final = {
    Profile.FLAT: 0.8,
    Profile.BEVELLED: 0.6,
    Profile.D_SHAPE: 0.6,
    Profile.COURT: 0.6,
    Profile.ROUND: 0.55,
}


@dataclass(frozen=True)
class RingDesign:
    """One ring; lengths in mm. `size` is the European one. `stone` is the diameter of the stone
    that the seat is for, `place` says where the `engraving` goes, if there is any."""

    size: int = 54
    width: Decimal = Decimal("4.0")
    thickness: Decimal = Decimal("1.8")
    profile: Profile = Profile.COURT
    surface: Surface = Surface.SMOOTH
    seat: Seat = Seat.NONE
    stone: Decimal = Decimal("5.0")
    engraving: str = ""
    place: Place = Place.INSIDE

    @property
    def inner_radius(self) -> float:
        return self.size / (2 * math.pi)


@dataclass(frozen=True)
class Inscription:
    """The engraving as it fits on its ring."""

    line: lettering.Line
    capital_mm: float
    """The height of a capital."""
    middle: float
    """What is halfway between the foot and the top of the text, in the font's units."""
    height: float
    """From there to there, with half a stroke around, in the font's units."""

    @property
    def unit_mm(self) -> float:
        return self.capital_mm / lettering.CAPITAL

    @property
    def length_mm(self) -> float:
        return self.line.width * self.unit_mm


def from_fields(fields: Mapping[str, str], start: RingDesign) -> tuple[RingDesign, dict[str, str]]:
    """The design that a form describes, and what is wrong with it, by field.

    A field that is missing, or makes no sense, is as in `start`.
    """
    found: dict[str, str] = {}
    read: dict[str, Any] = {}
    if "size" in fields:
        if fields["size"].isascii() and fields["size"].isdecimal() and len(fields["size"]) < 4:
            read["size"] = int(fields["size"])
        else:
            found["size"] = f"Choose a size from {EU_SIZES[0]} to {EU_SIZES[-1]}."
    for name, limits in (("width", WIDTH), ("thickness", THICKNESS), ("stone", STONE)):
        if name in fields:
            length = _length(fields[name])
            if length is None:
                found[name] = (
                    f"Give a number of millimetres from {limits.least} to {limits.most}, "
                    f"such as {getattr(start, name)}."
                )
            else:
                read[name] = length
    for name, kind in (
        ("profile", Profile),
        ("surface", Surface),
        ("seat", Seat),
        ("place", Place),
    ):
        if name in fields:
            try:
                read[name] = kind(fields[name])
            except ValueError:
                found[name] = f"Choose one of: {', '.join(kind)}."
    if "engraving" in fields:
        read["engraving"] = " ".join(fields["engraving"].split())
    design = replace(start, **read)
    return design, {**faults(design), **found}


def faults(design: RingDesign) -> dict[str, str]:
    """What cannot be made, by parameter, in words for the customer; empty when all is well."""
    found = {}
    if design.size not in EU_SIZES:
        found["size"] = f"We make rings in the sizes {EU_SIZES[0]} to {EU_SIZES[-1]}."
    if wrong := _out_of(WIDTH, design.width):
        found["width"] = f"The band can be {wrong} wide."
    if wrong := _out_of(THICKNESS, design.thickness):
        found["thickness"] = f"The band can be {wrong} thick."
    if design.seat is not Seat.NONE:
        needed = (design.stone * _BREADTH_PER_STONE).quantize(_STEP, ROUND_UP)
        if wrong := _out_of(STONE, design.stone):
            found["stone"] = f"We set round stones of {wrong}."
        elif "width" not in found and design.width < needed:
            found["stone"] = (
                f"A stone of {design.stone} mm needs a band of at least {needed} mm. "
                "Choose a wider band or a smaller stone."
            )
    if design.engraving and not found and (wrong := _engraving_fault(design)):
        found["engraving"] = wrong
    return found


def inscription(design: RingDesign) -> Inscription | None:
    """The engraving of a design without faults, as large as it fits; None when there is none."""
    line = lettering.lay_out(design.engraving)
    if not line.letters:
        return None
    heights = [pieces[..., 1] for pieces in line.letters]
    low = min(0.0, *(float(each.min()) for each in heights))
    high = max(lettering.CAPITAL, *(float(each.max()) for each in heights))
    height = high - low + 1.0
    capital = min(
        _LARGEST_CAPITAL,
        _breadth(design) / height * lettering.CAPITAL,
        room(design) / line.width * lettering.CAPITAL if line.width else math.inf,
    )
    return Inscription(line, capital, (low + high) / 2, height)


def room(design: RingDesign) -> float:
    """How long an engraving may be at its place, in mm."""
    if design.place is Place.INSIDE:
        return design.size - 3.0
    around = 2 * math.pi * (design.inner_radius + float(design.thickness))
    stone = 0.0 if design.seat is Seat.NONE else float(design.stone) + 4
    return around - 3 - stone


def in_words(design: RingDesign) -> str:
    """What somebody who does not see the ring has to know.

    >>> in_words(RingDesign(seat=Seat.BEZEL))[:64]
    'A smooth court band, size 54, 4.0 mm wide and 1.8 mm thick, with'
    """
    band = f"{SURFACE_NAMES[design.surface]} {PROFILE_NAMES[design.profile]} band"
    words = f"A {band.lower()}"
    words += f", size {design.size}, {design.width} mm wide and {design.thickness} mm thick"
    if design.seat is not Seat.NONE:
        holder = SEAT_NAMES[design.seat].lower()
        article = "a " if design.seat is Seat.BEZEL else ""
        words += f", with {article}{holder} for a stone of {design.stone} mm"
    if design.engraving:
        words += f", engraved “{design.engraving}” ({PLACE_NAMES[design.place].lower()})"
    return f"{words}."


def as_fields(design: RingDesign) -> dict[str, str]:
    """What `from_fields` makes this design of."""
    return {name: str(getattr(design, name)) for name in design.__dataclass_fields__}


def _engraving_fault(design: RingDesign) -> str | None:
    text, inside = design.engraving, design.place is Place.INSIDE
    if len(text) > LONGEST_ENGRAVING:
        return f"The engraving has {len(text)} letters; {LONGEST_ENGRAVING} is the most."
    if unknown := lettering.unknown_letters(text):
        return (
            f"We cannot engrave {' '.join(unknown)} – but Latin and Cyrillic letters, digits, and "
            "signs such as & + ♥ ∞."
        )
    if not inside and design.profile not in _OUTSIDE:
        return "Letters do not stand on a knife edge. Choose the inside, or another profile."
    fitted = inscription(design)
    if fitted is None or fitted.capital_mm >= _SMALLEST_CAPITAL:
        return None
    needed = _SMALLEST_CAPITAL / lettering.CAPITAL * fitted.height
    if _breadth(design) < needed:
        share = _breadth(design) / float(design.width)
        width = Decimal(needed / share).quantize(_STEP, ROUND_UP)
        where = "inside" if inside else "outside"
        return (
            f"A band of {design.width} mm is too narrow for letters {where}. "
            f"Choose {width} mm or more."
        )
    fits = int(len(text) * fitted.capital_mm / _SMALLEST_CAPITAL)
    return f"The engraving is too long for this ring: about {fits} letters fit there."


def _breadth(design: RingDesign) -> float:
    """The height that letters may have at their place, in mm."""
    if design.place is Place.INSIDE:
        return float(design.width) * _INSIDE.get(design.profile, 0.8)
    return float(design.width) * _OUTSIDE[design.profile]


def _length(text: str) -> Decimal | None:
    try:
        length = Decimal(text.strip().replace(",", "."))
        return length.quantize(_STEP) if length.is_finite() else None
    except InvalidOperation:
        return None


def _out_of(bounds: Bounds, length: Decimal) -> str | None:
    if bounds.least <= length <= bounds.most:
        return None
    return f"{bounds.least} to {bounds.most} mm"


PROFILE_NAMES: Final[Mapping[Profile, str]] = MappingProxyType(
    {
        Profile.FLAT: "Flat",
        Profile.BEVELLED: "Bevelled",
        Profile.D_SHAPE: "D-shape",
        Profile.COURT: "Court",
        Profile.ROUND: "Round",
        Profile.KNIFE_EDGE: "Knife edge",
    }
)
SURFACE_NAMES: Final[Mapping[Surface, str]] = MappingProxyType(
    {
        Surface.SMOOTH: "Smooth",
        Surface.HAMMERED: "Hammered",
        Surface.TWISTED: "Twisted",
        Surface.FACETED: "Faceted",
    }
)
SEAT_NAMES: Final[Mapping[Seat, str]] = MappingProxyType(
    {
        Seat.NONE: "No stone",
        Seat.FOUR_PRONGS: "Four prongs",
        Seat.SIX_PRONGS: "Six prongs",
        Seat.BEZEL: "Bezel",
    }
)
PLACE_NAMES: Final[Mapping[Place, str]] = MappingProxyType(
    {
        Place.INSIDE: "Inside, cut",
        Place.OUTSIDE: "Outside, cut",
        Place.RAISED: "Outside, raised",
    }
)
