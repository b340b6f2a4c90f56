from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atelier.domain.lifecycle import STEPS_BACK, TRANSITIONS, Owner, State, is_legal
from atelier.messaging.handler import NotYet, Refused
from atelier.usecases.due import is_due


@pytest.mark.parametrize(
    ("current", "to", "due"),
    [
        (State.SUBMITTED, State.PRICE_CALCULATED, True),
        (State.PRICE_CALCULATED, State.PRICE_CALCULATED, False),
        (State.CONFIRMED, State.PRICE_CALCULATED, False),
        # The order was cancelled while it was being priced: the price is merely late.
        (State.CANCELLED, State.PRICE_CALCULATED, False),
    ],
)
def test_a_step_is_taken_when_it_is_the_next_and_ignored_when_it_is_past(
    current: State, to: State, due: bool
) -> None:
    assert is_due(current, to, Owner.PRICING) is due


def test_only_a_seller_takes_an_order_back_to_its_price() -> None:
    assert is_due(State.CONFIRMED, State.PRICE_CALCULATED, Owner.SELLER)


def test_a_step_that_is_further_ahead_has_to_wait() -> None:
    with pytest.raises(NotYet, match="told of SHIPPED, but the order is still CONFIRMED"):
        is_due(State.CONFIRMED, State.SHIPPED, Owner.OPERATOR)


@pytest.mark.parametrize(
    ("current", "to"),
    [
        (State.PRICING_FAILED, State.PRICE_CALCULATED),
        (State.CANCELLED, State.MANUFACTURING_STARTED),
        (State.MANUFACTURING_STARTED, State.CANCELLED),
    ],
)
def test_a_step_that_cannot_be_reached_any_more_is_refused(current: State, to: State) -> None:
    with pytest.raises(Refused, match=f"told of {to}, which an order that is {current}"):
        is_due(current, to, Owner.CUSTOMER)


@given(told=st.lists(st.tuples(st.sampled_from(State), st.sampled_from(Owner)), max_size=40))
def test_whatever_it_is_told_it_never_leaves_the_legal_graph(
    told: list[tuple[State, Owner]],
) -> None:
    path = [State.SUBMITTED]
    for to, owner in told:
        try:
            if is_due(path[-1], to, owner):
                path.append(to)
        except (NotYet, Refused):
            pass
    assert is_legal(path)


@given(data=st.data())
def test_every_step_of_an_order_that_is_told_of_it_twice_counts_once(data: st.DataObject) -> None:
    path = [State.SUBMITTED]
    while following := sorted(
        after
        for before, after in TRANSITIONS
        if before is path[-1] and (before, after) not in STEPS_BACK
    ):
        path.append(data.draw(st.sampled_from(following)))
    followed = [State.SUBMITTED]
    for to in path[1:]:
        for _ in range(2):
            if is_due(followed[-1], to, min(TRANSITIONS.get((followed[-1], to), Owner))):
                followed.append(to)
    assert followed == path
