from __future__ import annotations

import unicodedata

import pytest

from touchstone.gherkin.unseen import cleaned, unseen

PHRASE = 'Anna pays "much" for a ring – with Ёлка'


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (PHRASE.replace("pays ", "pays\u00a0"), "a no-break space"),
        (PHRASE.replace("Anna", "An\u200bna"), "a character without width"),
        (PHRASE.replace("ring", "ri\u00adng"), "a soft hyphen"),
        (unicodedata.normalize("NFD", PHRASE), "letters put together from parts (NFD)"),
        (PHRASE.replace("Anna", "\u0410nna"), "“А” in “Аnna” is a Cyrillic letter"),
        (PHRASE.replace(" a ", " \u0430 "), "“а” in “а” is a Cyrillic letter"),
        (PHRASE.replace("Ёлка", "Ёлкa"), "“a” in “Ёлкa” is a Latin letter"),
        (PHRASE.replace('"much"', "“much”"), 'the quotation mark “, where the phrase has "'),
        (PHRASE.replace("–", "-"), "the dash -, where the phrase has –"),
    ],
)
def test_what_cannot_be_seen_is_named(text: str, what: str) -> None:
    assert unseen(text, "en", lambda said: said == PHRASE) == [what]


def test_what_can_be_seen_is_not() -> None:
    assert unseen(PHRASE, "en", lambda said: False) == []
    assert unseen("Анна платит за кольцо", "ru", lambda said: False) == []


def test_what_cannot_be_seen_can_be_taken_out() -> None:
    text = unicodedata.normalize("NFD", PHRASE.replace("pays ", "pays\u00a0\u200b"))
    text = text.replace("ring", "ri\u00adng")

    assert cleaned(text) == PHRASE
