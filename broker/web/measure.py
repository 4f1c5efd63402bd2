"""Owns the metrics of one process (Prometheus text format). Refuses labels that a caller could choose."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Measures:
    """Counts and times. Label values are the names of our routes and our own codes, so their number is bounded."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "broker_requests_total", "Requests answered.", ("route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "broker_request_seconds", "Time to answer.", ("route",), buckets=_BUCKETS, registry=self._registry
        )
        self._refusals = Counter(
            "broker_refusals_total", "Requests refused or failed.", ("route", "reason"), registry=self._registry
        )

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def refused(self, route: str, reason: str) -> None:
        """Count one refusal by its code."""
        self._refusals.labels(route, reason).inc()

    def text(self) -> bytes:
        """All of it, as `/metrics` answers."""
        return generate_latest(self._registry)
