"""Which price of a metal is valid at a moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atelier.usecases.metal_prices import BadPrice, MetalPrice, acceptable, valid

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
moments = st.integers(-100, 100).map(lambda days: MARCH + timedelta(days=days))
prices = st.lists(
    st.builds(
        MetalPrice,
        id=st.integers(1, 10_000),
        metal=st.sampled_from(["gold-585", "silver-925"]),
        price_per_gram=st.decimals("0.01", "999", places=2),
        valid_from=moments,
    ),
    unique_by=lambda price: price.id,
)


def price(number: int, amount: str, valid_from: datetime) -> MetalPrice:
    return MetalPrice(number, "gold-585", Decimal(amount), valid_from)


def test_a_price_begins_at_its_moment_and_not_before() -> None:
    old, new = price(1, "61.40", MARCH - timedelta(days=365)), price(2, "63.00", MARCH)
    assert valid([old, new], MARCH - timedelta(microseconds=1)) == {"gold-585": old}
    assert valid([old, new], MARCH) == {"gold-585": new}


def test_of_two_that_begin_at_once_the_one_set_last_counts() -> None:
    slip, meant = price(7, "6140.00", MARCH), price(8, "61.40", MARCH)
    assert valid([meant, slip], MARCH) == {"gold-585": meant}


def test_a_price_set_later_for_an_earlier_day_does_not_replace_the_newer_one() -> None:
    newest, afterthought = price(1, "63.00", MARCH), price(2, "62.00", MARCH - timedelta(days=1))
    assert valid([newest, afterthought], MARCH) == {"gold-585": newest}


@given(prices, moments)
def test_each_metal_has_the_last_price_that_has_begun(
    listed: list[MetalPrice], moment: datetime
) -> None:
    found = valid(listed, moment)
    begun = [each for each in listed if each.valid_from <= moment]
    assert set(found) == {each.metal for each in begun}
    for each in begun:
        assert (each.valid_from, each.id) <= (found[each.metal].valid_from, found[each.metal].id)


@pytest.mark.parametrize("amount", ["0.01", "61.4", "61.40", "1E+2", "99999.99"])
def test_a_price_is_kept_with_two_places(amount: str) -> None:
    kept = acceptable(Decimal(amount))
    assert (kept, kept.as_tuple().exponent) == (Decimal(amount), -2)


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ("0", "at least 0.01"),
        ("-61.40", "at least 0.01"),
        ("NaN", "at least 0.01"),
        ("Infinity", "at least 0.01"),
        ("100000", "less than 100,000 EUR"),
        ("61.405", "two places at most"),
    ],
)
def test_a_slip_of_the_keyboard_is_no_price(amount: str, reason: str) -> None:
    with pytest.raises(BadPrice, match=reason):
        acceptable(Decimal(amount))
