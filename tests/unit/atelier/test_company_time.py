"""People read times in the company's zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from atelier.company_time import day, moment, short_moment, zone_name
from atelier.languages import speaking
from atelier.settings import BadSettings, Settings, settings

NINE = datetime(2026, 3, 7, 9, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "language", "written"),
    [
        ("Europe/Moscow", "en", "7 Mar 2026, 12:05 (Moscow)"),
        ("Europe/Moscow", "ru", "7 мар. 2026 г., 12:05 (Москва)"),
        ("Asia/Yekaterinburg", "ru", "7 мар. 2026 г., 14:05 (Екатеринбург)"),
        ("Europe/Berlin", "en", "7 Mar 2026, 10:05 (Berlin)"),
        ("UTC", "en", "7 Mar 2026, 09:05 (UTC)"),
    ],
)
def test_a_time_has_the_name_of_its_zone(zone: str, language: str, written: str) -> None:
    there = NINE.astimezone(timezone(timedelta(hours=-5)))

    with speaking(language):
        assert moment(NINE, zone) == moment(there, zone) == written


def test_summer_has_its_own_hour_where_a_zone_has_one() -> None:
    july = datetime(2026, 7, 7, 9, 5, tzinfo=UTC)
    assert short_moment(july, "Europe/Berlin") == "7 Jul, 11:05"
    assert short_moment(july, "Europe/Moscow") == "7 Jul, 12:05"


def test_a_day_is_that_of_the_zone() -> None:
    late = datetime(2026, 12, 31, 22, 0, tzinfo=UTC)
    assert day(late, "Europe/Moscow") == "1 January 2027"
    assert day(late, "UTC") == "31 December 2026"
    with speaking("ru"):
        assert day(late, "Europe/Moscow") == "1 января 2027\u00a0г."


def test_a_zone_is_named_in_the_language() -> None:
    assert zone_name("Europe/Moscow") == "Moscow"
    with speaking("ru"):
        assert zone_name("Europe/Moscow") == "Москва"


@pytest.mark.parametrize("wrong", ["Moscow", "", "Europe/Nowhere", "../../etc/passwd", "/etc"])
def test_a_zone_that_nobody_knows_is_refused(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.model_fields["time_zone"].default == "Europe/Moscow"
    monkeypatch.setenv("ATELIER_TIME_ZONE", wrong)
    settings.cache_clear()
    with pytest.raises(BadSettings, match=r"ATELIER_TIME_ZONE: .*such as europe/moscow"):
        settings()
    settings.cache_clear()
