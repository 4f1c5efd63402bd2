"""Owns the form of the feed's events (Server-Sent Events, WHATWG HTML section 9.2).

Refuses anything but ids and numbers.
"""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from broker.domain.revocation import Notice

HEADERS = {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-accel-buffering": "no",  # nginx would keep events back until a buffer is full
}
HEARTBEAT_EVERY = 15.0
"""Seconds."""


def revoked(notice: Notice) -> bytes:
    """An event but for its id, which not every follower is told alike."""
    return b"event: revoked\ndata: %b\n\n" % orjson.dumps(_document(notice))


def numbered(cursor: int, event: bytes) -> bytes:
    """The event under the id that a follower sends back as `Last-Event-ID`."""
    return b"id: %d\n%b" % (cursor, event)


def snapshot(cursor: int, notices: Iterable[Notice]) -> bytes:
    """All that is in force."""
    document = {"cursor": cursor, "revoked": [_document(notice) for notice in notices]}
    return numbered(cursor, b"event: snapshot\ndata: %b\n\n" % orjson.dumps(document))


def heartbeat(at: int) -> bytes:
    """Everything that was committed before the second `at` has been told."""
    return b'event: heartbeat\ndata: {"at":%d}\n\n' % at


def _document(notice: Notice) -> dict[str, str | int]:
    document: dict[str, str | int] = {"claim": notice.claim, "value": notice.value, "until": notice.until}
    if notice.epoch is not None:
        document["epoch"] = notice.epoch
    if notice.before is not None:
        document["before"] = notice.before
    return document
