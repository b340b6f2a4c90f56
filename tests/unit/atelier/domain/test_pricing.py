"""Prices: one quote by hand, and what holds for every quote."""

from __future__ import annotations

from dataclasses import asdict, astuple, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atelier.domain.finishes import FINISHES, Finish
from atelier.domain.metals import METALS, Metal
from atelier.domain.pricing import FORMULA, Basis, Quote, basis, calculate, quote
from atelier.languages import verbatim

any_metal = st.sampled_from(list(METALS.values()))
any_finish = st.sampled_from(list(FINISHES.values()))
POLISHED = FINISHES["polished"]
volumes = st.decimals("0.001", "1000000", places=3)
gram_prices = st.decimals("0.01", "1000", places=2)


def test_a_quote_worked_out_by_hand() -> None:
    # 0.177936 cm³ · 15.45 g/cm³ = 2.7491 g; · 78.70 = 216.3463; 45 + 2.749 · 6.50 = 62.8685
    assert quote(Decimal("177.936"), METALS["gold-750"], Decimal("78.70"), POLISHED) == Quote(
        volume_mm3=Decimal("177.936"),
        weight_g=Decimal("2.749"),
        metal_cost=Decimal("216.35"),
        making=Decimal("62.87"),
        finish=Decimal("18.00"),
        total=Decimal("297.22"),
    )


def test_half_a_cent_is_rounded_up() -> None:
    plain = Metal("plain", verbatim("Plain"), density=Decimal(1))
    ten_milligrams = quote(Decimal("10"), plain, Decimal("0.5"), POLISHED)
    assert ten_milligrams.metal_cost == Decimal("0.01")  # from 0.005
    assert ten_milligrams.making == Decimal("45.07")  # from 45.065


@given(volumes, volumes, any_metal, gram_prices)
def test_the_price_never_falls_with_the_volume(
    a: Decimal, b: Decimal, metal: Metal, gram: Decimal
) -> None:
    small, large = sorted((a, b))
    less, more = quote(small, metal, gram, POLISHED), quote(large, metal, gram, POLISHED)
    assert all(x <= y for x, y in zip(astuple(less), astuple(more), strict=True))


@given(volumes, gram_prices, gram_prices, any_metal)
def test_the_price_never_falls_with_the_price_of_a_gram(
    volume: Decimal, a: Decimal, b: Decimal, metal: Metal
) -> None:
    cheap, dear = sorted((a, b))
    assert quote(volume, metal, cheap, POLISHED).total <= quote(volume, metal, dear, POLISHED).total


@given(volumes, st.decimals("1", "1000", places=3), any_metal)
def test_the_price_grows_with_the_volume(volume: Decimal, more: Decimal, metal: Metal) -> None:
    # One cubic millimetre of the lightest metal is worth several cents of making alone.
    less, much = (quote(v, metal, Decimal("0.01"), POLISHED) for v in (volume, volume + more))
    assert much.total > less.total


@given(volumes, any_metal, gram_prices, any_finish)
def test_a_customer_can_recompute_a_quote(
    volume: Decimal, metal: Metal, gram: Decimal, finish: Finish
) -> None:
    priced = quote(volume, metal, gram, finish)
    assert priced.finish == finish.cost
    assert priced.total == priced.metal_cost + priced.making + priced.finish
    assert abs(priced.metal_cost - priced.weight_g * gram) <= Decimal("0.005")
    assert abs(priced.weight_g - volume * metal.density / 1000) <= Decimal("0.0005")


@given(volumes, any_metal, gram_prices, any_finish)
def test_money_has_two_places_and_measures_three(
    volume: Decimal, metal: Metal, gram: Decimal, finish: Finish
) -> None:
    priced = quote(volume, metal, gram, finish)
    money = (priced.metal_cost, priced.making, priced.finish, priced.total)
    assert {amount.as_tuple().exponent for amount in money} == {-2}
    assert {m.as_tuple().exponent for m in (priced.volume_mm3, priced.weight_g)} == {-3}


@given(volumes, any_metal, gram_prices, any_finish)
def test_what_is_kept_as_text_gives_the_same_cents_again(
    volume: Decimal, metal: Metal, gram: Decimal, finish: Finish
) -> None:
    kept = {name: str(value) for name, value in asdict(basis(volume, metal, gram, finish)).items()}
    formula = int(kept.pop("formula"))
    read = {name: Decimal(value) for name, value in kept.items()}
    assert calculate(Basis(**read, formula=formula)) == quote(volume, metal, gram, finish)


def test_a_price_of_today_is_of_todays_formula() -> None:
    today = basis(Decimal(1), METALS["gold-750"], Decimal(1), POLISHED)
    assert today.formula == FORMULA
    with pytest.raises(ValueError, match=r"no formula 99; there are: \[1"):
        calculate(replace(today, formula=99))


@pytest.mark.parametrize("volume", ["0", "-1", "-0.001", "NaN", "Infinity"])
def test_what_has_no_volume_has_no_price(volume: str) -> None:
    with pytest.raises(ValueError, match=f"above 0 mm³, not {volume}"):
        quote(Decimal(volume), METALS["silver-925"], Decimal(1), POLISHED)


@pytest.mark.parametrize("gram", ["0", "-1", "NaN", "Infinity"])
def test_nothing_is_cast_in_what_costs_nothing(gram: str) -> None:
    with pytest.raises(ValueError, match=f"more than 0 EUR, not {gram}"):
        quote(Decimal(1), METALS["silver-925"], Decimal(gram), POLISHED)
