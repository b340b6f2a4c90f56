from __future__ import annotations

from atelier.partner.webhooks.sender import pause_after


def test_pauses_double_give_or_take_a_quarter() -> None:
    for attempts, middle in ((1, 5.0), (2, 10.0), (5, 80.0)):
        pauses = [pause_after(attempts, 5.0) for _ in range(50)]
        assert all(0.75 * middle <= pause <= 1.25 * middle for pause in pauses)
        assert len(set(pauses)) > 1, "all would come back in step"


def test_fifteen_attempts_take_about_a_day() -> None:
    hours = sum(pause_after(attempts, 5.0) for attempts in range(1, 15)) / 3600

    assert 16 < hours < 30
