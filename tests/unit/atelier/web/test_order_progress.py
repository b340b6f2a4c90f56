"""What was, what is and what is to come, for one order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from atelier.domain.lifecycle import State
from atelier.web import order_progress
from atelier.web.order_progress import Phase

NINE = datetime(2026, 3, 7, 9, 5, tzinfo=UTC)


class TestOrderProgress:
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

    def test_an_order_that_was_sent_back_says_so_where_it_was(self) -> None:
        price, confirmed = State.PRICE_CALCULATED, State.CONFIRMED
        history = self.reached(State.SUBMITTED, price, confirmed, price, confirmed)

        told = order_progress.steps(history, [None, None, None, "The band is thin.", None])

        assert [place for place, step in enumerate(told) if step.sent_back is not None] == [3]
        assert told[3].sent_back == "The band is thin."

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
