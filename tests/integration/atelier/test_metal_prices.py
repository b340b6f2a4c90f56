"""The price of a gram: set at the command line, used by pricing, shown by the shop."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable

import httpx
import psycopg
import pytest

from touchstone.sandbox import Sandbox
from touchstone.waiting import eventually

Prices = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def prices(sandbox: Sandbox) -> Prices:
    """`atelier prices …` for the sandbox."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ATELIER_")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "atelier", "prices", *arguments],
            env={**clean, **sandbox.environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def shown(sandbox: Sandbox) -> list[str]:
    page = httpx.get(sandbox.services["shop"]).text
    return re.findall(r"€ ([\d.,]+) a gram", page)


def test_the_shop_shows_what_a_gram_costs_now(sandbox: Sandbox, prices: Prices) -> None:
    assert shown(sandbox) == ["1.60", "61.40", "78.70", "38.90"]

    tomorrow = prices("set", "gold-750", "99.00", "--from", "2999-01-01")
    now = prices("set", "gold-585", "63.20")

    assert (tomorrow.returncode, now.returncode) == (0, 0), tomorrow.stderr + now.stderr
    assert tomorrow.stdout == "Gold 750: 99.00 EUR a gram from 2999-01-01 00:00 UTC.\n"
    eventually(
        lambda: shown(sandbox), until=lambda found: found == ["1.60", "63.20", "78.70", "38.90"]
    )


def test_the_list_marks_what_is_valid_now(prices: Prices) -> None:
    prices("set", "silver-925", "1.75", "--from", "2026-01-01T12:00+03:00")
    prices("set", "silver-925", "1.70", "--from", "2999-01-01")

    lines = [" ".join(line.split()) for line in prices("list").stdout.splitlines()]

    assert [line for line in lines if "silver" in line] == [
        "silver-925 1.60 EUR/g from 2000-01-01 00:00 UTC",
        "→ silver-925 1.75 EUR/g from 2026-01-01 09:00 UTC",
        "silver-925 1.70 EUR/g from 2999-01-01 00:00 UTC",
    ]


def test_a_slip_is_refused_in_plain_words(prices: Prices) -> None:
    for arguments, reason in (
        (("brass", "3.00"), "We do not work in “brass”"),
        (("gold-585", "free"), "“free” is no price"),
        (("gold-585", "0"), "A gram costs at least 0.01"),
        (("gold-585", "61.40", "--from", "tomorrow"), "“tomorrow” is no date"),
    ):
        refused = prices("set", *arguments)
        assert refused.returncode == 2
        assert reason in refused.stderr
        assert "Traceback" not in refused.stderr


def test_a_kept_price_that_does_not_follow_from_its_basis_is_found(
    sandbox: Sandbox, prices: Prices
) -> None:
    assert prices("verify").stdout == "0 prices calculated again; 0 differ.\n"
    with psycopg.connect(sandbox.databases["mes"].primary) as connection:
        connection.execute(
            """
            INSERT INTO calculation (order_id, model_checksum, metal, triangles, volume_mm3,
                density, price_per_gram, metal_price_id, making_of_any, making_per_gram,
                finish_code, formula, weight_g, metal_cost, making, finish, total, calculated_at)
            SELECT gen_random_uuid(), '', 'gold-750', 12, 177.936, 15.45, 78.70, 3, 45.00, 6.50,
                'polished', 1, 2.749, 216.35, 62.87, 18.00, total, now()
            FROM unnest(ARRAY[297.22, 297.23]) AS total
            """
        )

    found = prices("verify")

    assert found.returncode == 1
    assert "total 297.23 → 297.22" in found.stdout
    assert found.stdout.endswith("2 prices calculated again; 1 differ.\n")
