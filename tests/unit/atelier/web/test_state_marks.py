"""On the workshop floor each state is told from every other one by colour and by shape."""

from __future__ import annotations

import re

from atelier.domain.lifecycle import State
from atelier.web.rendering import STATIC

_RULE = re.compile(r"(?P<selectors>[^{}]+)\{(?P<body>[^{}]*)\}")
_BACKGROUNDS = ("#ffffff", "#f1efea")  # of a row, and of one under the mouse
_BEGUN = {State.INITIATED}  # the workshop never hears of it


def _marks() -> dict[State, tuple[str, str]]:
    """Colour and shape of each state, as the style sheet of the MES has them."""
    found = {}
    for rule in _RULE.finditer((STATIC / "mes.css").read_text(encoding="utf-8")):
        mark = re.search(r"--mark: (#[0-9a-f]{6});", rule["body"])
        shape = re.search(r"--shape: ([^;]+);", rule["body"])
        for state in re.findall(r'\[data-state="(\w+)"\]', rule["selectors"]):
            if mark and shape:
                found[State(state)] = mark[1], shape[1]
    return found


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_every_state_has_a_colour_and_a_shape_of_its_own() -> None:
    marks = _marks()
    assert set(marks) == set(State)
    of_work = [marks[state] for state in State if state not in _BEGUN]
    assert len({colour for colour, _ in of_work}) == len(of_work)
    assert len({shape for _, shape in of_work}) == len(of_work)


def test_every_mark_is_seen_on_its_background() -> None:
    faint = {
        state: round(_contrast(colour, background), 2)
        for state, (colour, _) in _marks().items()
        for background in _BACKGROUNDS
        if _contrast(colour, background) < 4.5
    }
    assert not faint
