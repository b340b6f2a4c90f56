"""Every problem that the partner API answers with, for its OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from atelier.web.openapi import AWAY, Told, problem_responses

_PROBLEMS: Final[Mapping[int, Told]] = {
    400: ("The request cannot be read.", ("bad-request",)),
    401: ("The API key is missing, unknown or revoked.", ("api-key-missing", "api-key-unknown")),
    404: ("You have no such order.", ("order-not-found",)),
    409: ("The order's state does not allow this.", ("forbidden-transition",)),
    413: ("The model is larger than the limit.", ("model-too-large",)),
    415: ("The body is not multipart/form-data.", ("unsupported-media-type",)),
    422: ("Something in the request is not valid.", ("invalid-request",)),
    429: (
        "You have sent too many requests. `Retry-After` says when to go on.",
        ("too-many-requests", "daily-quota-used-up"),
    ),
    503: AWAY,
}

_RATE_LIMIT: Final[Mapping[str, Any]] = {
    "RateLimit-Policy": {
        "description": "Your limits: how many requests (`q`) in how many seconds (`w`).",
        "schema": {"type": "string"},
        "example": '"burst";q=100;w=10, "daily";q=100000;w=86400',
    },
    "RateLimit": {
        "description": "What is left of each (`r`), and in how many seconds all is there again "
        "(`t`).",
        "schema": {"type": "string"},
        "example": '"burst";r=87;t=2, "daily";r=99120;t=51780',
    },
}
_RETRY_AFTER: Final[Mapping[str, Any]] = {
    "Retry-After": {
        "description": "Seconds until a request can succeed again.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    }
}

NO_WEBHOOK: Final[Told] = ("You have no such webhook.", ("webhook-not-found",))
NO_DELIVERY: Final[Told] = (
    "You have no such webhook, or there was no such delivery to it.",
    ("webhook-not-found", "delivery-not-found"),
)
TOO_MANY_WEBHOOKS: Final[Told] = ("You have as many as you may.", ("too-many-webhooks",))
TOO_MUCH_TEXT: Final[Told] = ("The document is too large.", ("request-too-large",))
NOT_JSON: Final[Told] = ("The body is not application/json.", ("unsupported-media-type",))
WRONG_URL: Final[Told] = (
    "The document is not valid, or nothing may be sent to this address.",
    ("invalid-request", "webhook-url-refused"),
)
NO_SUCH_KEY: Final[Told] = ("You have no such key.", ("key-not-found",))
KEY_STAYS: Final[Told] = ("The request was sent with this key.", ("key-in-use",))
TOO_MANY_KEYS: Final[Told] = (
    "You have, or have made within a day, as many as you may.",
    ("too-many-keys",),
)
WRONG_LABEL: Final[Told] = (
    "The document is not valid, or the label holds more than words.",
    ("invalid-request", "key-label-refused"),
)
NO_ESTIMATE: Final[Told] = (
    "You have no such estimate, or its day is over.",
    ("estimate-not-found",),
)
NO_KEY: Final[Told] = (
    "The idempotency key is missing or malformed, or the body cannot be read.",
    ("idempotency-key-missing", "idempotency-key-malformed", "bad-request"),
)
WRONG_CONFIRMATION: Final[Told] = (
    "The document is not valid: the address is missing, or `errors` says what is wrong with it.",
    ("invalid-request",),
)
WRONG_ADDRESS: Final[Told] = (
    "The document is not valid: `errors` says what is wrong with the address.",
    ("invalid-request",),
)
ADDRESS_FIXED: Final[Told] = (
    "The order is not confirmed yet, or it is too late.",
    ("address-fixed",),
)
WRONG_PAGE: Final[Told] = (
    "A parameter is not valid, or the cursor is not one that we gave out.",
    ("invalid-request", "cursor-not-valid"),
)
_MODEL_FAULTS: Final = ("model-not-stl", "model-truncated", "model-empty")
WRONG_PIECE: Final[Told] = (
    "A field is missing, the metal or the finish is unknown, or the file is no complete STL model.",
    ("invalid-request", "unknown-metal", "unknown-finish", *_MODEL_FAULTS),
)
WRONG_ORDER: Final[Told] = (
    "Nothing was ordered: a field is missing, the metal or the finish is unknown, the file is no "
    "complete STL model, or the idempotency key was used for another request.",
    (*WRONG_PIECE[1], "idempotency-key-reused"),
)
WRONG_CHANGE: Final[Told] = (
    "Nothing was changed: the model is missing or no complete STL model, the metal or the finish "
    "is unknown, or the idempotency key was used for another request.",
    WRONG_ORDER[1],
)


def problems(*statuses: int, instead: Mapping[int, Told] | None = None) -> dict[int | str, Any]:
    """The `responses` of a route that can answer these, besides what any route can answer."""
    told = {**_PROBLEMS, **(instead or {})}
    wanted = sorted({400, 401, 429, 503, *statuses})
    responses = problem_responses({status: told[status] for status in wanted})
    for status, response in responses.items():
        # Nobody's limits are known before the key is.
        if status not in (401, 503):
            response["headers"] = dict(_RATE_LIMIT)
        if status in (429, 503):
            response["headers"] = {**response.get("headers", {}), **_RETRY_AFTER}
    return responses


def answered(description: str, **headers: Any) -> dict[str, Any]:
    """A good answer, with the headers that it has besides those of the rate limits."""
    return {"description": description, "headers": {**headers, **_RATE_LIMIT}}
