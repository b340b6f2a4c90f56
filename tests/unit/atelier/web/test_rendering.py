"""How money, sizes, times and metals are written."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atelier.domain.metals import METALS
from atelier.languages.figures import file_size, money
from atelier.web.rendering import metal_name


class TestWriting:
    @given(amount=st.decimals("0", "9999999999.99", places=2))
    def test_money_can_be_read_back(self, amount: Decimal) -> None:
        text = money(amount)

        assert text.startswith("€ ")
        assert Decimal(text.removeprefix("€ ").replace(",", "")) == amount

    def test_money_has_groups_and_two_places(self) -> None:
        assert money(Decimal("1234.5")) == "€ 1,234.50"

    @pytest.mark.parametrize(
        ("size", "text"),
        [(0, "0 bytes"), (1023, "1023 bytes"), (190_384, "186 KB"), (52_428_800, "50 MB")],
    )
    def test_sizes(self, size: int, text: str) -> None:
        assert file_size(size) == text

    def test_a_metal_that_is_no_longer_offered_keeps_its_code(self) -> None:
        assert metal_name("gold-750") == str(METALS["gold-750"].name)
        assert metal_name("gold-999") == "gold-999"
