from __future__ import annotations

import ast
import io
from pathlib import Path
from typing import Any

import touchstone
from touchstone import json_lines


def test_a_message_is_one_line_whatever_is_in_it() -> None:
    messages: list[dict[str, Any]] = [
        {"text": "first\nsecond\u2028third\r"},
        {},
        {"имя": ["Анна", 1, None]},
    ]
    stream = io.BytesIO(b"".join(map(json_lines.line, messages)))

    assert stream.getvalue().count(b"\n") == len(messages)
    assert [json_lines.read(stream) for _ in messages] == messages
    assert json_lines.read(stream) is None


def test_of_an_end_that_died_while_it_wrote_no_message_comes() -> None:
    torn = io.BytesIO(json_lines.line({"pid": 4711})[:-2])

    assert json_lines.read(torn) is None


def test_who_talks_to_another_process_of_the_run_does_it_by_these_lines() -> None:
    package = Path(touchstone.__file__).parent
    by_hand = [
        str(module.relative_to(package))
        for folder in ("keeper", "zygote", "backing")
        for module in (package / folder).glob("*.py")
        if _imports_json(ast.parse(module.read_text("utf-8")))
    ]

    assert by_hand == [], "use touchstone.json_lines"


def _imports_json(module: ast.Module) -> bool:
    return any(
        (isinstance(node, ast.Import) and any(each.name == "json" for each in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module == "json")
        for node in ast.walk(module)
    )
