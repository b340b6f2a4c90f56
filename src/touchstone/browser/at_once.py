"""What several people do at the same moment.

Pages belong to the thread of the test, in which Playwright's event loop runs while somebody waits
for the browser. So each act with pages has a greenlet of its own there: when one waits – for the
browser, or in `eventually` – the next one acts, and the browser works for all of them at once.
What needs no page runs in threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

from touchstone.browser.acts import Act, Outcome, outcome

if TYPE_CHECKING:
    from touchstone.browser.context_pool import ContextPool

_GATHERING = 10.0  # seconds until all threads are there


def act_at_once(
    context_pool: ContextPool | None, in_windows: Sequence[Act], elsewhere: Sequence[Act]
) -> list[Any]:
    """The results in their order: first those of `in_windows`, for which `context_pool` is needed.

    Raises the first exception of an act when all have ended; the others are notes of it.
    """
    start = Barrier(len(elsewhere) + 1)

    def in_thread(act: Act) -> Outcome:
        start.wait(_GATHERING)
        return outcome(act)

    with ThreadPoolExecutor(max(1, len(elsewhere))) as threads:
        begun = [threads.submit(in_thread, act) for act in elsewhere]
        start.wait(_GATHERING)
        outcomes = list(context_pool.at_once(in_windows)) if context_pool else []
        outcomes += [each.result() for each in begun]
    errors = [error for _, error in outcomes if error]
    if errors:
        for other in errors[1:]:
            errors[0].add_note(f"At the same moment: {type(other).__name__}: {other}")
        raise errors[0]
    return [result for result, _ in outcomes]
