"""How often one person, or one address, may use a route.

What changes or stores something has a limit on every route, by its method; what costs much or
checks a secret has one of its own, in `OF_ROUTES` or `OF_EVERY_SERVICE`. Counted in Redis in fixed
windows, by the account of a valid session and else by the address. While Redis is away nobody is
counted: limits protect from too much, and refusing everybody would be the greater harm.

The partner API counts by partner (`partner.limits`); here only those who show wrong keys.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.requests import Request

from atelier.cache import CACHE_GONE
from atelier.connections import Connections
from atelier.languages import gettext_lazy as _
from atelier.languages import ngettext_lazy
from atelier.security import read_session
from atelier.telemetry.metrics import rate_limit_rejections_total
from atelier.web.refusal import Refusal
from atelier.web.scope import connections_of, service_of
from atelier.web.telemetry import route_of

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86_400
_PAUSE: Final = 1.0  # seconds without asking a Redis that did not answer
_UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})

# The end of the window comes with its beginning, so that no count is kept for ever.
_COUNT: Final = """
local worst = {0, 0}
for place, key in ipairs(KEYS) do
    redis.call('SET', key, 0, 'NX', 'EX', ARGV[place * 2])
    if redis.call('INCR', key) > tonumber(ARGV[place * 2 - 1]) then
        local left = redis.call('TTL', key)
        if left >= worst[2] then worst = {place, left} end
    end
end
return worst
"""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Limit:
    """`most` requests in `within` seconds, of all routes that share the limit called `name`."""

    name: str
    most: int
    within: int


CHANGES: Final = Limit("changes", 300, MINUTE)
"""For every route that changes something and has no limit of its own."""
ORDERS: Final = (Limit("orders", 20, 10 * MINUTE), Limit("orders-a-day", 100, DAY))
REGISTRATIONS: Final = (Limit("registrations", 10, 10 * MINUTE), Limit("accounts", 50, DAY))
SIGN_INS: Final = Limit("sign-ins", 100, 15 * MINUTE)
CONFIRMATIONS: Final = Limit("confirmations", 20, 15 * MINUTE)
RESETS: Final = Limit("resets", 20, 15 * MINUTE)
PASSWORDS: Final = Limit("passwords", 10, 15 * MINUTE)
UPLOADS: Final = Limit("uploads", 30, 10 * MINUTE)
PRICES: Final = Limit("prices", 30, 10 * MINUTE)
DRAWINGS: Final = Limit("drawings", 300, MINUTE)
PICTURES: Final = Limit("pictures", 120, MINUTE)
THUMBNAILS: Final = Limit("thumbnails", 1200, MINUTE)
MODELS: Final = Limit("models", 60, MINUTE)
SEARCHES: Final = Limit("searches", 300, MINUTE)
LISTS: Final = Limit("lists", 300, MINUTE)
WRONG_KEYS: Final = Limit("wrong-keys", 20, MINUTE)

OF_EVERY_SERVICE: Final[Mapping[str, tuple[Limit, ...]]] = {"POST /sign-in": (SIGN_INS,)}
"""By method and template, for whichever services have such a route."""

OF_ROUTES: Final[Mapping[str, tuple[Limit, ...]]] = {
    "shop POST /register": REGISTRATIONS,
    "shop POST /account/password": (PASSWORDS,),
    "shop POST /confirm": (CONFIRMATIONS,),
    "shop POST /account/confirmation": (CONFIRMATIONS,),
    "shop POST /password/forgotten": (RESETS,),
    "shop GET /password/new": (RESETS,),
    "shop POST /password/new": (RESETS,),
    "shop POST /orders": ORDERS,
    "shop POST /studio/order": ORDERS,
    "shop POST /orders/{number}/model": (UPLOADS,),
    "shop POST /orders/{number}/submit": (PRICES,),
    "shop GET /orders/{number}/model": (MODELS,),
    "shop GET /orders/{number}/picture.png": (PICTURES,),
    "shop GET /designs/{code}.png": (PICTURES,),
    "shop GET /studio": (DRAWINGS,),
    "shop GET /studio/estimate": (DRAWINGS,),
    "shop GET /studio/shape": (DRAWINGS,),
    "shop GET /studio/picture.png": (PICTURES,),
    "crm GET /orders/{number}/model": (MODELS,),
    "crm GET /orders/{number}/picture.png": (PICTURES,),
    "crm GET /api/orders/{number}/model": (MODELS,),
    "crm GET /api/orders/{number}/picture.png": (PICTURES,),
    "crm GET /orders": (SEARCHES,),
    "crm GET /customers": (SEARCHES,),
    "crm GET /api/orders": (SEARCHES,),
    "crm GET /api/customers": (SEARCHES,),
    "crm GET /attention": (SEARCHES,),
    "crm GET /api/attention": (SEARCHES,),
    "mes GET /work/{number}/model": (MODELS,),
    "mes GET /work/{number}/picture.png": (PICTURES,),
    "mes GET /work/{number}/thumbnail.png": (THUMBNAILS,),
    "mes GET /api/work/{number}/model": (MODELS,),
    "mes GET /api/work/{number}/picture.png": (PICTURES,),
    "mes GET /work": (LISTS,),
    "mes GET /api/list": (LISTS,),
    "mes GET /api/list/changes": (LISTS,),
    "mes GET /api/list/events": (LISTS,),
    "mes GET /api/work": (LISTS,),
}


_BY_ADDRESS: Final = frozenset(
    {"/sign-in", "/register", "/confirm", "/password/forgotten", "/password/new"}
)


def limits_of_route(service: str, method: str, path: str) -> tuple[Limit, ...]:
    """The limits of the route with this template; none where everybody may ask at will.

    >>> [limit.name for limit in limits_of_route("shop", "POST", "/sign-out")]
    ['changes']
    """
    of_all = OF_EVERY_SERVICE.get(f"{method} {path}")
    own = OF_ROUTES.get(f"{service} {method} {path}", of_all)
    if own is not None:
        return own
    return (CHANGES,) if method in _UNSAFE and service != "partner" else ()


async def within_limits(request: Request) -> None:
    """For every route of an application. Raises Refusal (429)."""
    limits = limits_of_route(service_of(request).name, request.method, route_of(request.scope))
    if limits:
        await count(request, limits, _who(request))


class Counter:
    """The counts of a process's applications; does not ask a Redis again that is away."""

    def __init__(self, connections: Connections) -> None:
        self._count = connections.cache.register_script(_COUNT)
        self._times = connections.settings.limits_times
        self._ask_again_at = 0.0

    async def exceeded(self, keys: list[str], limits: tuple[Limit, ...]) -> tuple[Limit, int]:
        """The limit that this request is too much for and the seconds until its window ends; 0
        where there is none."""
        if time.monotonic() < self._ask_again_at:
            return limits[0], 0
        args = [value for limit in limits for value in (limit.most * self._times, limit.within)]
        try:
            place, left = await self._count(keys=keys, args=args)
        except CACHE_GONE as error:
            self._ask_again_at = time.monotonic() + _PAUSE
            _log.warning("limits are not kept: Redis is away", reason=type(error).__name__)
            return limits[0], 0
        return limits[max(place - 1, 0)], max(left, 1) if place else 0


