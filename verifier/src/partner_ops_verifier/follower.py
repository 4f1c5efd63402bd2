"""Owns the thread that follows the feed: connects, reads, waits, connects again, until it is closed.

Refuses to keep the process alive, and begins anew in a child process, where threads do not come along.
"""

from __future__ import annotations

import logging
import os
import threading

from partner_ops_verifier.feed import AccessToken, Following, access_token
from partner_ops_verifier.http import Http, HttpFailed, Stream, walk
from partner_ops_verifier.judge import Clocks

_log = logging.getLogger("partner_ops_verifier")


class Follower:
    """At most one thread a process."""

    def __init__(self, following: Following, http: Http, clocks: Clocks) -> None:
        self._following = following
        self._http = http
        self._clocks = clocks
        self._process: int | None = None
        self._starting = threading.Lock()
        self._ended = threading.Event()
        self._stream: Stream | None = None
        self._thread: threading.Thread | None = None

    def ensure(self) -> None:
        """Follow, if nobody does so in this process; not after `close`."""
        if self._process == os.getpid():
            return
        with self._starting:
            if self._process == os.getpid() or self._ended.is_set():
                return
            self._stream = None  # a parent's, which goes on reading it
            self._thread = threading.Thread(target=self._run, name="partner-ops-revocations", daemon=True)
            self._thread.start()
            self._process = os.getpid()

    def close(self) -> None:
        """End the thread, wherever it is, and wait for it a moment."""
        self._ended.set()
        with self._starting:
            thread, stream = self._thread, self._stream
        if stream is not None:
            stream.close()
        if thread is not None and self._process == os.getpid():
            thread.join(timeout=10)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._follow()
            except HttpFailed as problem:
                if not self._ended.is_set():
                    _log.warning("revocations are not heard: %s", problem)
            except Exception:  # noqa: BLE001 - whatever an `Http` from elsewhere raises: following must not end
                _log.exception("revocations are not heard")
            self._ended.wait(self._following.wait())

    def _follow(self) -> None:
        following, clocks = self._following, self._clocks
        stream = self._http.open(following.request(self._access()))
        self._stream = stream
        try:
            following.opened(stream.status)
            while not self._ended.is_set() and (chunk := stream.read()):
                following.received(chunk, clocks.now(), clocks.steady())
        finally:
            stream.close()

    def _access(self) -> AccessToken:
        held = self._following.access(self._clocks.steady())
        if held is not None:
            return held
        return walk(access_token(self._following.source, self._following.feed, self._clocks.steady()), self._http)
