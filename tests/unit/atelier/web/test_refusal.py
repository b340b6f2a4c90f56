"""Each fault has a status, a type and words."""

from __future__ import annotations

import pytest

from atelier.domain.delivery import AddressFixed, AddressMissing
from atelier.domain.finishes import FINISHES, UnknownFinish
from atelier.domain.lifecycle import IllegalTransition, Owner, State
from atelier.domain.metals import METALS, UnknownMetal
from atelier.domain.models3d import ModelRejected
from atelier.languages import verbatim
from atelier.storage.blob_store import StoreUnavailable
from atelier.storage.model_store import ModelMissing
from atelier.usecases.orders import OrderNotFound
from atelier.usecases.work_orders import AlreadyTaken, WorkOrderNotFound
from atelier.web.refusal import UNDERSTOOD, Refusal, refusal_of, refusal_of_status


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
            (ModelRejected("too-large", verbatim("Too large.")), 413, "model-too-large"),
            (ModelRejected("truncated", verbatim("Cut off.")), 422, "model-truncated"),
            (OrderNotFound("AT-1"), 404, "order-not-found"),
            (WorkOrderNotFound("AT-1"), 404, "order-not-found"),
            (AddressMissing("AT-1"), 409, "address-missing"),
            (AddressFixed(State.PACKAGING), 409, "address-fixed"),
        ],
    )
    def test_every_fault_has_its_status_and_type(
        self, error: Exception, status: int, type_: str
    ) -> None:
        refusal = refusal_of(error)

        assert (refusal.status, refusal.type) == (status, f"urn:atelier:problem:{type_}")
        assert str(refusal.detail) == str(error)

    def test_all_that_pages_catch_can_be_told(self) -> None:
        told = {Refusal, IllegalTransition, AlreadyTaken, UnknownMetal, UnknownFinish}
        told |= {ModelRejected, OrderNotFound, WorkOrderNotFound, StoreUnavailable, ModelMissing}
        told |= {AddressFixed, AddressMissing}
        assert set(UNDERSTOOD) == told

    @pytest.mark.parametrize("error", [StoreUnavailable(), ModelMissing("c0ffee")])
    def test_what_may_pass_says_when_to_come_back(self, error: Exception) -> None:
        refusal = refusal_of(error)

        assert refusal.status == 503
        assert int(refusal.headers["Retry-After"]) > 0
        assert "c0ffee" not in str(refusal.detail)  # that is for our log

    def test_our_own_faults_are_not_the_users(self) -> None:
        with pytest.raises(TypeError):
            refusal_of(ZeroDivisionError())

    def test_the_known_finishes_are_named(self) -> None:
        assert all(code in str(refusal_of(UnknownFinish("rusty")).detail) for code in FINISHES)

    def test_the_known_metals_are_named(self) -> None:
        assert all(code in str(refusal_of(UnknownMetal("tin")).detail) for code in METALS)

    @pytest.mark.parametrize("status", [400, 404, 405, 415, 418])
    def test_a_bare_status_is_told_too(self, status: int) -> None:
        refusal = refusal_of_status(status)

        assert refusal.status == status
        assert refusal.title
        assert refusal.detail
