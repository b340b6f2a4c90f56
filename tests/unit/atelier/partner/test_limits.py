from __future__ import annotations

from atelier.partner.limits import Limits, Standing

LIMITS = Limits(burst=100, window=10, daily=5000)
NOON = 20_000 * 86_400 + 43_200.0


def test_the_headers_tell_the_policy_and_what_is_left_of_it() -> None:
    standing = Standing(LIMITS, tokens=49.5, used=1200, now=NOON)

    assert standing.headers == {
        "RateLimit-Policy": '"burst";q=100;w=10, "daily";q=5000;w=86400',
        # 50.5 tokens are missing, at 10 a second.
        "RateLimit": '"burst";r=49;t=6, "daily";r=3800;t=43200',
    }
    assert standing.retry_after == 0


def test_an_empty_bucket_has_a_token_again_soon() -> None:
    slow = Limits(burst=2, window=60, daily=5000)

    assert Standing(slow, tokens=0.5, used=9, now=NOON, refused="burst").retry_after == 15


def test_a_day_that_is_used_up_ends_at_midnight() -> None:
    standing = Standing(LIMITS, tokens=100, used=5000, now=NOON + 1, refused="daily")

    assert standing.retry_after == 43_199
    assert standing.headers["RateLimit"] == '"burst";r=100;t=0, "daily";r=0;t=43199'
