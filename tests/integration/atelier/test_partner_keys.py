"""A partner's own keys, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from atelier.clock import now
from atelier.data.shop import ApiKey
from atelier.partner.register import MOST_KEYS, MOST_KEYS_A_DAY
from atelier.security import hash_api_key
from fixtures.company import Company
from tests.integration.atelier.partner_client import assert_problem, client


@pytest.fixture
def partner(company: Company) -> Iterator[httpx.Client]:
    with client(company, "Meridian") as http:
        yield http


def make(http: httpx.Client, label: str = "") -> dict[str, Any]:
    answer = http.post("/api/v1/keys", json={"label": label})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/v1/keys/{made['id']}"
    return made


def keys(http: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = http.get("/api/v1/keys").raise_for_status().json()["keys"]
    return found


def with_key(http: httpx.Client, key: str) -> httpx.Client:
    return httpx.Client(base_url=http.base_url, headers={"Authorization": f"Bearer {key}"})


def test_a_key_is_shown_once_and_revokes_the_one_before(
    partner: httpx.Client, company: Company
) -> None:
    [old] = keys(partner)
    made = make(partner, " warehouse  2 ")

    assert made["label"] == "warehouse 2"
    assert [(one["id"], one["in_use"]) for one in keys(partner)] == [
        (old["id"], True),
        (made["id"], False),
    ]
    assert "ak_" not in partner.get("/api/v1/keys").text
    with Session(company.shop_database) as session:
        kept = session.scalars(sa.select(ApiKey.key_hash)).all()
    assert hash_api_key(made["key"]) in kept

    with with_key(partner, made["key"]) as anew:
        assert anew.delete(f"/api/v1/keys/{old['id']}").status_code == 204
        assert_problem(partner.get("/api/v1/orders"), 401, "api-key-unknown")
        assert [one["id"] for one in keys(anew)] == [made["id"]]
        # It is the last one, too.
        assert_problem(anew.delete(f"/api/v1/keys/{made['id']}"), 409, "key-in-use")
        assert_problem(anew.delete(f"/api/v1/keys/{old['id']}"), 404, "key-not-found")
        assert keys(anew)


def test_a_partner_sees_and_revokes_its_own_keys_only(
    partner: httpx.Client, company: Company
) -> None:
    made = make(partner)
    with client(company, "Goldfinch") as other:
        for key_id in (made["id"], str(UUID(int=0))):
            assert_problem(other.delete(f"/api/v1/keys/{key_id}"), 404, "key-not-found")
        assert made["id"] not in {one["id"] for one in keys(other)}
    with with_key(partner, made["key"]) as anew:
        assert keys(anew)


def test_two_keys_that_revoke_each_other_leave_one(partner: httpx.Client) -> None:
    for _ in range(5):
        first, second = make(partner, "first"), make(partner, "second")
        with (
            with_key(partner, first["key"]) as one,
            with_key(partner, second["key"]) as another,
            ThreadPoolExecutor(2) as at_once,
        ):
            answers = [
                at_once.submit(one.delete, f"/api/v1/keys/{second['id']}"),
                at_once.submit(another.delete, f"/api/v1/keys/{first['id']}"),
            ]
            assert sorted(answer.result().status_code for answer in answers) == [204, 401]
        [own, left] = keys(partner)
        assert own["in_use"]
        assert partner.delete(f"/api/v1/keys/{left['id']}").status_code == 204


def test_a_partner_has_no_more_keys_than_it_may(partner: httpx.Client, company: Company) -> None:
    made = [make(partner) for _ in range(MOST_KEYS - 1)]
    assert_problem(partner.post("/api/v1/keys", json={}), 409, "too-many-keys")
    for one in made:
        assert partner.delete(f"/api/v1/keys/{one['id']}").status_code == 204

    count = MOST_KEYS
    while partner.post("/api/v1/keys", json={}).status_code == 201:
        count += 1
        partner.delete(f"/api/v1/keys/{keys(partner)[-1]['id']}")
    assert count == MOST_KEYS_A_DAY

    with Session(company.shop_database) as session:
        session.execute(sa.update(ApiKey).values(created_at=now() - timedelta(days=1.1)))
        session.commit()
    make(partner)


@pytest.mark.parametrize(
    ("document", "slug"),
    [
        ({"label": "two\nlines"}, "key-label-refused"),
        ({"label": "\u202eturned round"}, "key-label-refused"),
        ({"label": "see https://evil.example"}, "key-label-refused"),
        ({"label": "x" * 101}, "invalid-request"),
        ({"name": "warehouse"}, "invalid-request"),
        (["warehouse"], "invalid-request"),
    ],
)
def test_a_label_is_words(partner: httpx.Client, document: object, slug: str) -> None:
    assert_problem(partner.post("/api/v1/keys", json=document), 422, slug)
    assert len(keys(partner)) == 1
