"""The catalogue: rings to begin with, each a set of the constructor's parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from atelier.domain.ring_design import Place, Profile, RingDesign, Seat, Surface
from atelier.languages import LazyText
from atelier.languages import gettext_lazy as _


@dataclass(frozen=True)
class CatalogueDesign:
    """A ring that we offer. `metal` is the code of the one that it is shown in."""

    code: str
    name: str
    summary: LazyText
    description: LazyText
    metal: str
    ring: RingDesign


def _ring(
    width: str,
    thickness: str,
    profile: Profile,
    surface: Surface = Surface.SMOOTH,
    seat: Seat = Seat.NONE,
    stone: str = "5.0",
    engraving: str = "",
    place: Place = Place.INSIDE,
) -> RingDesign:
    return RingDesign(
        width=Decimal(width),
        thickness=Decimal(thickness),
        profile=profile,
        surface=surface,
        seat=seat,
        stone=Decimal(stone),
        engraving=engraving,
        place=place,
    )


_OFFERED: Final = (
    CatalogueDesign(
        "aurora",
        "Aurora",
        _("A solitaire on six prongs"),
        _(
            "A slender court band lifts one round stone high into the light. Six prongs hold it, "
            "and as little metal as possible stands in its way."
        ),
        "gold-750",
        _ring("2.4", "1.8", Profile.COURT, seat=Seat.SIX_PRONGS, stone="6.0"),
    ),
    CatalogueDesign(
        "meadow",
        "Meadow",
        _("A hammered band, each dent its own"),
        _(
            "Struck all around like the metal of an old bowl. It scatters the light, and the "
            "scratches of a working day disappear among the hammer's marks."
        ),
        "silver-925",
        _ring("6.0", "1.7", Profile.D_SHAPE, Surface.HAMMERED),
    ),
    CatalogueDesign(
        "halyard",
        "Halyard",
        _("Strands laid like a rope"),
        _("Round to the touch and twisted from edge to edge, like the rope that hoists a sail."),
        "gold-585",
        _ring("4.0", "2.2", Profile.ROUND, Surface.TWISTED),
    ),
    CatalogueDesign(
        "meridian",
        "Meridian",
        _("A flat band with a word around it"),
        _("Straight sides, sharp edges, and room for the word that matters, cut into the outside."),
        "platinum-950",
        _ring("5.0", "1.8", Profile.FLAT, engraving="Always & always", place=Place.OUTSIDE),
    ),
    CatalogueDesign(
        "polaris",
        "Polaris",
        _("A knife edge and four prongs"),
        _("The band rises to a fine ridge that leads the eye around to the stone."),
        "platinum-950",
        _ring("3.2", "2.2", Profile.KNIFE_EDGE, seat=Seat.FOUR_PRONGS, stone="5.0"),
    ),
    CatalogueDesign(
        "harbour",
        "Harbour",
        _("A stone behind a smooth wall"),
        _(
            "A bezel goes all the way around the stone and keeps it safe: for hands that have "
            "work to do."
        ),
        "gold-750",
        _ring("4.4", "2.0", Profile.D_SHAPE, seat=Seat.BEZEL, stone="5.5"),
    ),
    CatalogueDesign(
        "quarry",
        "Quarry",
        _("Planes like those of a cut stone"),
        _(
            "Triangles meet in ridges all around a broad band, each catching the light at another "
            "moment."
        ),
        "silver-925",
        _ring("7.0", "2.2", Profile.FLAT, Surface.FACETED),
    ),
    CatalogueDesign(
        "linden",
        "Linden",
        _("The plain wedding band"),
        _(
            "Domed outside, eased inside, four millimetres wide, and nothing to add. Comfortable "
            "from the first day to the last."
        ),
        "gold-750",
        _ring("4.0", "1.8", Profile.COURT),
    ),
    CatalogueDesign(
        "ember",
        "Ember",
        _("Hammered gold around a deep-set stone"),
        _("A rough band with a calm centre: the hammer stops where the bezel begins."),
        "gold-585",
        _ring("5.4", "1.9", Profile.COURT, Surface.HAMMERED, Seat.BEZEL, "4.0"),
    ),
    CatalogueDesign(
        "letterpress",
        "Letterpress",
        _("Letters that stand out of the metal"),
        _("Raised like type in a printer's frame, between two bevelled edges."),
        "silver-925",
        _ring("6.4", "2.0", Profile.BEVELLED, engraving="Per aspera ad astra", place=Place.RAISED),
    ),
    CatalogueDesign(
        "tideline",
        "Tideline",
        _("A twisted band with a small solitaire"),
        _("Waves run up to the stone from both sides and lie still beneath it."),
        "silver-925",
        _ring("3.0", "2.0", Profile.COURT, Surface.TWISTED, Seat.FOUR_PRONGS, "4.0"),
    ),
    CatalogueDesign(
        "belvedere",
        "Belvedere",
        _("A broad bevelled band for a large stone"),
        _("Four strong prongs above a wide band with bevelled edges: a ring that is not shy."),
        "gold-750",
        _ring("5.0", "2.0", Profile.BEVELLED, seat=Seat.FOUR_PRONGS, stone="7.5"),
    ),
    CatalogueDesign(
        "nocturne",
        "Nocturne",
        _("Facets on a rounded band"),
        _(
            "Cut all around like the bezel of an old watch, and softened so that it sits easily "
            "between the fingers."
        ),
        "platinum-950",
        _ring("4.6", "2.4", Profile.COURT, Surface.FACETED),
    ),
    CatalogueDesign(
        "whisper",
        "Whisper",
        _("Fine, round, with a secret inside"),
        _(
            "From outside a slender ring like any other. What is written within, only its wearer "
            "knows."
        ),
        "gold-585",
        _ring("3.2", "1.9", Profile.D_SHAPE, engraving="Тебе ♥ навсегда"),
    ),
)

DESIGNS: Final[Mapping[str, CatalogueDesign]] = MappingProxyType(
    {design.code: design for design in _OFFERED}
)
"""By code, in the order in which customers see them."""
