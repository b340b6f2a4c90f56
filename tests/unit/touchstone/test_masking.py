from __future__ import annotations

import base64
import json
from html import escape
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.masking import Mask

SECRET = "p@ss 'word' & \"more\" für alle"


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        repr(SECRET),
        json.dumps({"password": SECRET}),
        json.dumps({"password": SECRET}, ensure_ascii=False),
        f"postgresql://me:{quote(SECRET, safe='')}@db/shop",
        f"https://shop.example/?key={quote_plus(SECRET, safe='@&').lower()}",
        f"<td>{escape(SECRET)}</td>",
        "Authorization: " + base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_secret_is_hidden_however_it_is_written(written: str) -> None:
    masked = Mask([SECRET])(f"before {written} after")

    assert "•••" in masked
    assert not [piece for piece in ("p@ss", "more", "alle", "cEBzcyA") if piece in masked]
    assert masked.startswith("before ")
    assert masked.endswith(" after")


@given(st.text("abc", min_size=6, max_size=9), st.text("abc", min_size=6, max_size=9), st.data())
def test_no_secret_is_left_whatever_stands_around_it(
    one: str, two: str, data: st.DataObject
) -> None:
    around = st.text("abc •.", max_size=12)
    text = data.draw(around) + one + data.draw(around) + two + data.draw(around)

    masked = Mask([one, two])(text)

    assert one not in masked
    assert two not in masked


@pytest.mark.parametrize("ellipsis", ["...", "…"])
def test_what_was_cut_off_leaves_no_half_of_a_secret(ellipsis: str) -> None:
    mask = Mask(["ak_nBc-B8OWaobUVwXAA3MG7SnGmaRK"])

    assert mask(f"Bearer ak_nBc-B8O{ellipsis}7SnGmaRK now") == f"Bearer •••{ellipsis}••• now"
    assert mask(f"and so on{ellipsis} as it was") == f"and so on{ellipsis} as it was"


def test_texts_are_masked_wherever_they_lie_and_all_else_is_left() -> None:
    data = {"text": "an emerald", "deep": [("an emerald", 1), None], "time": 0.5}

    assert Mask(["emerald"]).all_of(data) == {
        "text": "an •••",
        "deep": [("an •••", 1), None],
        "time": 0.5,
    }


def test_without_secrets_nothing_changes() -> None:
    assert Mask()("an emerald…") == "an emerald…"
