"""The partner API, version 1: API keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from atelier.data.shop import ApiKey
from atelier.domain.people import LONGEST_NAME, BadName, Named, clean_name
from atelier.languages import gettext_lazy as _
from atelier.partner import register
from atelier.partner.access import KnownPartner, unknown_key
from atelier.partner.problems import (
    KEY_STAYS,
    NO_SUCH_KEY,
    NOT_JSON,
    TOO_MANY_KEYS,
    TOO_MUCH_TEXT,
    WRONG_LABEL,
    answered,
    problems,
)
from atelier.web.bodies import json_body, read_json
from atelier.web.refusal import Refusal
from atelier.web.scope import connections_of

_LOCATION: Final = {"description": "What to revoke it by.", "schema": {"type": "string"}}

router = APIRouter(prefix="/api/v1/keys", tags=["Keys"])


class NewKey(BaseModel):
    """What a new key is for; `{}` where that needs no words."""

    model_config = ConfigDict(extra="forbid")

    label: str = Field(
        default="",
        max_length=LONGEST_NAME,
        description="For you and for us to tell your keys apart, such as `warehouse`: words, and "
        "no address or link.",
        examples=["warehouse"],
    )


class KeyDocument(BaseModel):
    """One of your keys, without the key itself, of which only a hash is kept."""

    id: UUID
    label: str
    created_at: datetime
    in_use: bool = Field(description="Whether this request was sent with it.")


class CreatedKey(KeyDocument):
    """A new key, which is shown this once."""

    key: str = Field(description="`ak_` and 43 characters. Keep it secret.")


class KeyList(BaseModel):
    """Your keys that have not been revoked, oldest first."""

    keys: list[KeyDocument]


@router.post(
    "",
    status_code=201,
    summary="Make a key",
    openapi_extra=json_body(NewKey),
    responses={
        201: answered("Made. The key is shown this once.", Location=_LOCATION),
        **problems(
            409,
            413,
            415,
            422,
            instead={409: TOO_MANY_KEYS, 413: TOO_MUCH_TEXT, 415: NOT_JSON, 422: WRONG_LABEL},
        ),
    },
)
async def make_key(request: Request, response: Response, partner: KnownPartner) -> CreatedKey:
    """Another key, as good as the one that you send this with, which stays good.

    To change your key: make another, have your program use it, and revoke the old one with it.
    """
    wanted = await read_json(request, NewKey)
    try:
        label = clean_name(wanted.label, Named.KEY) if wanted.label.strip() else ""
    except BadName as refused:
        raise Refusal(
            422, "key-label-refused", _("Label refused"), _("label: %(fault)s", fault=refused)
        ) from None
    async with connections_of(request).shop.session() as session:
        _own_key(request, await register.good_keys(session, partner.id, lock=True))
        made = await register.make_key(session, partner, label)
    if made is None:
        raise Refusal(
            409,
            "too-many-keys",
            _("Too many keys"),
            _(
                "You may have %(most)s keys, and make %(most_a_day)s within 24 hours. Revoke one "
                "that you do not need any more, or come back tomorrow.",
                most=register.MOST_KEYS,
                most_a_day=register.MOST_KEYS_A_DAY,
            ),
        )
    kept, key = made
    response.headers["Location"] = f"/api/v1/keys/{kept.id}"
    return CreatedKey(**_document(kept, in_use=False).model_dump(), key=key)


@router.get(
    "", summary="List your keys", responses={200: answered("All that are good."), **problems()}
)
async def list_keys(request: Request, partner: KnownPartner) -> KeyList:
    """Your keys by id and label. The keys themselves are shown only when they are made."""
    async with connections_of(request).shop.session() as session:
        found = await register.good_keys(session, partner.id)
    own = request.state.key_hash
    return KeyList(keys=[_document(key, in_use=key.key_hash == own) for key in found])


@router.delete(
    "/{key_id}",
    status_code=204,
    summary="Revoke a key",
    responses={
        204: answered("It is refused from now on."),
        **problems(404, 409, 422, instead={404: NO_SUCH_KEY, 409: KEY_STAYS}),
    },
)
async def revoke_key(request: Request, partner: KnownPartner, key_id: UUID) -> None:
    """Requests with this key are refused from now on, with 401.

    The key that you send this with cannot be revoked by itself: so you always keep one that works.
    """
    async with connections_of(request).shop.session() as session:
        found = await register.good_keys(session, partner.id, lock=True)
        own = _own_key(request, found)
        key = next((one for one in found if one.id == key_id), None)
        if key is None:
            raise Refusal(
                404, "key-not-found", _("No such key"), _("You have no key %(key)s.", key=key_id)
            )
        if key is own:
            raise Refusal(
                409,
                "key-in-use",
                _("This key is in use"),
                _(
                    "You have sent this request with it. Make another key and revoke this one with "
                    "that."
                ),
            )
        await register.revoke(session, key.id)


def _own_key(request: Request, found: Sequence[ApiKey]) -> ApiKey:
    """The one that the request was sent with, which may have been revoked a moment ago."""
    for key in found:
        if key.key_hash == request.state.key_hash:
            return key
    raise unknown_key()


def _document(key: ApiKey, *, in_use: bool) -> KeyDocument:
    return KeyDocument(id=key.id, label=key.label, created_at=key.created_at, in_use=in_use)
