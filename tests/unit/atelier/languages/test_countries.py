from __future__ import annotations

from atelier.domain.delivery import COUNTRIES
from atelier.languages import LANGUAGES, speaking
from atelier.languages.countries import countries_by_name, country_name


def test_every_country_has_a_name_in_every_language() -> None:
    for code in LANGUAGES:
        with speaking(code):
            assert [one for one in COUNTRIES if country_name(one) == one] == []


def test_countries_stand_in_the_order_of_the_readers_alphabet() -> None:
    with speaking("ru"):
        assert list(countries_by_name(["DE", "AX", "AT"]).values()) == [
            "Австрия",
            "Аландские о-ва",
            "Германия",
        ]
