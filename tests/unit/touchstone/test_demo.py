"""What several demos of one folder share."""

from __future__ import annotations

from pathlib import Path

import pytest

from touchstone import demo
from touchstone.keeper.client import InfrastructureError


def test_each_demo_has_a_file_of_its_own_and_removes_no_other(tmp_path: Path) -> None:
    target = tmp_path / "made" / "demo.toml"
    with demo.target_file(target, others=True) as first:
        first.write_text("first")
        with demo.target_file(target, others=True) as second:
            assert (first, second.name) == (target, "demo-2.toml")
            with demo.target_file(target, others=True) as third:
                assert third.name == "demo-3.toml"
        assert first.read_text() == "first"
        assert (first.stat().st_mode & 0o777) == 0o600
        assert list(target.parent.iterdir()) == [target]
    assert list(target.parent.iterdir()) == []


def test_a_file_that_a_killed_demo_left_is_used_again(tmp_path: Path) -> None:
    left = tmp_path / "demo.toml"
    left.write_text("old")
    left.chmod(0o644)

    with demo.target_file(left, others=True) as target:
        assert target == left
        assert target.read_text() == ""
        assert (target.stat().st_mode & 0o777) == 0o600


def test_a_file_that_somebody_asked_for_by_name_is_refused_while_another_demo_has_it(
    tmp_path: Path,
) -> None:
    target = tmp_path / "mine.toml"
    with (
        demo.target_file(target, others=False),
        pytest.raises(InfrastructureError, match=r"mine\.toml; choose another --target"),
        demo.target_file(target, others=False),
    ):
        pass
    (tmp_path / "file").touch()
    with (
        pytest.raises(InfrastructureError, match="cannot be written"),
        demo.target_file(tmp_path / "file" / "demo.toml", others=False),
    ):
        pass
