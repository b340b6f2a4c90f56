"""What is written about this repository has the form that its readers rely on."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_decision_says_why_what_else_and_since_when() -> None:
    text = (ROOT / "docs" / "decisions.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    said = [row for row in rows if not row.startswith(("| decided |", "| --- |"))]
    headings = re.findall(r"^## ", text, re.MULTILINE)

    assert len(rows) - len(said) == 2 * len(headings)
    row = re.compile(r"\| [^|]+ \| [^|]+ \| [^|]+ \| 20\d\d-\d\d-\d\d \|")
    assert [line for line in said if not row.fullmatch(line)] == []
