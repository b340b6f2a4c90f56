"""Idempotency keys and fingerprints of partners' orders."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from atelier.partner import intake
from atelier.storage.model_store import StoredModel
from atelier.web.refusal import Refusal


class TestIdempotency:
    def request(self, **changes: object) -> intake.Request:
        given: dict[str, object] = {
            "partner_id": uuid4(),
            "key": "k",
            "model": StoredModel("c" * 64, "ring.stl", 84),
            "metal": "gold-750",
            "finish": "polished",
            "reference": None,
            **changes,
        }
        return intake.Request(**given)  # type: ignore[arg-type]

    def test_equal_orders_have_equal_fingerprints_whatever_the_file_is_called(self) -> None:
        renamed = self.request(model=StoredModel("c" * 64, "ring (1).stl", 84))

        assert self.request().fingerprint == renamed.fingerprint

    @pytest.mark.parametrize(
        "change",
        [
            {"metal": "gold-585"},
            {"finish": "satin"},
            {"reference": ""},
            {"reference": "PO-1"},
            {"model": StoredModel("d" * 64, "ring.stl", 84)},
        ],
    )
    def test_other_orders_have_others(self, change: dict[str, object]) -> None:
        assert self.request().fingerprint != self.request(**change).fingerprint

    @pytest.mark.parametrize(
        "change",
        [
            {"order_id": uuid4()},
            {"metal": "gold-585"},
            {"finish": "satin"},
            {"model": StoredModel("d" * 64, "ring.stl", 84)},
        ],
        ids=["order", "metal", "finish", "model"],
    )
    def test_another_model_for_an_order_is_told_from_any_other_request(
        self, change: dict[str, Any]
    ) -> None:
        model = StoredModel("c" * 64, "ring.stl", 84)
        sent = intake.Replacement(uuid4(), "k", uuid4(), model, "gold-750", "polished")
        renamed = replace(sent, model=StoredModel("c" * 64, "ring (1).stl", 84))

        assert sent.fingerprint == renamed.fingerprint
        assert sent.fingerprint != replace(sent, **change).fingerprint
        assert sent.fingerprint != self.request(reference=str(sent.order_id)).fingerprint

    @pytest.mark.parametrize("key", ["a", "x" * 255, "PO-1/2026!~"])
    def test_keys_are_visible_ascii(self, key: str) -> None:
        assert intake.checked_key(key) == key

    @pytest.mark.parametrize(
        ("key", "slug"),
        [
            (None, "idempotency-key-missing"),
            ("", "idempotency-key-missing"),
            ("two words", "idempotency-key-malformed"),
            ("x" * 256, "idempotency-key-malformed"),
            ("ключ", "idempotency-key-malformed"),
            ("line\n", "idempotency-key-malformed"),
        ],
    )
    def test_other_keys_are_refused(self, key: str | None, slug: str) -> None:
        with pytest.raises(Refusal) as refused:
            intake.checked_key(key)

        assert (refused.value.status, refused.value.slug) == (400, slug)
