from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.report.legible import all_of, plain, sendable, shown


@pytest.mark.parametrize(
    ("text", "as_shown"),
    [
        ("a ring", "a ring"),
        ("Кольцо\tи ещё\nодно", "Кольцо\tи ещё\nодно"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b[2J\x1b[1;1Hgone", "gone"),
        ("ring-\udcff.stl", r"ring-\udcff.stl"),
        ("nul \x00, bell \x07, escape \x1b", r"nul \x00, bell \x07, escape \x1b"),
        ("next line \x85, turned \u202eabc", r"next line \x85, turned \u202eabc"),
        ("dos\r\nends", "dos\nends"),
    ],
)
def test_what_cannot_be_seen_is_shown_for_what_it_is(text: str, as_shown: str) -> None:
    assert shown(text) == as_shown


@given(st.text(st.characters()))
def test_whatever_is_shown_can_be_written_and_read_again(text: str) -> None:
    page = shown(text)

    assert page.encode().decode() == page
    assert not any(ord(letter) < 0x20 and letter not in "\t\n" for letter in page)


@given(
    st.recursive(
        st.text(st.characters()) | st.integers(),
        lambda x: st.lists(x) | st.dictionaries(st.text(st.characters()), x),
    )
)
def test_whatever_is_sent_can_be_encoded(data: object) -> None:
    json.dumps(all_of(data), ensure_ascii=False).encode()


def test_what_can_be_sent_stays_as_it_is() -> None:
    assert sendable("\x1b[31m “Кольцо”") == "\x1b[31m “Кольцо”"
    assert plain("\x1b[31m “Кольцо”") == " “Кольцо”"
