"""Owns the metrics of one process (Prometheus text format). Refuses labels that a caller could choose."""

from __future__ import annotations

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
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
        self._count_of = cache(lambda route, status: self._requests.labels(route, str(status)))
        self._time_of = cache(self._seconds.labels)
        self._refusals = Counter(
            "broker_refusals_total", "Requests refused or failed.", ("route", "reason"), registry=self._registry
        )

        self._rewrapped = Counter(
            "broker_data_keys_rewrapped_total", "Data keys moved to the first KEK.", registry=self._registry
        )
        self._to_rewrap = Gauge(
            "broker_data_keys_to_rewrap", "Data keys that another KEK wraps.", registry=self._registry
        )

        self._followers = Gauge("broker_followers", "Streams of revocations that are open.", registry=self._registry)
        self._follows_ended = Counter(
            "broker_follows_ended_total", "Streams of revocations that ended.", ("end",), registry=self._registry
        )
        self._notices_told = Counter(
            "broker_notices_told_total", "Notices told, once for each stream.", registry=self._registry
        )

        self._logouts = Counter(
            "broker_logouts_told_total",
            "Tries to tell an Application of a sign-out.",
            ("result",),
            registry=self._registry,
        )

        self._purged = Counter(
            "broker_attributes_purged_total",
            "Kept attributes that the policy did not allow any more.",
            registry=self._registry,
        )
        self._tokens_purged = Counter(
            "broker_tokens_purged_total",
            "Connections whose Provider's tokens had been asked for what the policy does not allow any more.",
            registry=self._registry,
        )
        self._retained = Counter(
            "broker_retention_removed_total",
            "What nobody used any more and has gone.",
            ("kind",),
            registry=self._registry,
        )

    def told_of_logouts(self, result: str) -> None:
        """Count one try to tell an Application of a sign-out, by what came of it."""
        self._logouts.labels(result).inc()

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._count_of(route, status).inc()
        self._time_of(route).observe(seconds)

    def refused(self, route: str, reason: str) -> None:
        """Count one refusal by its code."""
        self._refusals.labels(route, reason).inc()

    def rewrapped(self, moved: int, left: int) -> None:
        """Count data keys that came under the first KEK, and note how many are to follow."""
        self._rewrapped.inc(moved)
        self._to_rewrap.set(left)

    def purged(self, attributes: int, tokens: int) -> None:
        """Count what the policy does not allow any more and went: kept attributes, and Connections' tokens."""
        self._purged.inc(attributes)
        self._tokens_purged.inc(tokens)

    def removed(self, kind: str, number: int) -> None:
        """Count what went by a rule of retention."""
        self._retained.labels(kind).inc(number)

    def followers(self, number: int) -> None:
        """Note how many follow revocations."""
        self._followers.set(number)

    def follow_ended(self, why: str, told: int) -> None:
        """Count a stream that ended, by why it did, and the notices that it told."""
        self._follows_ended.labels(why).inc()
        self._notices_told.inc(told)

    def text(self) -> bytes:
        """All of it, as `/metrics` answers."""
        return generate_latest(self._registry)
