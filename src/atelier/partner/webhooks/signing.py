"""Signatures of webhooks, as the Standard Webhooks specification has them.

    Webhook-Id: the event's id; the same again when the webhook is sent again
    Webhook-Timestamp: seconds since 1970, of this attempt
    Webhook-Signature: v1,<base64 of HMAC-SHA256 over "id.timestamp.body">

The secret is `whsec_` and the base64 of the key. Nothing of it is kept: it is derived from the
endpoint's id and the platform's own secret key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final
from uuid import UUID

_PREFIX: Final = "whsec_"


def secret_of(endpoint_id: UUID, secret_key: str) -> str:
    """The signing secret of a webhook endpoint."""
    return _PREFIX + _encoded(_hmac(secret_key.encode(), f"atelier.webhook.{endpoint_id}"))


def sign(secret: str, webhook_id: str, timestamp: int, body: str) -> str:
    """The value of the header Webhook-Signature."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return "v1," + _encoded(_hmac(key, f"{webhook_id}.{timestamp}.{body}"))


def _hmac(key: bytes, content: str) -> bytes:
    return hmac.digest(key, content.encode(), hashlib.sha256)


def _encoded(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
