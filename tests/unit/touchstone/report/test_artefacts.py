from __future__ import annotations

import pytest

from touchstone.report.artefacts import slug


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("A customer's own model", "a-customer-s-own-model"),
        ("Цена кольца: 1 200 ₽", "цена-кольца-1-200"),
        ("Йод", "йод"),  # the letter in two code points is the same letter
        ("../../etc/passwd", "etc-passwd"),
        ("a\x00b\nc", "a-b-c"),
        ("€ § !", "test"),
    ],
)
def test_a_folder_can_be_read_in_any_script_and_leads_nowhere_else(text: str, name: str) -> None:
    assert slug(text) == name


def test_a_long_title_is_a_name_that_file_systems_take() -> None:
    assert len(slug("очень длинное название " * 50).encode()) < 200
