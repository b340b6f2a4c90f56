"""What a mail program would make a link of."""

from __future__ import annotations

import re
import unicodedata

LINKED = re.compile(
    r"(?:https?|ftp|mailto|tel):\S|//|www\.\S|@|(?:\d+\.){3}\d|[^\W_]+\.[^\W\d_]{2,}", re.IGNORECASE
)
"""What some mail program or other makes a link of."""


def is_linked(text: str) -> bool:
    return LINKED.search(unicodedata.normalize("NFKC", text)) is not None
