"""Passwords, API keys and session cookies: what is kept of each, and how one is checked.

None of the three is ever kept as it was given: a password becomes an Argon2id hash, an API key its
SHA-256 (it is 256 random bits, so there is nothing to slow a guesser down for), and a session is
not kept at all: the cookie carries the user's id under a signature, and the number of the account's
sessions that it belongs to. Raising the number ends them all.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from functools import cache
from typing import Final, Literal, NamedTuple
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from itsdangerous import BadSignature, Signer, TimestampSigner, URLSafeTimedSerializer

PasswordCost = Literal["production", "test"]

PASSWORD_LENGTH: Final = range(10, 201)
"""Characters a password may have. The upper end only keeps a request from buying a long hash."""

SESSION_SECONDS: Final = 14 * 24 * 3600

_API_KEY_PREFIX: Final = "ak_"


@cache
def _hasher(cost: PasswordCost) -> PasswordHasher:
    if cost == "test":
        return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return PasswordHasher()


@cache
def _nobody(cost: PasswordCost) -> str:
    """A hash that no password fits, for as much work as a real one."""
    return _hasher(cost).hash(secrets.token_urlsafe())


def hash_password(password: str, cost: PasswordCost = "production") -> str:
    """Argon2id hash of `password` (PHC string). Slow on purpose: not for the event loop."""
    return _hasher(cost).hash(password)


def verify_password(stored: str | None, password: str, cost: PasswordCost = "production") -> bool:
    """Whether `password` is the one behind the hash `stored`.

    Without a stored hash the answer is no, after the same work: who measures the time of a
    sign-in does not learn which e-mail addresses have an account.
    """
    try:
        matches = _hasher(cost).verify(_nobody(cost) if stored is None else stored, password)
    except (VerificationError, InvalidHashError):
        return False
    return matches and stored is not None


async def hash_password_aside(password: str, cost: PasswordCost) -> str:
    """`hash_password` in a thread, so that the event loop goes on meanwhile."""
    return await asyncio.to_thread(hash_password, password, cost)


async def verify_password_aside(stored: str | None, password: str, cost: PasswordCost) -> bool:
    """`verify_password` in a thread, so that the event loop goes on meanwhile."""
    return await asyncio.to_thread(verify_password, stored, password, cost)


def new_api_key() -> str:
    """A fresh API key: `ak_` and 43 URL-safe characters (256 random bits)."""
    return _API_KEY_PREFIX + secrets.token_urlsafe(32)


def hash_api_key(key: str) -> str:
    """What is kept of an API key: its SHA-256, 64 hex digits."""
    return hashlib.sha256(key.encode()).hexdigest()


class Session(NamedTuple):
    """Whose it is, and the account's `session_version` when it began."""

    user_id: UUID
    version: int


def sign_session(service: str, user_id: UUID, secret: str, version: int = 0) -> str:
    """The value of the session cookie that makes its bearer `user_id` at `service`.

    >>> user = UUID("7b3c0f6e-6a0e-4a58-9f2e-2b8a4a3d9c11")
    >>> read_session("shop", sign_session("shop", user, "secret"), "secret") == (user, 0)
    True
    >>> read_session("crm", sign_session("shop", user, "secret"), "secret") is None
    True
    """
    return _serializer(service, secret).dumps([user_id.hex, version])


def read_session(service: str, value: str, secret: str) -> Session | None:
    """What the cookie `value` says; None when forged, expired or of another service."""
    try:
        user_id, version = _serializer(service, secret).loads(value, max_age=SESSION_SECONDS)
        return Session(UUID(user_id), int(version))
    except (BadSignature, ValueError, TypeError, AttributeError):
        return None


def confirmation_code(letter: UUID, secret: str) -> str:
    """What only the reader of this letter knows: 50 URL-safe characters.

    >>> letter = UUID("7b3c0f6e-6a0e-4a58-9f2e-2b8a4a3d9c11")
    >>> read_confirmation_code(confirmation_code(letter, "secret"), "secret") == letter
    True
    >>> read_confirmation_code(confirmation_code(letter, "secret"), "another") is None
    True
    """
    named = base64.urlsafe_b64encode(letter.bytes).rstrip(b"=")
    return _confirmations(secret).sign(named).decode()


def read_confirmation_code(code: str, secret: str) -> UUID | None:
    """The letter that the code was in; None for a code that we have not made."""
    try:
        named = _confirmations(secret).unsign(code.encode(errors="replace"))
        return UUID(bytes=base64.urlsafe_b64decode(named + b"=="))
    except (BadSignature, ValueError):
        return None


class Reset(NamedTuple):
    """What a code for a new password says: whose it is, when it was made, and while which password
    was the account's."""

    user_id: UUID
    password: bytes
    made_at: datetime

    def is_of(self, password_hash: str, secret: str) -> bool:
        """Whether this is still the account's password: a code works until it is changed."""
        return hmac.compare_digest(self.password, _fingerprint(password_hash, secret))


def reset_code(user_id: UUID, password_hash: str, secret: str) -> str:
    """By which its reader may choose a new password: some 70 URL-safe characters.

    >>> user = UUID("7b3c0f6e-6a0e-4a58-9f2e-2b8a4a3d9c11")
    >>> reset = read_reset_code(reset_code(user, "$argon2id$old", "secret"), "secret")
    >>> reset.user_id == user, reset.is_of("$argon2id$old", "secret")
    (True, True)
    >>> reset.is_of("$argon2id$new", "secret")
    False
    """
    named = base64.urlsafe_b64encode(user_id.bytes + _fingerprint(password_hash, secret))
    return _resets(secret).sign(named).decode()


def read_reset_code(code: str, secret: str) -> Reset | None:
    """What the code says; None for what is none of our codes."""
    try:
        named, made_at = _resets(secret).unsign(
            code.encode(errors="replace"), return_timestamp=True
        )
        read = base64.urlsafe_b64decode(named)
        return Reset(UUID(bytes=read[:16]), read[16:], made_at)
    except (BadSignature, ValueError):
        return None


def _fingerprint(password_hash: str, secret: str) -> bytes:
    # Each hash has a salt of its own, so that the same password chosen anew is another one.
    return hmac.digest(secret.encode(), b"atelier.password:" + password_hash.encode(), "sha256")[
        :14
    ]


def _resets(secret: str) -> TimestampSigner:
    return TimestampSigner(secret, salt="atelier.password")


def _confirmations(secret: str) -> Signer:
    return Signer(secret, salt="atelier.confirmation")


def _serializer(service: str, secret: str) -> URLSafeTimedSerializer:
    # The service is part of the salt: cookies do not know ports, so a customer's cookie does reach
    # the CRM of the same host, and has to be worth nothing there.
    return URLSafeTimedSerializer(secret, salt=f"atelier.session.{service}")
