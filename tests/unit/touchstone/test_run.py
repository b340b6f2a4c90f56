from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from touchstone import run


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Memory, the temporary folder that is set, and the one that every system has: all serve.

    Not pytest's `tmp_path`: another account may not pass through to that.
    """
    with tempfile.TemporaryDirectory(prefix="places-") as folder:
        Path(folder).chmod(0o755)
        found = [Path(folder, name) for name in ("memory", "temporary", "common")]
        for place in found:
            place.mkdir()
            place.chmod(0o755)
        yield _all_serve(found, monkeypatch)


def _all_serve(found: list[Path], monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.setattr(run, "_MEMORY", found[0])
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(found[1]))
    monkeypatch.setattr(run, "_COMMON", (found[2],))
    monkeypatch.setattr(run, "_free", lambda place: 8 * 1024**3)
    return found


def test_a_run_is_kept_in_memory_where_there_is_room(places: list[Path]) -> None:
    assert run.default_parent() == places[0]


def test_else_where_temporary_files_are_to_be(
    places: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_free", lambda place: (64 if place == places[0] else 900) * 1024**2)

    assert run.default_parent() == places[1]


@pytest.mark.parametrize("kind", ["long", "missing", "file", "full"])
def test_a_place_that_does_not_serve_is_passed_over_and_named_when_none_does(
    places: list[Path], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    memory, temporary, common = places
    place = temporary / {"long": "x" * 100}.get(kind, "place")
    if kind == "long":
        place.mkdir()
    elif kind == "file":
        place.touch()
    elif kind == "full":
        place.mkdir()
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(place))
    free = {memory: 1024, place: 1024 if kind == "full" else 9 * 1024**3}
    monkeypatch.setattr(run, "_free", lambda each: free.get(each, 9 * 1024**3))

    assert run.default_parent() == common

    monkeypatch.setattr(run, "_COMMON", ())
    with pytest.raises(run.NoPlace, match="Set TMPDIR to a folder of this machine") as refused:
        run.default_parent()
    assert str(place) in str(refused.value)


def test_the_longest_place_that_serves_has_room_for_the_address(places: list[Path]) -> None:
    name = "x" * (run._LONGEST - len(f"{places[1]}/"))
    place = places[1] / name
    place.mkdir()
    place.chmod(0o755)

    assert run.hindrance(place) == ""
    assert run.hindrance(place.with_name(f"{name}x")).endswith("sockets of a run")
    folder = place / f"{run.PREFIX}12345678"
    assert len(str(run.RunFolder(folder, 0).socket)) <= 103
