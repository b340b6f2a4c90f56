"""What is written about this repository has the form that its readers rely on."""

from __future__ import annotations

import pkgutil
import re
from pathlib import Path

import pytest

from docs import make_reference

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
FOLDERS = "benchmarks|bin|deploy|docs|features|fixtures|src|tests"
ELSEWHERE = {"atelier.events", "atelier.order.id", "features/shelf.feature"}
"""An exchange of RabbitMQ, an attribute of a span, a file that the reader writes."""


def test_each_decision_says_why_what_else_and_since_when() -> None:
    text = (ROOT / "docs" / "decisions.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    said = [row for row in rows if not row.startswith(("| decided |", "| --- |"))]
    headings = re.findall(r"^## ", text, re.MULTILINE)

    assert len(rows) - len(said) == 2 * len(headings)
    row = re.compile(r"\| [^|]+ \| [^|]+ \| [^|]+ \| 20\d\d-\d\d-\d\d \|")
    assert [line for line in said if not row.fullmatch(line)] == []


def test_the_reference_is_what_the_code_says() -> None:
    assert make_reference.FILE.read_text("utf-8") == make_reference.reference(), "make reference"


def test_contributing_is_read_in_a_few_minutes() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines()) <= 80


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_what_a_document_names_is_there(document: Path) -> None:
    text = document.read_text("utf-8")
    links = re.findall(r"\]\(([^):#]+)(?:#[^)]*)?\)", text)
    paths = re.findall(rf"`((?:{FOLDERS})/[\w./-]*)`(?!\*)", text)
    names = re.findall(r"`((?:touchstone|atelier)(?:\.\w+)+)`", text)

    assert [link for link in links if not (document.parent / link).exists()] == []
    assert [path for path in {*paths} - ELSEWHERE if not (ROOT / path).exists()] == []
    assert [name for name in {*names} - ELSEWHERE if not is_there(name)] == []


def is_there(name: str) -> bool:
    """Whether the code has a module, or something in a module, of this name."""
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True
