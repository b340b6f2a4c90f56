"""What a page is answered that looks for news of its order."""

from __future__ import annotations

import pytest

from atelier.web.live import without_news


@pytest.mark.parametrize(
    ("seen", "version"),
    [("", "1.3"), ("1.3", "1.4"), ("1.3.17", "1.3.18")],
    ids=["opened", "a step further", "changed without a step"],
)
def test_news_are_sent(seen: str, version: str) -> None:
    assert without_news(seen, version) is None


def test_there_is_nothing_to_send_while_nothing_has_changed() -> None:
    answer = without_news("2.7", "2.7")

    assert answer is not None
    assert (answer.status_code, "HX-Refresh" in answer.headers) == (204, False)


def test_the_page_of_a_piece_that_was_replaced_is_loaded_again() -> None:
    answer = without_news("1.7", "2.8")

    assert answer is not None
    assert (answer.status_code, answer.headers["HX-Refresh"]) == (204, "true")
