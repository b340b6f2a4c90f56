"""What the services' HTTP shares, as far as it needs no server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from atelier.domain.finishes import FINISHES, UnknownFinish
from atelier.domain.lifecycle import IllegalTransition, Owner, State
from atelier.domain.metals import METALS, UnknownMetal
from atelier.domain.models3d import ModelRejected
from atelier.partner import intake
from atelier.shop.accounts import Registration
from atelier.storage.blob_store import StoreUnavailable
from atelier.storage.model_store import ModelMissing, StoredModel
from atelier.usecases.orders import OrderNotFound
from atelier.usecases.work_orders import AlreadyTaken, WorkOrderNotFound
from atelier.web import order_progress
from atelier.web.order_progress import Phase
from atelier.web.origin import is_cross_site
from atelier.web.refusal import UNDERSTOOD, Refusal, refusal_of, refusal_of_status
from atelier.web.rendering import file_size, metal_name, moment, money, short_moment
from atelier.web.sessions import wanted_path

NINE = datetime(2026, 3, 7, 9, 5, tzinfo=UTC)


class TestOrigin:
    @pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
    def test_reading_is_free(self, method: str) -> None:
        assert not is_cross_site(method, {"sec-fetch-site": "cross-site"})

    @pytest.mark.parametrize(
        ("headers", "refused"),
        [
            ({}, False),
            ({"sec-fetch-site": "same-origin"}, False),
            ({"sec-fetch-site": "none"}, False),
            ({"sec-fetch-site": "same-site"}, True),
            ({"sec-fetch-site": "cross-site"}, True),
            # Another port is same-site, and still not ours.
            ({"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:1"}, True),
            ({"origin": "http://127.0.0.1:8001"}, False),
            ({"origin": "http://127.0.0.1:8002"}, True),
            ({"origin": "https://evil.example"}, True),
            ({"origin": "null"}, True),
            # The browser's own word counts more than what a proxy made of the host.
            ({"sec-fetch-site": "same-origin", "origin": "https://shop.example"}, False),
        ],
    )
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    def test_writing_is_for_our_own_pages(
        self, method: str, headers: dict[str, str], refused: bool
    ) -> None:
        assert is_cross_site(method, {"host": "127.0.0.1:8001", **headers}) is refused


class TestLifeline:
    def reached(self, *states: State) -> list[tuple[State, datetime]]:
        return [(state, NINE + timedelta(minutes=n)) for n, state in enumerate(states)]

    def test_what_happened_what_is_and_what_is_to_come(self) -> None:
        told = order_progress.steps(self.reached(State.INITIATED, State.FILE_UPLOADED))

        assert [step.phase for step in told] == [Phase.DONE, Phase.CURRENT, *[Phase.TO_COME] * 9]
        assert told[1].at == NINE + timedelta(minutes=1)
        assert {step.at for step in told[2:]} == {None}
        assert told[-1].state is State.CLOSED

    def test_a_partners_order_begins_where_it_began(self) -> None:
        told = order_progress.steps(self.reached(State.SUBMITTED))

        assert [step.state for step in told[:2]] == [State.SUBMITTED, State.PRICE_CALCULATED]

    @pytest.mark.parametrize("end", [State.PRICING_FAILED, State.CANCELLED])
    def test_nothing_is_promised_after_a_bad_end(self, end: State) -> None:
        told = order_progress.steps(self.reached(State.SUBMITTED, end))

        assert [(step.state, step.phase) for step in told] == [
            (State.SUBMITTED, Phase.DONE),
            (end, Phase.CURRENT),
        ]

    def test_no_history_no_line(self) -> None:
        assert order_progress.steps([]) == []

    def test_the_line_of_a_closed_order_is_complete(self) -> None:
        told = order_progress.steps(self.reached(State.SUBMITTED, State.CLOSED))

        assert Phase.TO_COME not in {step.phase for step in told}

    def test_only_last_states_are_final(self) -> None:
        assert {state for state in State if order_progress.is_final(state)} == {
            State.CLOSED,
            State.CANCELLED,
        }

    def test_a_page_looks_often_only_while_the_price_is_awaited(self) -> None:
        paces = {state: order_progress.poll_interval(state) for state in State}

        assert paces.pop(State.SUBMITTED) == "400ms"
        assert paces.pop(State.CLOSED) is None
        assert paces.pop(State.CANCELLED) is None
        assert set(paces.values()) == {"2s"}


class TestRefusal:
    @pytest.mark.parametrize(
        ("error", "status", "type_"),
        [
            (
                IllegalTransition(State.CLOSED, State.SHIPPED, Owner.OPERATOR),
                409,
                "forbidden-transition",
            ),
            (AlreadyTaken("AT-1", "Irina"), 409, "already-taken"),
            (UnknownMetal("tin"), 422, "unknown-metal"),
            (ModelRejected("too-large", "Too large."), 413, "model-too-large"),
            (ModelRejected("truncated", "Cut off."), 422, "model-truncated"),
            (OrderNotFound("AT-1"), 404, "order-not-found"),
            (WorkOrderNotFound("AT-1"), 404, "order-not-found"),
        ],
    )
    def test_every_fault_has_its_status_and_type(
        self, error: Exception, status: int, type_: str
    ) -> None:
        refusal = refusal_of(error)

        assert (refusal.status, refusal.type) == (status, f"urn:atelier:problem:{type_}")
        assert refusal.detail == str(error)

    def test_all_that_pages_catch_can_be_told(self) -> None:
        told = {Refusal, IllegalTransition, AlreadyTaken, UnknownMetal, UnknownFinish}
        told |= {ModelRejected, OrderNotFound, WorkOrderNotFound, StoreUnavailable, ModelMissing}
        assert set(UNDERSTOOD) == told

    @pytest.mark.parametrize("error", [StoreUnavailable(), ModelMissing("c0ffee")])
    def test_what_may_pass_says_when_to_come_back(self, error: Exception) -> None:
        refusal = refusal_of(error)

        assert refusal.status == 503
        assert int(refusal.headers["Retry-After"]) > 0
        assert "c0ffee" not in refusal.detail  # that is for our log

    def test_our_own_faults_are_not_the_users(self) -> None:
        with pytest.raises(TypeError):
            refusal_of(ZeroDivisionError())

    def test_the_known_finishes_are_named(self) -> None:
        assert all(code in refusal_of(UnknownFinish("rusty")).detail for code in FINISHES)

    def test_the_known_metals_are_named(self) -> None:
        assert all(code in refusal_of(UnknownMetal("tin")).detail for code in METALS)

    @pytest.mark.parametrize("status", [400, 404, 405, 415, 418])
    def test_a_bare_status_is_told_too(self, status: int) -> None:
        refusal = refusal_of_status(status)

        assert refusal.status == status
        assert refusal.title
        assert refusal.detail


class TestWriting:
    @given(amount=st.decimals("0", "9999999999.99", places=2))
    def test_money_can_be_read_back(self, amount: Decimal) -> None:
        text = money(amount)

        assert text.startswith("€ ")
        assert Decimal(text.removeprefix("€ ").replace(",", "")) == amount

    def test_money_has_groups_and_two_places(self) -> None:
        assert money(Decimal("1234.5")) == "€ 1,234.50"

    @pytest.mark.parametrize(
        ("size", "text"),
        [(0, "0 bytes"), (1023, "1023 bytes"), (190_384, "186 KB"), (52_428_800, "50 MB")],
    )
    def test_sizes(self, size: int, text: str) -> None:
        assert file_size(size) == text

    def test_times_are_told_in_utc(self) -> None:
        there = NINE.astimezone(timezone(timedelta(hours=3)))

        assert moment(there) == "7 Mar 2026, 09:05 UTC"
        assert short_moment(NINE) == "7 Mar, 09:05"

    def test_a_metal_that_is_no_longer_offered_keeps_its_code(self) -> None:
        assert metal_name("gold-750") == METALS["gold-750"].name
        assert metal_name("gold-999") == "gold-999"


class TestRegistration:
    def test_a_complete_one(self) -> None:
        assert Registration("Anna", "anna@example.com", "0123456789").faults() == {}

    @pytest.mark.parametrize(
        ("name", "email", "password", "faulty"),
        [
            ("", "anna@example.com", "0123456789", {"name"}),
            ("a" * 101, "anna@example.com", "0123456789", {"name"}),
            ("Anna", "anna", "0123456789", {"email"}),
            ("Anna", "anna@@example.com", "0123456789", {"email"}),
            ("Anna", "anna@example.com", "012345678", {"password"}),
            ("Anna", "anna@example.com", "x" * 201, {"password"}),
            ("", "", "", {"name", "email", "password"}),
        ],
    )
    def test_what_is_wrong_is_told_by_field(
        self, name: str, email: str, password: str, faulty: set[str]
    ) -> None:
        assert set(Registration(name, email, password).faults()) == faulty


class TestWayAfterSignIn:
    @pytest.mark.parametrize(
        ("query", "leads_to"),
        [
            ("", "/orders"),
            ("next=/orders/AT-7K3M9Q", "/orders/AT-7K3M9Q"),
            ("next=https://evil.example", "/orders"),
            ("next=//evil.example", "/orders"),
            ("next=/%5Cevil.example", "/orders"),
            ("next=/%09/evil.example", "/orders"),
            (
                "next=/studio%3Fsize%3D54%26engraving%3D%25D0%2590%2B%2526",
                "/studio?size=54&engraving=%D0%90+%26",
            ),
            ("next=/studio%3Fx%3D%0d%0aSet-Cookie:a%3Db", "/orders"),
            ("next=//evil.example%3Fx", "/orders"),
            ("next=/studio%3F" + "x" * 2000, "/orders"),
        ],
    )
    def test_never_to_another_site(self, query: str, leads_to: str) -> None:
        request = Request({"type": "http", "query_string": query.encode(), "headers": []})

        assert wanted_path(request, "/orders") == leads_to


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
