"""The life cycle against the table of the design, which is written out here once more."""

from __future__ import annotations

import itertools
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atelier.domain.lifecycle import (
    SENT_BACK,
    STEPS_BACK,
    TRANSITIONS,
    IllegalTransition,
    Owner,
    State,
    check,
    is_behind,
    is_legal,
    is_sent_back,
)
from atelier.languages import LANGUAGES, speaking
from fixtures import converters

DESIGN = """
    -                       INITIATED                customer
    INITIATED               FILE_UPLOADED            customer
    FILE_UPLOADED           SUBMITTED                customer partner
    -                       SUBMITTED                partner
    SUBMITTED               PRICE_CALCULATED         pricing
    SUBMITTED               PRICING_FAILED           pricing
    PRICE_CALCULATED        CONFIRMED                customer partner
    CONFIRMED               MANUFACTURING_APPROVED   seller
    MANUFACTURING_APPROVED  MANUFACTURING_STARTED    operator
    MANUFACTURING_STARTED   MANUFACTURING_COMPLETED  operator
    MANUFACTURING_COMPLETED PACKAGING                operator
    PACKAGING               SHIPPED                  operator
    SHIPPED                 CLOSED                   seller
    CONFIRMED               PRICE_CALCULATED         seller
    PRICE_CALCULATED        FILE_UPLOADED            customer partner
    PRICING_FAILED          FILE_UPLOADED            customer partner
    INITIATED               CANCELLED                customer partner seller
    FILE_UPLOADED           CANCELLED                customer partner seller
    SUBMITTED               CANCELLED                customer partner seller
    PRICE_CALCULATED        CANCELLED                customer partner seller
    PRICING_FAILED          CANCELLED                customer partner seller
    CONFIRMED               CANCELLED                customer partner seller
    MANUFACTURING_APPROVED  CANCELLED                customer partner seller
"""
TABLE = {
    (None if before == "-" else State(before), State(after)): {Owner(owner) for owner in owners}
    for before, after, *owners in map(str.split, DESIGN.strip().splitlines())
}

any_state = st.sampled_from(State)
any_owner = st.sampled_from(Owner)


@st.composite
def legal_histories(draw: st.DrawFn, steps_back: int = 3) -> list[State]:
    history: list[State] = []
    current: State | None = None
    while after := [
        b for a, b in TABLE if a is current and (steps_back > 0 or (a, b) not in STEPS_BACK)
    ]:
        if bool(history) and draw(st.booleans()):
            break
        following = draw(st.sampled_from(after))
        steps_back -= (current, following) in STEPS_BACK
        current = following
        history.append(current)
    return history


def test_an_order_that_was_sent_back_is_confirmed_again() -> None:
    again = [State.PRICE_CALCULATED, State.CONFIRMED]
    assert is_legal([State.SUBMITTED, *again, *again, State.MANUFACTURING_APPROVED])


@pytest.mark.parametrize("answer", [State.PRICE_CALCULATED, State.PRICING_FAILED])
def test_another_model_is_submitted_in_place_of_one_that_was_answered(answer: State) -> None:
    first = [State.INITIATED, State.FILE_UPLOADED, State.SUBMITTED, answer]
    another = [State.FILE_UPLOADED, State.SUBMITTED, State.PRICE_CALCULATED]
    assert is_legal([*first, *another, *another, State.CONFIRMED])


@pytest.mark.parametrize("owner", [Owner.SELLER, Owner.PRICING])
def test_only_whoever_ordered_replaces_the_model(owner: Owner) -> None:
    with pytest.raises(IllegalTransition):
        check(State.PRICE_CALCULATED, State.FILE_UPLOADED, owner)


def test_what_is_confirmed_or_being_measured_is_not_replaced() -> None:
    for state in (State.SUBMITTED, State.CONFIRMED, State.CANCELLED):
        for owner in (Owner.CUSTOMER, Owner.PARTNER):
            with pytest.raises(IllegalTransition):
                check(state, State.FILE_UPLOADED, owner)


@pytest.mark.parametrize(
    ("history", "so"),
    [
        ([State.SUBMITTED, *SENT_BACK], True),
        ([State.SUBMITTED, State.PRICE_CALCULATED], False),
        ([*SENT_BACK, State.CONFIRMED], False),
        ([*SENT_BACK, State.FILE_UPLOADED, State.SUBMITTED, State.PRICE_CALCULATED], False),
    ],
    ids=["sent back", "priced for the first time", "confirmed again", "priced anew"],
)
def test_an_order_is_sent_back_until_something_follows(history: list[State], so: bool) -> None:
    assert is_sent_back(history) is so


def test_every_transition_has_the_owners_of_the_table() -> None:
    assert TRANSITIONS == TABLE


@pytest.mark.parametrize("current", [None, *State])
def test_nothing_is_possible_but_what_the_table_allows(current: State | None) -> None:
    for wanted, owner in itertools.product(State, Owner):
        if owner in TABLE.get((current, wanted), ()):
            check(current, wanted, owner)
        else:
            with pytest.raises(IllegalTransition) as refused:
                check(current, wanted, owner)
            assert (refused.value.current, refused.value.wanted, refused.value.owner) == (
                current,
                wanted,
                owner,
            )


@given(st.lists(st.tuples(any_state, any_owner), max_size=60))
def test_no_sequence_of_requests_leaves_the_legal_graph(
    requests: list[tuple[State, Owner]],
) -> None:
    history: list[State] = []
    current: State | None = None
    for wanted, owner in requests:
        try:
            check(current, wanted, owner)
        except IllegalTransition:
            continue
        assert owner in TABLE[current, wanted]
        history.append(wanted)
        current = wanted
    assert is_legal(history) or not history


