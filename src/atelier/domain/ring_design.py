"""What a ring of the constructor is: its parameters, how far each may go, and what does not fit.

>>> wrong = faults(RingDesign(width=Decimal("1.5"), engraving="Always", place=Place.OUTSIDE))
>>> print(wrong["engraving"])
A band of 1.5 mm is too narrow for letters outside. Choose 1.6 mm or more.
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
from atelier.languages import LazyText, ngettext_lazy
from atelier.languages import gettext_lazy as _
from atelier.languages.figures import Figure, number

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


def from_fields(
    fields: Mapping[str, str], start: RingDesign
) -> tuple[RingDesign, dict[str, LazyText]]:
    """The design that a form describes, and what is wrong with it, by field.

    A field that is missing, or makes no sense, is as in `start`.
    """
    found: dict[str, LazyText] = {}
    read: dict[str, Any] = {}
    if "size" in fields:
        if fields["size"].isascii() and fields["size"].isdecimal() and len(fields["size"]) < 4:
            read["size"] = int(fields["size"])
        else:
            found["size"] = _(
                "Choose a size from %(least)s to %(most)s.", least=EU_SIZES[0], most=EU_SIZES[-1]
            )
    for name, limits in (("width", WIDTH), ("thickness", THICKNESS), ("stone", STONE)):
        if name in fields:
            length = _length(fields[name])
            if length is None:
                found[name] = _(
                    "Give a number of millimetres from %(least)s to %(most)s, such as %(example)s.",
                    least=Figure(limits.least),
                    most=Figure(limits.most),
                    example=Figure(getattr(start, name)),
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
                found[name] = _("Choose one of: %(offered)s.", offered=", ".join(kind))
    if "engraving" in fields:
        read["engraving"] = " ".join(fields["engraving"].split())
    design = replace(start, **read)
    return design, {**faults(design), **found}


def faults(design: RingDesign) -> dict[str, LazyText]:
    """What cannot be made, by parameter, in words for the customer; empty when all is well."""
    found = {}
    if design.size not in EU_SIZES:
        found["size"] = _(
            "We make rings in the sizes %(least)s to %(most)s.",
            least=EU_SIZES[0],
            most=EU_SIZES[-1],
        )
    if _is_out_of(WIDTH, design.width):
        found["width"] = _("The band can be %(least)s to %(most)s mm wide.", **_ends(WIDTH))
    if _is_out_of(THICKNESS, design.thickness):
        found["thickness"] = _(
            "The band can be %(least)s to %(most)s mm thick.", **_ends(THICKNESS)
        )
    if design.seat is not Seat.NONE:
        needed = (design.stone * _BREADTH_PER_STONE).quantize(_STEP, ROUND_UP)
        if _is_out_of(STONE, design.stone):
            found["stone"] = _("We set round stones of %(least)s to %(most)s mm.", **_ends(STONE))
        elif "width" not in found and design.width < needed:
            found["stone"] = _(
                "A stone of %(stone)s mm needs a band of at least %(needed)s mm. "
                "Choose a wider band or a smaller stone.",
                stone=Figure(design.stone),
                needed=Figure(needed),
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
    """What somebody who does not see the ring has to know, in the language that is spoken now.

    >>> in_words(RingDesign(seat=Seat.BEZEL))[:64]
    'A smooth court band, size 54, 4.0 mm wide and 1.8 mm thick, with'
    """
    values: dict[str, object] = {
        "surface": str(SURFACE_NAMES[design.surface]).lower(),
        "profile": str(PROFILE_NAMES[design.profile]).lower(),
        "size": design.size,
        "width": number(design.width),
        "thickness": number(design.thickness),
        "seat": _SEATS[design.seat],
        "stone": number(design.stone),
        "engraving": design.engraving,
        "place": str(PLACE_NAMES[design.place]).lower(),
    }
    stone, engraving = design.seat is not Seat.NONE, bool(design.engraving)
    return str(LazyText(*_IN_WORDS[stone, engraving].messages, values=values))


def as_fields(design: RingDesign) -> dict[str, str]:
    """What `from_fields` makes this design of."""
    return {name: str(getattr(design, name)) for name in design.__dataclass_fields__}


def _engraving_fault(design: RingDesign) -> LazyText | None:
    text, inside = design.engraving, design.place is Place.INSIDE
    if len(text) > LONGEST_ENGRAVING:
        return ngettext_lazy(
            "The engraving has %(count)s letter; %(most)s is the most.",
            "The engraving has %(count)s letters; %(most)s is the most.",
            len(text),
            most=LONGEST_ENGRAVING,
        )
    if unknown := lettering.unknown_letters(text):
        return _(
            "We cannot engrave %(letters)s – but Latin and Cyrillic letters, digits, and signs "
            "such as & + ♥ ∞.",
            letters=" ".join(unknown),
        )
    if not inside and design.profile not in _OUTSIDE:
        return _("Letters do not stand on a knife edge. Choose the inside, or another profile.")
    fitted = inscription(design)
    if fitted is None or fitted.capital_mm >= _SMALLEST_CAPITAL:
        return None
    needed = _SMALLEST_CAPITAL / lettering.CAPITAL * fitted.height
    if _breadth(design) < needed:
        return _too_narrow(design, needed)
    return ngettext_lazy(
        "The engraving is too long for this ring: about %(count)s letter fits there.",
        "The engraving is too long for this ring: about %(count)s letters fit there.",
        int(len(text) * fitted.capital_mm / _SMALLEST_CAPITAL),
    )


def _too_narrow(design: RingDesign, needed: float) -> LazyText:
    """For letters that need so many mm."""
    share = _breadth(design) / float(design.width)
    widths = {
        "width": Figure(design.width),
        "needed": Figure(Decimal(needed / share).quantize(_STEP, ROUND_UP)),
    }
    if design.place is Place.INSIDE:
        return _(
            "A band of %(width)s mm is too narrow for letters inside. "
            "Choose %(needed)s mm or more.",
            **widths,
        )
    return _(
        "A band of %(width)s mm is too narrow for letters outside. Choose %(needed)s mm or more.",
        **widths,
    )


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


def _is_out_of(bounds: Bounds, length: Decimal) -> bool:
    return not bounds.least <= length <= bounds.most


def _ends(bounds: Bounds) -> dict[str, Figure]:
    return {"least": Figure(bounds.least), "most": Figure(bounds.most)}


PROFILE_NAMES: Final[Mapping[Profile, LazyText]] = MappingProxyType(
    {
        Profile.FLAT: _("Flat"),
        Profile.BEVELLED: _("Bevelled"),
        Profile.D_SHAPE: _("D-shape"),
        Profile.COURT: _("Court"),
        Profile.ROUND: _("Round"),
        Profile.KNIFE_EDGE: _("Knife edge"),
    }
)
SURFACE_NAMES: Final[Mapping[Surface, LazyText]] = MappingProxyType(
    {
        Surface.SMOOTH: _("Smooth"),
        Surface.HAMMERED: _("Hammered"),
        Surface.TWISTED: _("Twisted"),
        Surface.FACETED: _("Faceted"),
    }
)
SEAT_NAMES: Final[Mapping[Seat, LazyText]] = MappingProxyType(
    {
        Seat.NONE: _("No stone"),
        Seat.FOUR_PRONGS: _("Four prongs"),
        Seat.SIX_PRONGS: _("Six prongs"),
        Seat.BEZEL: _("Bezel"),
    }
)
PLACE_NAMES: Final[Mapping[Place, LazyText]] = MappingProxyType(
    {
        Place.INSIDE: _("Inside, cut"),
        Place.OUTSIDE: _("Outside, cut"),
        Place.RAISED: _("Outside, raised"),
    }
)
_SEATS: Final[Mapping[Seat, LazyText]] = MappingProxyType(
    {
        Seat.NONE: _("no seat"),
        Seat.FOUR_PRONGS: _("four prongs"),
        Seat.SIX_PRONGS: _("six prongs"),
        Seat.BEZEL: _("a bezel"),
    }
)
# By whether it has a stone and an engraving.
_IN_WORDS: Final[Mapping[tuple[bool, bool], LazyText]] = MappingProxyType(
    {
        (False, False): _(
            "A %(surface)s %(profile)s band, size %(size)s, %(width)s mm wide and %(thickness)s mm "
            "thick."
        ),
        (True, False): _(
            "A %(surface)s %(profile)s band, size %(size)s, %(width)s mm wide and %(thickness)s mm "
            "thick, with %(seat)s for a stone of %(stone)s mm."
        ),
        (False, True): _(
            "A %(surface)s %(profile)s band, size %(size)s, %(width)s mm wide and %(thickness)s mm "
            "thick, engraved “%(engraving)s” (%(place)s)."
        ),
        (True, True): _(
            "A %(surface)s %(profile)s band, size %(size)s, %(width)s mm wide and %(thickness)s mm "
            "thick, with %(seat)s for a stone of %(stone)s mm, engraved “%(engraving)s” "
            "(%(place)s)."
        ),
    }
)
