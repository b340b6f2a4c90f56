"""The stroke font of the engravings."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atelier.domain.lettering import CAPITAL, lay_out, relief, unknown_letters

LATIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CYRILLIC = "АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдеёжзийклмнопрстуфхцчшщъыьэюя"
ACCENTED = "ÄÖÜäöüÉéÈèÊêÇçÑñØøÅåŠšŽžŁłÆæÇĘęŐőҐґЄєІіЇї"
SIGNS = "0123456789.,:!?'’-–—+/&♥∞ "


def test_the_alphabets_are_there() -> None:
    assert unknown_letters(LATIN + CYRILLIC + ACCENTED + SIGNS) == ""


def test_what_is_not_there_is_named_once() -> None:
    assert unknown_letters("永 love 永 🙂ß") == "永🙂ß"


def test_what_is_not_there_is_not_laid_out() -> None:
    with pytest.raises(ValueError, match="永"):
        lay_out("永")


def test_a_letter_with_two_spellings_is_one() -> None:
    apart, together = lay_out("e\u0301"), lay_out("é")

    assert np.array_equal(apart.letters[0], together.letters[0])


def test_small_letters_are_small_capitals() -> None:
    small, capital = lay_out("a").letters[0], lay_out("A").letters[0]

    assert capital[..., 1].max() == CAPITAL
    assert np.allclose(small / small.max(), capital / capital.max())
    assert small[..., 1].max() < capital[..., 1].max()


def test_blanks_around_take_no_room() -> None:
    assert lay_out("  A B ").width == lay_out("A B").width > lay_out("AB").width
    assert lay_out("   ").letters == ()


@given(st.text(LATIN + CYRILLIC + SIGNS, min_size=1, max_size=12))
def test_letters_follow_each_other_and_do_not_touch(text: str) -> None:
    line = lay_out(text)

    edges = [(each[..., 0].min(), each[..., 0].max()) for each in line.letters]
    assert all(left[1] < right[0] for left, right in pairwise(edges))
    assert not edges or edges[-1][1] == pytest.approx(line.width)


def test_the_relief_is_full_on_a_stroke_and_nothing_beside_it() -> None:
    line = lay_out("I")

    depth = relief(line, np.array([-2.0, -0.3, 0.0, 0.3, 2.0]), np.array([-2.0, 3.0, 8.0]))

    assert depth[1].tolist() == [0, 1, 1, 1, 0]
    assert depth[[0, 2]].max() == 0
