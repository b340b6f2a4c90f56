from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from atelier.domain.people import BadAddress, BadName, clean_name, defused, normal_address
from tests.unit.atelier.domain.links import is_linked

pieces = st.sampled_from(
    [
        "http",
        "https",
        ":",
        "//",
        "/",
        "\\",
        "www",
        ".",
        "evil",
        "example",
        "@",
        " ",
        "\n",
        "\u202e",
        "mailto",
        "\uff20",
        "\u3002",
        "\uff0e",
        "\uff0f",
        "1",
        "23",
        "Anna",
        "\u200b",
        "\t",
        "é",
    ]
)
typed = st.one_of(st.text(max_size=40), st.lists(pieces, max_size=12).map("".join))


@pytest.mark.parametrize(
    "name",
    [
        "Anna Petrova",
        "Анна Петрова",
        "J. R. R. Tolkien",
        "J.R.R. Tolkien",
        "Siân O'Neill-Díaz, Ph. D.",
        "Renée d’Aubigné",
        "李小龍",
        "Anna 2",
        "نوش\u200cآفرین",
        "Anna (test data of touchstone)",
    ],
)
def test_people_may_be_called_what_they_are_called(name: str) -> None:
    assert clean_name(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "\u00a0\u2003",
        "\u3164",
        "\u2800",
        "123",
        "...",
        "A" * 101,
        "Anna\nBcc: x",
        "Anna\r",
        "Anna\tB",
        "Anna\u2028B",
        "Anna\u0085B",
        "Anna\x00",
        "Anna\u202egnp",
        "Anna\u2066B",
        "Anna\u200b",
        "\ufeffAnna",
        "Anna\u200d",
        "A" + "\u0301" * 6,
        "You won! http://evil.example",
        "hxxp://evil",
        "www.evil",
        "See WWW now",
        "evil.example",
        "You won, see evil.example/x",
        "evil。example",
        "evil．example",
        "ｗｗｗ．evil",
        "anna＠evil",
        "anna@evil",
        "mailto:anna",
        "1.2.3.4",
        "Call +1 900 123 4567",
    ],
)
def test_what_is_no_name_is_refused_with_words(name: str) -> None:
    with pytest.raises(BadName, match=r"\w+ \w+"):
        clean_name(name)


@given(typed)
@example("a.bc")
@example("Anna\ud800")
def test_a_name_that_is_taken_is_one_clean_line_without_a_link(text: str) -> None:
    try:
        name = clean_name(text)
    except BadName:
        return
    assert not is_linked(name)
    assert name == unicodedata.normalize("NFC", name).strip()
    assert clean_name(name) == name
    assert all(unicodedata.category(one) not in ("Cc", "Zl", "Zp", "Cs") for one in name)


@given(typed)
@example("a.b.cd")
@example("http:evil")
@example("1.2.3.4.5")
def test_nothing_that_is_defused_is_a_link_or_a_second_line(text: str) -> None:
    made = defused(text)
    assert not is_linked(made)
    assert len(made.splitlines()) <= 1


def test_what_is_harmless_stays_as_it_is() -> None:
    for text in ("Thin prongs: 0.8 mm, please 1.2 mm.", "Anna Petrova", "RR 1234 5678"):
        assert defused(text) == text


@pytest.mark.parametrize(
    "same",
    [
        " anna@bücher.example ",
        "ANNA@Bücher.Example",
        "anna@xn--bcher-kva.example",
        "anna@XN--BCHER-KVA.EXAMPLE",
        "anna@bu\u0308cher.example",
        "ａｎｎａ@bücher.example",
        "anna＠bücher。example",
        "\u00a0anna@bücher.example\n",
    ],
)
def test_an_address_is_the_same_however_it_is_written(same: str) -> None:
    assert normal_address(same) == "anna@xn--bcher-kva.example"


def test_dots_and_plus_are_part_of_an_address() -> None:
    written = ["anna.b@example.com", "annab@example.com", "anna+b@example.com", "anna@example.com"]
    assert [normal_address(one) for one in written] == written


@pytest.mark.parametrize(
    "address",
    [
        "",
        "anna",
        "anna@",
        "@example.com",
        "an na@example.com",
        "anna@exa mple.com",
        "anna@example.com\nBcc: x@y.z",
        "a@b.c,d@e.f",
        "ännä@example.com",
        "anna@\u202eexample.com",
        "anna@[127.0.0.1]",
        '"anna b"@example.com',
        "anna@example",
        "Anna <anna@example.com>",
    ],
)
def test_what_we_cannot_write_to_is_no_address(address: str) -> None:
    with pytest.raises(BadAddress, match=r"name@example\.com"):
        normal_address(address)


@given(st.one_of(st.text(max_size=30), st.emails()))
def test_a_normal_address_is_plain_and_stays(text: str) -> None:
    try:
        address = normal_address(text)
    except BadAddress:
        return
    assert re.fullmatch(r"[!-~]+@[!-~]+", address)
    assert address == address.lower() == normal_address(address)
