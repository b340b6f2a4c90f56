"""What `atelier seed` does and says."""

from __future__ import annotations

import secrets
import time
from typing import Final

from atelier import security
from atelier.clock import now
from atelier.seeding.seed import OPERATORS, PARTNERS, SELLERS, Company, NotEmpty, seed
from atelier.settings import settings

_SMALL: Final = (300, 120)


def run(size: tuple[int, int] | None, number: int, password: str | None) -> str:
    """`size` is how many orders there are to be, and how many of them active; None for few."""
    orders, active = size or _SMALL
    password = password or secrets.token_urlsafe(9)
    hashed = security.hash_password(password, settings().password_cost)
    company = Company(orders, active, number, hashed, now())
    began = time.monotonic()
    try:
        key = seed(settings(), company)
    except NotEmpty as refused:
        return str(refused)
    return (
        f"{orders:,} orders, {active:,} of them active work, in {time.monotonic() - began:.0f} s.\n"
        f"  shop     customer-1@example.com … customer-{company.customers}@example.com\n"
        f"  crm      {SELLERS[0].lower()}@example.com and {len(SELLERS) - 1} more\n"
        f"  mes      {OPERATORS[0].lower()}@example.com and {len(OPERATORS) - 1} more\n"
        f"  partner  Authorization: Bearer {key}   ({PARTNERS[0]})\n"
        f"The password of all of them is {password}"
    )
