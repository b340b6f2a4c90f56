"""Passwords, API keys and session cookies."""

from __future__ import annotations

import time
from uuid import UUID

import pytest
from argon2 import PasswordHasher, extract_parameters
from hypothesis import given
from hypothesis import strategies as st

from atelier import security

USER = UUID("7b3c0f6e-6a0e-4a58-9f2e-2b8a4a3d9c11")
SECRET = "not much of a secret"
COOKIE = security.sign_session("shop", USER, SECRET)


def test_a_password_fits_its_hash_and_no_other_does() -> None:
    stored = security.hash_password("an emerald, please", "test")

    assert "emerald" not in stored
    assert security.verify_password(stored, "an emerald, please", "test")
    assert not security.verify_password(stored, "a ruby, please", "test")


def test_equal_passwords_have_different_hashes() -> None:
    assert security.hash_password("same", "test") != security.hash_password("same", "test")


@pytest.mark.parametrize("stored", [None, "", "not a hash"])
def test_no_password_fits_what_is_no_hash(stored: str | None) -> None:
    assert not security.verify_password(stored, "anything", "test")


def test_who_is_not_known_costs_as_much_work_as_who_is(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    verify = PasswordHasher.verify

    def watched(hasher: PasswordHasher, stored: str, password: str) -> bool:
        checked.append(stored)
        return verify(hasher, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", watched)
    security.verify_password(None, "guess", "test")
    security.verify_password(security.hash_password("another", "test"), "guess", "test")

    # A hash of equal parameters is equal work; what is no hash at all would be refused at once.
    nobodys, somebodys = map(extract_parameters, checked)
    assert nobodys == somebodys


def test_in_production_a_hash_costs_what_argon2_recommends() -> None:
    production = extract_parameters(security.hash_password("x", "production"))
    test = extract_parameters(security.hash_password("x", "test"))

    assert production.type.name == "ID"
    assert production.memory_cost >= 19 * 1024  # KiB, OWASP's least
    assert test.memory_cost < production.memory_cost


def test_an_api_key_has_256_random_bits_and_is_kept_as_its_hash() -> None:
    key = security.new_api_key()

    assert key.startswith("ak_")
    assert len(key) == len("ak_") + 43
    assert key != security.new_api_key()
    assert security.hash_api_key("ak_x") == (
        "abfe503954620933476c004ec2626b9731dec63cd20b10703ef8849ec87f3f8f"
    )


@given(user=st.uuids())
def test_a_session_is_its_users(user: UUID) -> None:
    assert security.read_session("shop", security.sign_session("shop", user, SECRET), SECRET) == (
        user,
        0,
    )


@pytest.mark.parametrize("service", ["crm", "mes", "shop2"])
def test_a_shop_cookie_is_worth_nothing_elsewhere(service: str) -> None:
    assert security.read_session(service, COOKIE, SECRET) is None


def test_another_secret_does_not_open_a_session() -> None:
    assert security.read_session("shop", COOKIE, "another secret") is None


@given(place=st.integers(0, len(COOKIE) - 1), letter=st.characters(codec="utf-8"))
def test_a_changed_cookie_is_nobodys_or_still_the_same_users(place: int, letter: str) -> None:
    # The last letter of base64 holds unused bits, so a changed text may mean the same bytes.
    changed = COOKIE[:place] + letter + COOKIE[place + 1 :]

    assert security.read_session("shop", changed, SECRET) in (None, (USER, 0))


@given(value=st.text())
def test_no_text_is_an_error(value: str) -> None:
    assert security.read_session("shop", value, SECRET) is None


def test_a_session_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    signed = time.time()
    monkeypatch.setattr(time, "time", lambda: signed)
    cookie = security.sign_session("shop", USER, SECRET)

    monkeypatch.setattr(time, "time", lambda: signed + security.SESSION_SECONDS - 1)
    assert security.read_session("shop", cookie, SECRET) == (USER, 0)

    monkeypatch.setattr(time, "time", lambda: signed + security.SESSION_SECONDS + 1)
    assert security.read_session("shop", cookie, SECRET) is None


@given(user=st.uuids())
def test_a_code_for_a_new_password_is_of_one_account_and_of_one_password(user: UUID) -> None:
    read = security.read_reset_code(security.reset_code(user, "old hash", SECRET), SECRET)

    assert read is not None
    assert read.user_id == user
    assert read.is_of("old hash", SECRET)
    assert not read.is_of("new hash", SECRET)
    assert not read.is_of("old hash", "another secret")


def test_a_code_for_a_new_password_is_signed_and_says_when() -> None:
    before = int(time.time())
    code = security.reset_code(USER, "a hash", SECRET)
    read = security.read_reset_code(code, SECRET)

    assert read is not None
    assert before <= read.made_at.timestamp() <= time.time()
    assert "a hash" not in code
    assert security.read_reset_code(code, "another secret") is None
    # Neither code of a letter is worth anything in the place of the other.
    assert security.read_confirmation_code(code, SECRET) is None
    assert security.read_reset_code(security.confirmation_code(USER, SECRET), SECRET) is None


@given(code=st.text())
def test_no_text_is_an_error_as_a_code_for_a_new_password(code: str) -> None:
    assert security.read_reset_code(code, SECRET) is None
