from __future__ import annotations

from dataclasses import fields

import pytest

from atelier.domain.delivery import (
    COUNTRIES,
    LONGEST,
    Address,
    BadDelivery,
    checked,
    lines,
    may_change,
    parts,
)
from atelier.domain.lifecycle import Owner, State
from atelier.languages import speaking

HOME = {
    "recipient": "Anna Winter",
    "line1": "Am Markt 1",
    "postal_code": "04109",
    "city": "Leipzig",
    "country": "DE",
}
NONE = ""


def faults(**typed: str) -> list[str]:
    """The parts that are refused."""
    with pytest.raises(BadDelivery) as refused:
        checked(**{**HOME, **typed})
    return list(refused.value.faults)


def test_an_address_has_the_parts_that_are_asked_for() -> None:
    assert {each.name for each in fields(Address)} == LONGEST.keys()


def test_an_address_is_kept_in_clean_lines() -> None:
    address = checked(
        recipient="  Анна   Петрова ",
        line1="ул.Ленина, д.5/2",
        line2="кв. 7",
        postal_code=" 101000 ",
        city="Москва",
        country="ru",
        telephone="+7 (495) 123-45-67",
    )
    assert address == Address(
        recipient="Анна Петрова",
        line1="ул. Ленина, д. 5/2",
        country="RU",
        line2="кв. 7",
        postal_code="101000",
        city="Москва",
        telephone="+7 (495) 123-45-67",
    )
    assert checked(**parts(address)) == address


def test_an_address_tells_nobody_by_chance() -> None:
    assert "Leipzig" not in repr(checked(**HOME))
    with pytest.raises(BadDelivery) as refused:
        checked(**{**HOME, "line1": "secret@example.com"})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ({}, ["Anna Winter", "Am Markt 1", "04109 Leipzig"]),
        (
            {"country": "US", "postal_code": "95014", "city": "Cupertino", "region": "CA"},
            ["Anna Winter", "Am Markt 1", "Cupertino, CA 95014"],
        ),
        (
            {"country": "US", "postal_code": "95014", "city": "Cupertino"},
            ["Anna Winter", "Am Markt 1", "Cupertino, 95014"],
        ),
        (
            {"country": "AE", "postal_code": NONE, "city": "Dubai", "region": NONE},
            ["Anna Winter", "Am Markt 1", "Dubai"],
        ),
        (
            {"country": "RU", "line2": "%Z", "postal_code": "101000", "city": "Москва"},
            ["Anna Winter", "Am Markt 1", "%Z", "Москва", "101000"],
        ),
    ],
    ids=["Germany", "America", "without a state", "no place for a city", "no format in it"],
)
def test_an_address_is_written_as_in_its_country(
    typed: dict[str, str], expected: list[str]
) -> None:
    assert lines(checked(**{**HOME, **typed})) == expected


def test_nothing_that_was_given_is_lost_in_any_country() -> None:
    given = ("Anna", "Street 1", "Flat 2", "ZIP 3", "City", "Region")
    for country in COUNTRIES:
        name, line1, line2, postal_code, city, region = given
        address = Address(name, line1, country, line2, postal_code, city, region)
        written = "\n".join(lines(address))
        assert [one for one in given if one not in written] == [], country


@pytest.mark.parametrize(
    ("typed", "refused"),
    [
        ({"recipient": NONE, "line1": " ", "country": NONE}, ["recipient", "line1", "country"]),
        ({"country": "XX"}, ["country"]),
        ({"city": NONE}, ["city"]),
        ({"postal_code": NONE}, ["postal_code"]),
        ({"postal_code": "4109"}, ["postal_code"]),
        ({"postal_code": "04109<"}, ["postal_code"]),
        ({"country": "AE", "postal_code": NONE, "city": NONE}, ["region"]),
        ({"recipient": "A" * 101, "city": "B" * 81}, ["recipient", "city"]),
        ({"line1": "Am Markt\n1"}, ["line1"]),
        ({"line1": "\u202eAm Markt 1"}, ["line1"]),
        ({"line2": "\u3164"}, ["line2"]),
        ({"line2": "—"}, ["line2"]),
        ({"recipient": "https://evil.example"}, ["recipient"]),
        ({"line2": "write to a@evil.example"}, ["line2"]),
        ({"line1": "www.evil.example"}, ["line1"]),
        ({"telephone": "1234"}, ["telephone"]),
        ({"telephone": "call me"}, ["telephone"]),
        ({"telephone": "1" * 16}, ["telephone"]),
    ],
    ids=[
        "nothing",
        "no such country",
        "no city",
        "no postal code",
        "a short postal code",
        "no sign of postal codes",
        "neither city nor emirate",
        "too long",
        "two lines",
        "turned around",
        "blank",
        "no letter",
        "a link",
        "an e-mail address",
        "a web address",
        "a short number",
        "no number",
        "a long number",
    ],
)
def test_what_cannot_be_sent_to_is_refused_at_its_part(
    typed: dict[str, str], refused: list[str]
) -> None:
    assert faults(**typed) == refused


def test_a_web_address_without_a_sign_of_one_is_taken_apart() -> None:
    assert checked(**{**HOME, "line2": "evil.example"}).line2 == "evil. example"


def test_it_is_said_in_the_readers_language_what_a_postal_code_looks_like() -> None:
    with pytest.raises(BadDelivery) as refused:
        checked(**{**HOME, "postal_code": "1"})
    with speaking("ru"):
        told = str(refused.value.faults["postal_code"])
    assert told == "В этой стране почтовый индекс выглядит так: 26133."


@pytest.mark.parametrize("owner", [Owner.CUSTOMER, Owner.PARTNER, Owner.SELLER])
def test_an_address_can_be_changed_until_the_workshop_begins(owner: Owner) -> None:
    address = checked(**HOME)
    allowed = [state for state in State if may_change(state, owner, address)]
    begun = [State.MANUFACTURING_STARTED, State.MANUFACTURING_COMPLETED, State.PACKAGING]
    assert allowed == [
        State.CONFIRMED,
        State.MANUFACTURING_APPROVED,
        *(begun if owner is Owner.SELLER else []),
    ]
    missing = [state for state in State if may_change(state, owner, None)]
    assert missing == [State.CONFIRMED, State.MANUFACTURING_APPROVED, *begun]
