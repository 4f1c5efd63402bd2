"""Hears which session JWTs are no longer good, with nothing but Python. The steps are the same in any language."""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Mapping
from http.client import HTTPException
from threading import Event
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

_log = logging.getLogger(__name__)
CLAIMS = {"sid", "sub", "jti", "client_id", "org", "kid"}


class Revocations:
    """What was heard. `follow` has a thread of its own; `covers` and `knows` are asked for each token."""

    def __init__(self, issuer: str, application_id: str, secret: str) -> None:
        self.issuer, self.application_id, self.secret = issuer, application_id, secret
        self.held: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        self.cursor: str | None = None
        self.heard_at, self.incomplete_until = 0, 0
        self.over = Event()

    def covers(self, claims: Mapping[str, Any], kid: str) -> bool:
        """Whether the token with these claims, and this `kid` in its header, is no longer good."""
        grant = claims["jti"].partition(".")[0]
        marks = [(claim, claims.get(claim, "")) for claim in ("sid", "sub", "jti", "client_id")]
        marks += [("jti", grant), ("kid", kid), ("org", claims.get("org_id", ""))]
        marks += [("org", client_org) for client_org in claims.get("authorizations", {})]
        return any(_means(notice, claims) for mark in marks for notice in self.held.get(mark, ()))

    def knows(self, within: int) -> bool:
        """Whether all is known that ended up to `within` seconds ago."""
        now = int(time.time())
        return now - self.heard_at <= within and now > self.incomplete_until

    def follow(self) -> None:
        """Listen, and come back whenever the stream ends, until it is `over`."""
        while not self.over.is_set():
            try:
                self.listen()
            except (OSError, HTTPException, ValueError) as error:
                _log.warning("no revocations at the moment: %s", error)
            self.over.wait(1 + secrets.randbelow(2000) / 1000)  # so that not all come back at once

    def listen(self) -> None:
        """One stream, to its end. Heartbeats come every 15 seconds: a minute of silence is a broken line."""
        headers = {"Authorization": f"Bearer {self._token()}"}
        if self.cursor is not None:
            headers["Last-Event-ID"] = self.cursor
        asked = Request(f"{self.issuer}/api/v1/revocations", headers=headers)  # noqa: S310
        with urlopen(asked, timeout=60) as stream:  # noqa: S310
            event: dict[str, str] = {}
            for line in stream:
                name, colon, value = line.decode().strip().partition(":")
                if name:
                    event[name] = value.strip()
                elif not colon:  # an empty line ends an event
                    self._hear(event)
                    event = {}

    def _hear(self, event: Mapping[str, str]) -> None:
        data = json.loads(event.get("data", "{}"))
        if event.get("event") == "snapshot":  # instead of all that was heard before
            self.held = {}
            for notice in data["revoked"]:
                self._hold(notice)
        elif event.get("event") == "revoked":
            self._hold(data)
        elif event.get("event") == "heartbeat":
            self.heard_at = data["at"]
            self._forget()
        self.cursor = event.get("id", self.cursor)

    def _hold(self, notice: Mapping[str, Any]) -> None:
        if notice["claim"] not in CLAIMS:  # one that came after this was written
            self.incomplete_until = max(self.incomplete_until, notice["until"])
        self.held.setdefault((notice["claim"], notice["value"]), []).append(notice)

    def _forget(self) -> None:
        """Tokens that a notice meant have expired, but for half a minute of differing clocks."""
        left = {mark: [n for n in notices if n["until"] + 30 > time.time()] for mark, notices in self.held.items()}
        self.held = {mark: notices for mark, notices in left.items() if notices}

    def _token(self) -> str:
        form = {"grant_type": "client_credentials", "scope": "revocations"}
        form |= {"client_id": self.application_id, "client_secret": self.secret}
        asked = Request(f"{self.issuer}/oauth/token", data=urlencode(form).encode())  # noqa: S310
        with urlopen(asked, timeout=10) as answer:  # noqa: S310
            return str(json.load(answer)["access_token"])


def _means(notice: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
    """Of the tokens that a notice names: with `epoch` the older ones, with `before` those made by then."""
    older = "epoch" not in notice or claims.get("epoch", -1) < notice["epoch"]
    return older and ("before" not in notice or claims["iat"] <= notice["before"])
