"""Messages, told in the language that is spoken when they are told."""

from __future__ import annotations

from decimal import Decimal

import pytest

from atelier.languages import (
    gettext,
    gettext_lazy,
    language,
    ngettext_lazy,
    speak,
    speaking,
    verbatim,
)
from atelier.languages.figures import Figure, file_size, money, number


def test_english_is_spoken_where_nobody_wants_another() -> None:
    assert language() == "en"
    assert gettext("Sign out") == "Sign out"


def test_another_language_is_spoken_meanwhile() -> None:
    with speaking("ru"):
        assert gettext("Sign out") == "Выйти"
    assert gettext("Sign out") == "Sign out"


def test_a_lazy_text_waits_for_its_reader() -> None:
    text = gettext_lazy("All times are those of %(place)s.", place="Rome")
    assert str(text) == "All times are those of Rome."
    with speaking("ru"):
        assert str(text) == "Время указано по часовому поясу: Rome."
        assert f"{text}" == str(text) == "" + text


def test_an_error_tells_its_message_in_the_language_of_who_reads_it() -> None:
    error = ValueError(gettext_lazy("Sign out"))
    with speaking("ru"):
        assert str(error) == "Выйти"


@pytest.mark.parametrize(
    ("count", "told"), [(1, "1 байт"), (3, "3 байта"), (11, "11 байт"), (21, "21 байт")]
)
def test_plurals(count: int, told: str) -> None:
    text = ngettext_lazy("%(count)s byte", "%(count)s bytes", count)
    with speaking("ru"):
        assert str(text) == told


def test_somebody_s_own_words_are_told_as_they_are() -> None:
    with speaking("ru"):
        assert str(verbatim("100 % Sign out")) == "100 % Sign out"


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="we do not speak 'tlh'"):
        speak("tlh")


def test_a_lazy_number_waits_for_its_reader() -> None:
    most = gettext_lazy("%(most)s", most=Figure(65_536))
    assert str(most) == "65,536"
    with speaking("ru"):
        assert str(most) == "65\u00a0536"


def test_figures() -> None:
    assert (money(Decimal("1234.5")), number(12345), number(Decimal("0.250"))) == (
        "€ 1,234.50",
        "12,345",
        "0.250",
    )
    with speaking("ru"):
        assert money(Decimal("1234.5")) == "1\u00a0234,50\u00a0€"
        assert number(Decimal("12345.60")) == "12\u00a0345,60"
        assert file_size(1_600_000) == "1,5 МБ"
        assert file_size(52_428_800) == "50 МБ"


def test_messages_are_equal_by_what_they_say_and_not_by_who_reads_them() -> None:
    one, same = (gettext_lazy("%(size)s KB", size=3) for _ in range(2))
    assert (one, hash(one)) == (same, hash(same))
    assert one != gettext_lazy("%(size)s KB", size=4)
    assert gettext_lazy("Sign out") != verbatim("Sign out")  # which no language has other words for
    with speaking("ru"):
        assert {one: "kept"}[same] == "kept"
