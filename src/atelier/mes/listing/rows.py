"""One line of the list of work, as it travels: a short JSON array."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from atelier.data.mes import FINAL


class Row(NamedTuple):
    """The fields in the order in which they travel; `web/static/work/rows.js` names them alike.

    `created` is when the work came to the factory, in microseconds since 1970, and `promised` when
    the customer was told to have it, in seconds: numbers that JavaScript holds exactly.
    """

    number: str
    sequence: int
    state: str
    metal: str
    finish: str
    model_name: str
    source: str
    operator: str | None
    created: int
    promised: int | None

    @property
    def is_active(self) -> bool:
        """Whether it belongs into the list; what is finished for good leaves it."""
        return self.state not in FINAL

    @property
    def place(self) -> tuple[int, str]:
        """The list is sorted by it, the highest on top: the newest work."""
        return self.created, self.number

    @property
    def created_at(self) -> datetime:
        return datetime.fromtimestamp(self.created / 1_000_000, UTC)

    @property
    def promised_at(self) -> datetime | None:
        return None if self.promised is None else datetime.fromtimestamp(self.promised, UTC)


def to_json(rows: Iterable[Row]) -> bytes:
    """A JSON array of arrays."""
    return json.dumps(list(rows), ensure_ascii=False, separators=(",", ":")).encode()


def from_json(text: bytes) -> list[Row]:
    return [Row(*fields) for fields in json.loads(text)]
