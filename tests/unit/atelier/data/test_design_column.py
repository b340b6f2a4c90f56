from __future__ import annotations

import json
from decimal import Decimal

import pytest

from atelier.data.design_column import from_dict, to_dict
from atelier.domain.ring_design import Place, Profile, RingDesign, Seat, Surface

ALL = RingDesign(
    57,
    Decimal("4.5"),
    Decimal("2.0"),
    Profile.FLAT,
    Surface.HAMMERED,
    Seat.FOUR_PRONGS,
    Decimal("4.5"),
    "Анне ♥ навсегда",
    Place.OUTSIDE,
)
AS_DICT = {
    "size": 57,
    "width": "4.5",
    "thickness": "2.0",
    "profile": "flat",
    "surface": "hammered",
    "seat": "four-prongs",
    "stone": "4.5",
    "engraving": "Анне ♥ навсегда",
    "place": "outside",
}


def test_a_design_is_the_same_after_its_way_as_json() -> None:
    assert to_dict(ALL) == AS_DICT
    assert from_dict(json.loads(json.dumps(to_dict(ALL)))) == ALL


def test_what_a_ring_does_not_have_is_not_told() -> None:
    plain = to_dict(RingDesign(stone=Decimal("7.0"), place=Place.RAISED))

    assert (plain["stone"], plain["engraving"], plain["place"]) == (None, None, None)
    assert to_dict(from_dict(plain)) == plain


def test_what_a_later_version_adds_is_left_out() -> None:
    assert from_dict({**AS_DICT, "patina": "dark"}) == ALL


@pytest.mark.parametrize("missing", AS_DICT)
def test_nothing_is_made_up_that_is_missing(missing: str) -> None:
    content = {name: value for name, value in AS_DICT.items() if name != missing}

    with pytest.raises(ValueError, match=f"by its {missing}$"):
        from_dict(content)


@pytest.mark.parametrize("empty", ["size", "profile", "stone", "place"])
def test_nothing_is_made_up_that_is_null_and_may_not_be(empty: str) -> None:
    with pytest.raises(ValueError, match=f"by its {empty}$"):
        from_dict({**AS_DICT, empty: None})


@pytest.mark.parametrize(
    ("field", "value"),
    [("size", "large"), ("size", 54.5), ("width", "NaN"), ("profile", "square"), ("engraving", 5)],
)
def test_what_is_no_design_is_refused_without_repeating_the_engraving(
    field: str, value: object
) -> None:
    with pytest.raises(ValueError, match=f"by its {field}$") as refused:
        from_dict({**AS_DICT, field: value})
    assert "Анне" not in str(refused.value)
