"""What people may be called, and under which address they are known.

Names go into letters, and letters go to whatever address somebody typed. So a name holds nothing
that cannot be seen or turns the line around, and nothing that a mail program would make a link, an
address or a telephone number of.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import Final

from email_validator import EmailNotValidError, validate_email

from atelier.languages import LazyText
from atelier.languages import gettext_lazy as _
from atelier.languages.figures import Figure

LONGEST_NAME: Final = 100
_MARKS_IN_A_ROW: Final = 4

_JOINERS: Final = "\u200c\u200d"  # Persian and Indic names are written with them
_UNSEEN: Final = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
_BLANK_LETTERS: Final = "\u115f\u1160\u2800\u3164\uffa0\u034f\u17b4\u17b5"
_DOTS: Final = str.maketrans(dict.fromkeys("\u3002\uff0e\uff61\u2024\u2025\u2026\ufe52\ufe12", "."))
_STAND_FOR: Final = str.maketrans("\u2044\u2215\u29f8\u2236\ua789\ufe55\ufe6b", "///:::@")

_DOT: Final = re.compile(r"(?<=\w)\.(?=\w[\w-])|(?<=\d)\.(?=\d)")
_LINK: Final = re.compile(r"[@/\\]|[^\W\d]{2,}:(?=\S)|\bwww\b|www\.", re.IGNORECASE)
_TELEPHONE: Final = re.compile(r"(?:\d[\s().-]*){7,}")


class Named(StrEnum):
    """Whose name is typed."""

    PERSON = "person"
    COMPANY = "company"
    KEY = "key"


_MISSING: Final = {
    Named.PERSON: _("Tell us your name."),
    Named.COMPANY: _("Tell us the company's name."),
    Named.KEY: _("Tell us the label."),
}


class BadName(ValueError):
    """Says what is wrong with a name, to whoever typed it."""


class BadAddress(ValueError):
    """Says what is wrong with an e-mail address, to whoever typed it."""


def clean_name(typed: str, whose: Named = Named.PERSON) -> str:
    """The name as it is kept: in Unicode's NFC, with single spaces. Raises BadName.

    `whose` is whose name it is, as the refusal says.

    >>> clean_name("  Anna   Petrova ")
    'Anna Petrova'
    """
    name = one_line(typed)
    if not name:
        raise BadName(_MISSING[whose])
    if any(_is_unseen(name, place) for place in range(len(name))):
        raise BadName(
            _("The name holds a line break or another character that cannot be seen. Type it anew.")
        )
    if len(name) > LONGEST_NAME:
        raise BadName(_too_long(whose, len(name)))
    if not any(unicodedata.category(one)[0] == "L" for one in name):
        raise BadName(_("Your name needs at least one letter."))
    if _marks_in_a_row(name) > _MARKS_IN_A_ROW:
        raise BadName(_("There are too many accents on one letter of the name."))
    seen = _folded(name)
    if _LINK.search(seen) or _TELEPHONE.search(seen):
        raise BadName(
            _(
                "A name holds no web address, no e-mail address and no telephone number. Leave out "
                "@, slashes and “www”."
            )
        )
    if _DOT.search(seen):
        raise BadName(_("The name looks like a web address. Write a space after each full stop."))
    return name


def one_line(typed: str) -> str:
    """In Unicode's NFC, with single spaces, and none around it."""
    composed = unicodedata.normalize("NFC", typed)
    spaced = "".join(" " if unicodedata.category(one) == "Zs" else one for one in composed)
    return re.sub(" +", " ", spaced).strip(" ")


def is_visible(text: str) -> bool:
    """Whether nothing in it is invisible, turns the line around or piles accents up."""
    unseen = any(_is_unseen(text, place) for place in range(len(text)))
    return not unseen and _marks_in_a_row(text) <= _MARKS_IN_A_ROW


def defused(text: str) -> str:
    """`text` in one line and so that no mail program makes a link of any part of it.

    For what was kept before names were checked, and for what people give as a reason.

    >>> defused("Look at https://www.evil.example/x, anna@evil.example")
    'Look at https: www. evil. example/x, anna at evil. example'
    """
    seen = "".join(
        "" if unicodedata.category(one) in _UNSEEN and not one.isspace() else one
        for one in _folded(text)
    )
    seen = re.sub(r"\s*@\s*", " at ", seen)
    seen = re.sub(r"(?<=[^\W\d]):(?=\S)", ": ", seen)
    seen = re.sub(r"\s*(?:/{2,}|\\+)\s*", " ", seen)
    seen = re.sub(r"(?i)(www)\.(?=\S)", r"\1. ", seen)
    seen = re.sub(r"(?<=\w)\.(?=[^\W\d])|(?<=[^\W\d])\.(?=\w)", ". ", seen)
    seen = re.sub(r"\d+(?:\.\d+){3,}", lambda found: found.group().replace(".", ". "), seen)
    return " ".join(seen.split())


def normal_address(typed: str) -> str:
    """The address as it is kept, which is the same for all ways to write it. Raises BadAddress.

    Case, Unicode's compatibility forms, blanks around it and the two forms of an international
    domain make no difference. Dots and `+…` in the local part do: that they do not matter is a
    custom of some providers only.

    >>> normal_address(" Anna@BÜCHER.example ")
    'anna@xn--bcher-kva.example'
    """
    plain = unicodedata.normalize("NFKC", typed).strip()
    try:
        found = validate_email(plain, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        raise BadAddress(
            _(
                "This is not an e-mail address that we can write to. "
                "It should look like name@example.com."
            )
        ) from None
    return f"{found.local_part}@{found.ascii_domain}".lower()


def known_address(typed: str) -> str:
    """Like `normal_address` for looking somebody up: what is no address is nobody's."""
    try:
        return normal_address(typed)
    except BadAddress:
        return typed.strip().lower()


def _too_long(whose: Named, found: int) -> LazyText:
    values = {"most": LONGEST_NAME, "found": Figure(found)}
    match whose:
        case Named.COMPANY:
            return _(
                "The company's name may have at most %(most)s characters; this has %(found)s.",
                **values,
            )
        case Named.KEY:
            return _(
                "The label may have at most %(most)s characters; this has %(found)s.", **values
            )
    return _("Your name may have at most %(most)s characters; this has %(found)s.", **values)


def _folded(text: str) -> str:
    """As a mail program may read it: what only looks different is the same."""
    return unicodedata.normalize("NFKC", text.translate(_DOTS).translate(_STAND_FOR))


def _is_unseen(name: str, place: int) -> bool:
    character = name[place]
    if character in _JOINERS:
        return not 0 < place < len(name) - 1 or not all(
            unicodedata.category(one)[0] in "LM" for one in (name[place - 1], name[place + 1])
        )
    return unicodedata.category(character) in _UNSEEN or character in _BLANK_LETTERS


def _marks_in_a_row(name: str) -> int:
    longest = current = 0
    for one in name:
        current = current + 1 if unicodedata.category(one)[0] == "M" else 0
        longest = max(longest, current)
    return longest
