"""No template and no script has words that are told in English to everybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from atelier.languages import extraction
from tests.unit.atelier.languages import bare_words

ENGLISH_ONLY = {"partner"}  # the reference of the API is a document in English

TEMPLATES = [
    pytest.param(file, id=f"{file.parts[-3]}/{file.name}")
    for file in sorted(extraction.CODE.glob("*/templates/*.html"))
    if file.parts[-3] not in ENGLISH_ONLY
]
SCRIPTS = [
    pytest.param(file, id=f"{file.parent.name}/{file.name}")
    for file in sorted((extraction.CODE / "web/static").glob("*/*.js"))
]


@pytest.mark.parametrize("file", TEMPLATES)
def test_a_template_has_no_bare_words(file: Path) -> None:
    assert bare_words.in_template(file.read_text()) == []


@pytest.mark.parametrize("file", SCRIPTS)
def test_a_script_has_no_bare_words(file: Path) -> None:
    assert bare_words.in_script(file.read_text()) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>Good day</p>", ["Good day"]),
        ('<p>{{ _("Good day") }}</p>', []),
        ('<p title="Good day">1</p>', ["Good day"]),
        ('<p title="{{ _("Good day") }}" class="so and so">Atelier</p>', []),
        ('{{ forms.field("name", "Your name") }}', ["Your name"]),
        ('{{ forms.field("name", _("Your name"), hint=_("%(n)s letters", n=3)) }}', []),
        ('{{ "Open" if full else _("Closed") }}', ["Open"]),
        ('<b{{ " checked" if x == "INITIATED" }}>{# Of us #}<script>var A = "B c";</script>', []),
        ("<p>{{ count }} orders</p>", ["orders"]),
        (
            '{% macro its() %}aria-label="Good day" data-x="{{ x }}"{% endmacro %}<p {{ its() }}>',
            ["Good day"],
        ),
    ],
    ids=[
        "text",
        "told",
        "title",
        "class",
        "argument",
        "told-argument",
        "choice",
        "code",
        "between",
        "attributes of a macro",
    ],
)
def test_what_would_be_found_in_a_template(source: str, found: list[str]) -> None:
    assert [text.replace("\ufffc", "").strip() for text in bare_words.in_template(source)] == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('say("Something went wrong.");', ["Something went wrong."]),
        ("say(`Order ${number} is shipped.`);", ["Order \ufffc is shipped."]),
        ('// Says "Good day" to\nfind("button[name=x]", "ArrowUp", "work-list");', []),
    ],
    ids=["text", "template", "code"],
)
def test_what_would_be_found_in_a_script(source: str, found: list[str]) -> None:
    assert bare_words.in_script(source) == found
