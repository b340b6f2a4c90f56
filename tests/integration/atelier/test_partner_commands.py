"""`atelier partner`: companies, keys and limits, by command."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from atelier.__main__ import app
from atelier.settings import settings
from touchstone.sandbox import Sandbox

Atelier = Callable[..., Result]


@pytest.fixture
def atelier(bare_sandbox: Sandbox) -> Atelier:
    """Runs one command on the sandbox's databases."""

    def run(*words: str) -> Result:
        settings.cache_clear()
        try:
            return CliRunner().invoke(app, ["partner", *words], env=dict(bare_sandbox.environment))
        finally:
            settings.cache_clear()

    return run


def test_a_partner_has_several_keys_and_any_can_be_revoked(atelier: Atelier) -> None:
    assert atelier("add", "Meridian").exit_code == 0
    first = atelier("key", "add", "Meridian", "--label", "warehouse").output
    second = atelier("key", "add", "Meridian").output
    ids = [re.search(r"id   (\S+)", output) for output in (first, second)]
    keys = [re.search(r"key  (ak_\S{43})$", output, re.MULTILINE) for output in (first, second)]
    assert all(ids)
    assert all(keys)

    assert ids[0] is not None
    assert atelier("key", "revoke", ids[0][1]).exit_code == 0

    listed = atelier("key", "list", "Meridian").output
    oldest, newest = listed.splitlines()
    assert oldest.endswith("warehouse")
    assert "revoked" in oldest
    assert "revoked" not in newest
    assert "ak_" not in listed


def test_limits_are_set_and_become_the_usual_again(atelier: Atelier) -> None:
    atelier("add", "Meridian")
    usual = atelier("list").output

    atelier("limit", "Meridian", "--burst", "7", "--window", "3", "--daily", "99")

    assert atelier("list").output.strip().endswith("Meridian  7 in 3 s, 99 a day")
    atelier("limit", "Meridian")
    assert atelier("list").output == usual


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["add", "Meridian"], "There is a partner Meridian already."),
        (["add", " Meridian\u00a0 "], "There is a partner Meridian already."),
        (["add", " "], "Tell us the company's name."),
        (["add", "x" * 101], "The company's name may have at most 100 characters"),
        (["add", "Meridian\nBcc: all"], "cannot be seen"),
        (["add", "Meridian \u202egnp.exe"], "cannot be seen"),
        (["add", "Win at http://evil.example"], "no web address"),
        (["add", "meridian.example"], "looks like a web address"),
        (["key", "add", "Nobody"], "There is no partner Nobody"),
        (["key", "list", "7b3c0f6e-6a0e-4a58-9f2e-2b8a4a3d9c11"], "There is no partner 7b3c0f6e"),
        (["key", "revoke", "7b3c0f6e-6a0e-4a58-9f2e-2b8a4a3d9c11"], "There is no key 7b3c0f6e"),
    ],
)
def test_what_is_not_there_is_said(atelier: Atelier, words: list[str], told: str) -> None:
    atelier("add", "Meridian")

    result = atelier(*words)

    assert result.exit_code == 2
    assert told in result.output


def test_a_partner_is_found_however_its_name_is_typed(atelier: Atelier) -> None:
    added = atelier("add", "  Zoe\u0308  &\u2003Sons ").output

    assert added.strip().endswith("  Zo\u00eb & Sons")
    for typed in ("Zo\u00eb & Sons", "Zoe\u0308 &  Sons "):
        assert atelier("key", "add", typed).exit_code == 0
