from __future__ import annotations

import pytest

from touchstone.backing import engine, programs, providers


@pytest.mark.parametrize(
    ("programs_missing", "engine_missing", "chosen"),
    [
        (None, None, "native"),
        (None, "no engine", "native"),
        ("no postgres", None, "containers"),
        # It then says what is missing for both.
        ("no postgres", "no engine", "native"),
    ],
)
def test_servers_are_programs_of_the_machine_else_containers(
    monkeypatch: pytest.MonkeyPatch,
    programs_missing: str | None,
    engine_missing: str | None,
    chosen: str,
) -> None:
    monkeypatch.setattr(programs, "missing", lambda: programs_missing)
    monkeypatch.setattr(engine, "missing", lambda: engine_missing)

    assert providers.choose() == chosen
