"""Messages that are kept as JSON, and told later."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from atelier.languages import LazyText, gettext_lazy, ngettext_lazy, speaking, verbatim
from atelier.languages.figures import Figure
from atelier.languages.keeping import from_dict, from_dict_or_none, to_dict

SIGN_OUT = "Sign out"
TIMES = "All times are those of %(place)s."


def kept(text: LazyText) -> LazyText:
    return from_dict(json.loads(json.dumps(to_dict(text))))


@pytest.mark.parametrize(
    ("text", "russian"),
    [
        (gettext_lazy(SIGN_OUT), "Выйти"),
        (gettext_lazy(TIMES, place="Rome"), "Время указано по часовому поясу: Rome."),
        (
            gettext_lazy(TIMES, place=gettext_lazy(SIGN_OUT)),
            "Время указано по часовому поясу: Выйти.",
        ),
        (
            gettext_lazy(TIMES, place=Figure(Decimal("1234.50"))),
            "Время указано по часовому поясу: 1\u00a0234,50.",
        ),
        (ngettext_lazy("%(count)s byte", "%(count)s bytes", 3), "3 байта"),
        (verbatim("100 % Sign out"), "100 % Sign out"),
    ],
    ids=["plain", "value", "message-as-value", "figure", "plural", "own-words"],
)
def test_a_kept_message_is_told_in_either_language(text: LazyText, russian: str) -> None:
    again = kept(text)

    assert str(again) == str(text)
    with speaking("ru"):
        assert str(again) == russian


def test_a_message_that_the_code_no_longer_has_is_told_in_english() -> None:
    old = from_dict({"message": "The %(what)s was too red.", "values": {"what": "ring"}})
    with speaking("ru"):
        assert str(old) == "The ring was too red."


@pytest.mark.parametrize(
    "content",
    [
        None,
        "Sign out",
        {},
        {"message": "Sign out"},
        {"message": TIMES, "values": {}},
        {"message": TIMES, "values": {"place": {"number": "many"}}},
        {"message": TIMES, "values": {"place": {"what": 1}}},
        {"message": "100 %", "values": {}},
    ],
    ids=["none", "text", "nothing", "no-values", "value-missing", "figure", "value", "percent"],
)
def test_what_cannot_be_told_is_no_message(content: object) -> None:
    assert from_dict_or_none(content) is None
    with pytest.raises(ValueError, match=r"message|figure"):
        from_dict(content)
