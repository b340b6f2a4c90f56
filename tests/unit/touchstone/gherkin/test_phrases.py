from __future__ import annotations

import pytest

from touchstone.gherkin.phrases import phrases


def test_the_two_phrases_of_a_step_speak_of_the_same_things() -> None:
    given, when, then = phrases({})

    for say in (given, when, then):
        with pytest.raises(ValueError, match="speak of different things"):
            say(en="{seller} waits for {customer}", ru="{seller} ждёт")
