"""Why there is no price, for those who read it."""

from __future__ import annotations

import pytest

from atelier.data.mes import Calculation
from atelier.data.shop import Estimate, Order
from atelier.languages import LazyText, gettext_lazy, speaking

EMPTY = "The file is empty. Please export the model again."
RUSSIAN = "Файл пуст. Пожалуйста, экспортируйте модель ещё раз."
MESSAGE = gettext_lazy(EMPTY)


@pytest.mark.parametrize("table", [Order, Estimate, Calculation])
@pytest.mark.parametrize(
    ("text", "message", "told"),
    [
        (EMPTY, MESSAGE, RUSSIAN),
        (EMPTY, None, EMPTY),
        ("The surface has a hole.", MESSAGE, "The surface has a hole."),
        (None, MESSAGE, None),
        (None, None, None),
    ],
    ids=["message", "old-row", "changed-by-the-version-before", "no-longer", "none"],
)
def test_it_is_told_in_the_readers_language_where_that_is_known(
    table: type[Order | Estimate | Calculation],
    text: str | None,
    message: LazyText | None,
    told: str | None,
) -> None:
    row = table(failure=text, failure_message=message)
    with speaking("ru"):
        found = row.failure_told
        assert (None if found is None else str(found)) == told
