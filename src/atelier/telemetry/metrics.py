"""What the platform counts and times, for Prometheus.

Labels hold only what is bounded: routes by their templates, states, queues, and partners by id once
their key has been recognised. Never a path, a name, an address or an order.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY: Final = CollectorRegistry()
"""Of this process. Importing the module opens nothing and starts no thread."""

_QUICK: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LONG: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)

http_requests_total: Final = Counter(
    "atelier_http_requests_total",
    "Requests answered, by route template.",
    ("service", "method", "route", "status"),
    registry=REGISTRY,
)
http_request_seconds: Final = Histogram(
    "atelier_http_request_seconds",
    "Time from a request to the end of its answer, by route template.",
    ("service", "method", "route"),
    buckets=_QUICK,
    registry=REGISTRY,
)
http_requests_in_progress: Final = Gauge(
    "atelier_http_requests_in_progress",
    "Requests that are being answered.",
    ("service",),
    registry=REGISTRY,
)

handled_events_total: Final = Counter(
    "atelier_handled_events_total",
    "Events that a handler was given; outcome: handled, repeated, early, postponed, dead_lettered.",
    ("queue", "outcome"),
    registry=REGISTRY,
)
handler_seconds: Final = Histogram(
    "atelier_handler_seconds",
    "Time a handler and its transaction took.",
    ("queue",),
    buckets=_LONG,
    registry=REGISTRY,
)
published_events_total: Final = Counter(
    "atelier_published_events_total",
    "Events from the outbox; outcome: confirmed or refused by the broker.",
    ("database", "outcome"),
    registry=REGISTRY,
)

reconciliations_total: Final = Counter(
    "atelier_reconciliations_total",
    "Looks at whether all systems agree; outcome: agreed, repaired, differences, interrupted or "
    "failed.",
    ("outcome",),
    registry=REGISTRY,
)
reconciliation_differences: Final = Gauge(
    "atelier_reconciliation_differences",
    "In what the systems did not agree at the last look, by kind.",
    ("kind",),
    registry=REGISTRY,
)
reconciliation_repairs_total: Final = Counter(
    "atelier_reconciliation_repairs_total",
    "Differences for which events were sent again, by kind.",
    ("kind",),
    registry=REGISTRY,
)

pricing_seconds: Final = Histogram(
    "atelier_pricing_seconds",
    "Time to read and measure one model; outcome: priced, rejected or failed.",
    ("outcome",),
    buckets=_LONG,
    registry=REGISTRY,
)
pricing_wait_seconds: Final = Histogram(
    "atelier_pricing_wait_seconds",
    "Time from an order's submission to the start of its calculation; source: shop or partner.",
    ("source",),
    buckets=_LONG,
    registry=REGISTRY,
)

rate_limit_rejections_total: Final = Counter(
    "atelier_rate_limit_rejections_total",
    "Requests refused with 429; limit: rate or quota of a partner (by id), or of web.limits.",
    ("partner", "limit"),
    registry=REGISTRY,
)
sign_ins_total: Final = Counter(
    "atelier_sign_ins_total",
    "Attempts to sign in; result: done, wrong or throttled.",
    ("service", "result"),
    registry=REGISTRY,
)

replica_lag_bytes: Final = Gauge(
    "atelier_replica_lag_bytes",
    "How far the replica's replay is behind the primary's log, as last seen.",
    ("database",),
    registry=REGISTRY,
)
replica_reads_total: Final = Counter(
    "atelier_replica_reads_total",
    "Reads by where they went (target: replica or primary) and why.",
    ("database", "target", "reason"),
    registry=REGISTRY,
)
cache_requests_total: Final = Counter(
    "atelier_cache_requests_total",
    "Look-ups in a cache; result: hit, miss or unavailable.",
    ("cache", "result"),
    registry=REGISTRY,
)

webhook_deliveries_total: Final = Counter(
    "atelier_webhook_deliveries_total",
    "Attempts to deliver a webhook; outcome: delivered, postponed or parked.",
    ("outcome",),
    registry=REGISTRY,
)
emails_total: Final = Counter(
    "atelier_emails_total",
    "Attempts to send an e-mail; outcome: sent, postponed or given_up.",
    ("outcome",),
    registry=REGISTRY,
)
live_pages: Final = Gauge(
    "atelier_live_pages",
    "Open pages that are told of changes as they happen.",
    ("service",),
    registry=REGISTRY,
)