@given(legal_histories())
def test_a_way_through_the_table_is_legal(history: list[State]) -> None:
    assert is_legal(history)


@given(legal_histories(), st.data())
def test_a_history_with_a_repeated_state_is_not_legal(
    history: list[State], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(history) - 1))
    assert not is_legal([*history[: at + 1], *history[at:]])


@given(legal_histories(0).filter(lambda history: len(history) > 1), st.data())
def test_a_history_in_another_order_is_not_legal(history: list[State], data: st.DataObject) -> None:
    another = data.draw(st.permutations(history).filter(lambda order: order != history))
    assert not is_legal(another)


@pytest.mark.parametrize(
    "history",
    [
        [],
        [State.FILE_UPLOADED],
        [State.CANCELLED],
        [State.SUBMITTED, State.CONFIRMED],
        [State.INITIATED, State.SUBMITTED],
        [State.INITIATED, State.CANCELLED, State.FILE_UPLOADED],
    ],
)
def test_a_history_with_a_gap_or_after_the_end_is_not_legal(history: list[State]) -> None:
    assert not is_legal(history)


@given(legal_histories(0), st.data())
def test_earlier_states_of_a_history_are_behind_later_ones(
    history: list[State], data: st.DataObject
) -> None:
    later = data.draw(st.integers(0, len(history) - 1))
    for earlier in range(later):
        assert is_behind(history[earlier], history[later])
        assert not is_behind(history[later], history[earlier])


@pytest.mark.parametrize("state", State)
def test_no_state_is_behind_itself(state: State) -> None:
    assert not is_behind(state, state)


@pytest.mark.parametrize(
    ("state", "other"),
    [
        (State.PRICING_FAILED, State.CONFIRMED),
        (State.PRICE_CALCULATED, State.PRICING_FAILED),
        (State.MANUFACTURING_STARTED, State.CANCELLED),
        (State.CANCELLED, State.CLOSED),
        (State.PRICING_FAILED, State.FILE_UPLOADED),
    ],
)
def test_states_on_different_ways_are_not_behind_each_other(state: State, other: State) -> None:
    assert not is_behind(state, other)


@pytest.mark.parametrize(
    ("current", "wanted", "owner", "text"),
    [
        (
            State.CONFIRMED,
            State.SHIPPED,
            Owner.OPERATOR,
            'The order cannot become "Shipped": it is "Confirmed". From there it can become '
            '"Approved for manufacturing" (by the seller), "Price ready" (by the seller) or '
            '"Cancelled" (by the customer, partner or seller).',
        ),
        (
            State.PACKAGING,
            State.SHIPPED,
            Owner.CUSTOMER,
            'The customer cannot make an order "Shipped": only the operator can.',
        ),
        (
            State.CLOSED,
            State.CANCELLED,
            Owner.SELLER,
            'The order cannot become "Cancelled": it is "Closed", and nothing can follow that.',
        ),
        (
            State.SHIPPED,
            State.SHIPPED,
            Owner.OPERATOR,
            'The order is already "Shipped". From there it can become "Closed" (by the seller).',
        ),
        (
            None,
            State.CONFIRMED,
            Owner.CUSTOMER,
            'An order cannot begin as "Confirmed": it begins as "Started" (by the customer) or '
            '"Price being calculated" (by the partner).',
        ),
    ],
)
def test_a_refusal_says_what_is_possible(
    current: State | None, wanted: State, owner: Owner, text: str
) -> None:
    refusal = IllegalTransition(current, wanted, owner)
    assert str(refusal) == text
    assert str(pickle.loads(pickle.dumps(refusal))) == text


def test_people_read_another_name_for_every_state() -> None:
    assert {state: str(state.label) for state in State} == {
        State.INITIATED: "Started",
        State.FILE_UPLOADED: "Model uploaded",
        State.SUBMITTED: "Price being calculated",
        State.PRICE_CALCULATED: "Price ready",
        State.PRICING_FAILED: "No price possible",
        State.CONFIRMED: "Confirmed",
        State.MANUFACTURING_APPROVED: "Approved for manufacturing",
        State.MANUFACTURING_STARTED: "In manufacturing",
        State.MANUFACTURING_COMPLETED: "Manufactured",
        State.PACKAGING: "Being packed",
        State.SHIPPED: "Shipped",
        State.CLOSED: "Closed",
        State.CANCELLED: "Cancelled",
    }


def test_the_features_call_the_states_as_the_pages_do() -> None:
    for known in State:
        names = []
        for language in LANGUAGES:
            with speaking(language):
                names.append(str(known.label))
        assert len(set(names)) == 2
        assert [converters.state(name) for name in names] == [known, known]


def test_a_refusal_is_told_in_the_language_of_who_reads_it() -> None:
    with speaking("ru"):
        assert str(IllegalTransition(State.CLOSED, State.CANCELLED, Owner.SELLER)) == (
            "Перевести заказ в статус «Отменён» нельзя: его статус «Закрыт» – окончательный."
        )
        assert str(IllegalTransition(State.PACKAGING, State.SHIPPED, Owner.PARTNER)) == (
            "В статус «Отправлен» заказ переводит только оператор, а не партнёр."
        )


def test_a_state_is_written_as_its_name() -> None:
    assert all(state.value == state.name == str(state) for state in State)
