"""The metals: their densities must follow from what they are made of."""

from __future__ import annotations

import pytest

from atelier.domain.metals import METALS, UnknownMetal, metal

ELEMENTS = {"Ag": 10.49, "Au": 19.30, "Cu": 8.96, "Pt": 21.45, "Ru": 12.45}
COMPOSITIONS = {
    "silver-925": {"Ag": 0.925, "Cu": 0.075},
    "gold-585": {"Au": 0.585, "Ag": 0.25, "Cu": 0.165},
    "gold-750": {"Au": 0.75, "Ag": 0.125, "Cu": 0.125},
    "platinum-950": {"Pt": 0.95, "Ru": 0.05},
}


def test_customers_choose_among_these_metals() -> None:
    assert {code: str(alloy.name) for code, alloy in METALS.items()} == {
        "silver-925": "Silver 925",
        "gold-585": "Gold 585",
        "gold-750": "Gold 750",
        "platinum-950": "Platinum 950",
    }


@pytest.mark.parametrize("code", METALS)
def test_the_density_follows_from_the_composition(code: str) -> None:
    parts = COMPOSITIONS[code]
    assert sum(parts.values()) == pytest.approx(1)
    expected = 1 / sum(share / ELEMENTS[element] for element, share in parts.items())
    assert float(METALS[code].density) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("code", METALS)
def test_a_metal_is_found_by_its_code(code: str) -> None:
    assert metal(code).code == code


@pytest.mark.parametrize("code", ["", "gold", "Gold-585", "gold-585 ", "brass"])
def test_an_unknown_metal_is_refused_with_the_known_ones(code: str) -> None:
    with pytest.raises(UnknownMetal) as refused:
        metal(code)
    assert refused.value.code == code
    assert str(refused.value) == (
        f"We do not work in “{code}”. Please choose one of: "
        "silver-925, gold-585, gold-750, platinum-950."
    )
