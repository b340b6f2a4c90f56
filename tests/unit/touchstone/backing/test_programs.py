from __future__ import annotations

import pytest

from touchstone.backing import programs


def test_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "find", lambda name: f"/usr/bin/{name}")

    assert programs.missing() is None


def test_a_missing_program_names_the_package_and_the_alternative(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = {"epmd", "redis-server"}
    monkeypatch.setattr(programs, "find", lambda name: name if name in there else None)

    message = programs.missing()

    assert message is not None
    assert "initdb, postgres, rabbitmq-server" in message
    assert "apt-get install --no-install-recommends postgresql rabbitmq-server\n" in message
    assert "--backing containers" in message