async def count(request: Request, limits: tuple[Limit, ...], who: str) -> None:
    """Counts a request of `who`, which is kept as a hash only. Raises Refusal (429)."""
    service = service_of(request)
    counter = counter_of(request)
    known = hashlib.sha256(who.encode(errors="replace")).hexdigest()
    keys = [f"atelier:times:{service.name}:{limit.name}:{known}" for limit in limits]
    limit, left = await counter.exceeded(keys, limits)
    if left:
        rate_limit_rejections_total.labels("", limit.name).inc()
        raise too_often(left)


def counter_of(request: Request) -> Counter:
    """The one of the request's application."""
    state = request.app.state
    if not hasattr(state, "counter"):
        state.counter = Counter(connections_of(request))
    found: Counter = state.counter
    return found


def address_of(request: Request) -> str:
    return request.client.host if request.client else ""


def too_often(seconds: int) -> Refusal:
    """The refusal of what may be done again in `seconds`."""
    minutes = -(-seconds // MINUTE)
    if seconds < 2 * MINUTE:
        again = ngettext_lazy(
            "Try again in %(count)s second.", "Try again in %(count)s seconds.", seconds
        )
    else:
        again = ngettext_lazy(
            "Try again in %(count)s minute.", "Try again in %(count)s minutes.", minutes
        )
    return Refusal(
        429,
        "too-often",
        _("Too often"),
        _(
            "This was asked for more often than we can serve. Nothing was done. %(again)s",
            again=again,
        ),
        headers={"Retry-After": str(seconds)},
    )


def _who(request: Request) -> str:
    """An account where the session's signature is right, else an address; always an address where
    somebody is yet to say who they are, so that many accounts are not many guesses."""
    service = service_of(request)
    if route_of(request.scope) in _BY_ADDRESS:
        return address_of(request)
    cookie = request.cookies.get(service.cookie)
    secret = connections_of(request).settings.secret_key
    session = None if cookie is None else read_session(service.name, cookie, secret)
    return address_of(request) if session is None else str(session.user_id)
