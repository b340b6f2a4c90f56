"""What the platform counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

REPLICA_READS = Counter(
    "atelier_replica_reads",
    "Reads that may go to a replica: where each went, and why.",
    ["database", "target", "reason"],
)
REPLICA_LAG_BYTES = Gauge(
    "atelier_replica_lag_bytes",
    "How much of the primary's log the replica had not replayed when it was last looked at.",
    ["database"],
)
