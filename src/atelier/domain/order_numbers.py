"""What an order's number looks like."""

from __future__ import annotations

from typing import Final

PREFIX: Final = "AT-"
SIGNS: Final = "2346789CDFGHJKMNPQRTVWX"
"""No vowels, so that no number is a word; nothing that is read or heard as something else."""
LENGTH: Final = 6


def is_number(text: str) -> bool:
    """Whether an order could have this number.

    >>> is_number("AT-7K3M9Q"), is_number("AT-AEIOU0")
    (True, False)
    """
    signs = text[len(PREFIX) :]
    return text.startswith(PREFIX) and len(signs) == LENGTH and set(signs) <= set(SIGNS)
