from __future__ import annotations

import pytest

from touchstone.browser.missing_controls import there_is
from touchstone.wrong_words import WrongWords

SNAPSHOT = """
- banner:
  - link "Atelier"
  - navigation "Main":
    - link "Orders"
    - link "Orders"
- main:
  - heading "Order AT-1" [level=1]
  - button "Close \\"for good\\"" [disabled]
  - combobox "Metal":
    - option "Gold"
"""


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        (
            "en",
            [
                'Buttons there: “Close "for good"”',
                "Links there: “Atelier”, “Orders”",
                "Lists there: “Metal”",
            ],
        ),
        ("ru", ['Кнопки: «Close "for good"»', "Ссылки: «Atelier», «Orders»", "Списки: «Metal»"]),
    ],
)
def test_each_kind_of_control_is_listed_by_its_names(language: str, lines: list[str]) -> None:
    assert there_is(SNAPSHOT, language) == lines


def test_a_page_without_controls_says_so() -> None:
    assert there_is('- heading "Nothing"', "en") == ["There is no control at all."]


def test_many_are_cut_short() -> None:
    [line] = there_is("\n".join(f'- link "{number}"' for number in range(50)), "en")

    assert line.count("“") == 12
    assert line.endswith(" …")


@pytest.mark.parametrize(("language", "text"), [("en", "none"), ("ru", "нет"), ("fr", "none")])
def test_wrong_words_are_told_in_the_language_of_the_feature(language: str, text: str) -> None:
    assert WrongWords(en="none", ru="нет").told(language) == text
