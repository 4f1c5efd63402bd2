"""I1 to I6, asserted after every request of every case, and once more when a world ends.

I1 no secret leaks; I2 nothing half done; I3 exactly one event; I4 never a 500; I6 headers. I5, that what is not there
and what is somebody else's cannot be told apart, is for the cases to compare.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import asyncpg
import httpx2
import orjson

from broker.crypto.secrets import KeyringSecrets
from broker.domain.ledger_chain import COLUMNS, Link, Row, linked
from broker.settings.model import Settings
from broker.storage.database_url import sqlite_path
from broker.storage.pool import SEARCH_PATH
from broker.storage.tables import metadata
from broker.web.routes import TABLE
from tests.security.canaries import Canaries
from tests.security.seen import POSTED, REGISTERED, Seen, check_format, cookies_of, route_of
from tests.security.template import Template
from tests.world.contents import Rows, tables_of
from tests.world.log import Log

if TYPE_CHECKING:
    from tests.security.browser import Browser

Tables = Callable[[], Awaitable[dict[str, Rows]]]
TABLES = tuple(metadata.tables)
AT_ANY_TIME = {"ledger", "ledger_links", "ledger_heads", "leases"}
AUDITED = {name for name, *_, audited in TABLE if audited}
PUBLISHED = ("/.well-known/", "/assets/")
CALLS_UPSTREAM = {
    *("callback", "sign_in_begin", "authorize", "connect", "disconnect", "consent_decision"),
    *("provider_logout", "accept", "decline", "erase", "me_erase"),
}
BEFORE_UPSTREAM = {
    *(
        "invalid_state",
        "used_state",
        "expired_state",
        "provider_mismatch",
        "initiator_mismatch",
        "cross_site",
        "invalid_request",
    ),
    *("not_found", "unknown_application", "invalid_redirect_uri", "method_not_allowed", "too_large", "too_many"),
}
"""Reasons for which a refusal has to come before any Provider is asked."""
_NOT_A_VALUE = re.compile(r"[A-Za-z0-9._:|,-]*")
_FORM_ACTION = {True: "'self' https:", False: "'self' https: http://localhost:* http://127.0.0.1:*"}
_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action "


@dataclass(kw_only=True)
class Watch:
    """Looks at everything. `alone` is False while requests overlap, when "unchanged" means nothing.

    `elsewhere` are the base addresses of further Providers, where browsers may be sent.
    """

    settings: Settings = field(repr=False)
    template: Template
    secrets: KeyringSecrets
    log: Log
    closing: AsyncExitStack = field(repr=False)
    seen: list[Seen] = field(default_factory=list)
    canaries: Canaries = field(default_factory=Canaries)
    alone: bool = True
    elsewhere: set[str] = field(default_factory=set)
    _tables: Tables | None = None

    def __post_init__(self) -> None:
        self.canaries.add_keyring(self.settings.keyring)
        self.secure = self.settings.issuer.startswith("https:")

    @contextmanager
    def together(self) -> Iterator[None]:
        """While requests overlap."""
        self.alone = False
        yield
        self.alone = True

    async def around(
        self, request: httpx2.Request, send: Callable[[], Awaitable[httpx2.Response]], may_change: Sequence[str]
    ) -> httpx2.Response:
        """Send a request, and hold its answer against I1, I2, I4 and I6."""
        before = await self._rows() if self.alone else {}
        calls = self._calls()
        answer = await send()
        seen = Seen(
            method=request.method,
            path=request.url.path,
            route=route_of(request.method, request.url.path),
            answer=answer,
            calls=sum((self._calls() - calls).values()) if self.alone else 0,
        )
        self.seen.append(seen)
        self._learn(seen)
        self._check(seen)
        if self.alone and seen.refused:
            after = await self._rows()
            self._check_unchanged(seen, before, after, may_change)
        return answer

    async def check_what_is_left(self, browser: Browser) -> None:
        """Hold database, log and metrics against I1, and the ledger against I3."""
        metrics = await browser.http.get("/metrics")
        tables = await tables_of(self.settings.database_url)
        rows = repr(tables).encode() + b"".join(
            value for rows in tables.values() for row in rows for value in row.values() if isinstance(value, bytes)
        )
        for place, text in {"database": rows, "log": self.log.text.encode(), "metrics": metrics.content}.items():
            assert self.canaries.leaked(text) == [], f"I1: secrets in the {place}"
            people = set(self.canaries.told_of_people(text))
            assert people == set(), f"I1: people's data in the {place}"
        assert '"unexpected"' not in self.log.text, f"I4: an error that nobody expected\n{self.log.text}"
        _check_labels(metrics.text)
        self._check_ledger(tables["ledger"])
        _check_chain(tables["ledger"], tables["ledger_links"])

    def _calls(self) -> Counter[str]:
        calls: Counter[str] = Counter()
        for name, upstream in (("google", self.template.google), ("corp", self.template.corp)):
            calls.update(
                {f"{name} {at}": count for at, count in upstream.provider.requests.items() if at != "authorize"}
            )
        return calls

    async def _rows(self) -> dict[str, Rows]:
        """Everything but what may be written at any time: ledger, chain, when Sessions were seen, how outboxes fare."""
        if self._tables is None:  # asked twice a request, so the connection stays open
            self._tables = await self._connected()
        return await self._tables()

    async def _connected(self) -> Tables:
        names = [name for name in TABLES if name not in AT_ANY_TIME]
        path = sqlite_path(self.settings.database_url)
        if path is None:
            server = await asyncpg.connect(self.settings.database_url, server_settings={"search_path": SEARCH_PATH})
            self.closing.push_async_callback(server.close)
            each = ", ".join(f"'{name}', (SELECT json_agg(row) FROM {name} AS row)" for name in names)

            async def all_of_server() -> dict[str, Rows]:
                found = orjson.loads(await server.fetchval(f"SELECT json_build_object({each})"))
                return _of_note({name: rows or [] for name, rows in found.items()})

            return all_of_server
        database = self.closing.enter_context(contextlib.closing(sqlite3.connect(path)))
        database.row_factory = sqlite3.Row
        read: dict[int, dict[str, Rows]] = {}

        async def all_of_file() -> dict[str, Rows]:
            (version,) = database.execute("PRAGMA data_version").fetchone()  # another one after another's commit
            if version not in read:
                read.clear()
                rows = {name: [dict(row) for row in database.execute(f"SELECT * FROM {name}")] for name in names}
                read[version] = _of_note(rows)
            return read[version]

        return all_of_file

    def _learn(self, seen: Seen) -> None:
        """Remember the secrets that this answer rightly brought."""
        answer, known = seen.answer, self.canaries
        for upstream in (self.template.google, self.template.corp):
            known.add_issued(upstream)
        for name, value in cookies_of(answer):
            known.add("cookie", value)
            if "attempt" in name and (attempt := self.secrets.open_attempt(value)) is not None:
                known.add_attempt(attempt)
        if seen.route == "device_authorization" and answer.status_code == 200:
            known.add("code", answer.json()["device_code"])
        known.add("code", seen.told.get("code"))
        if seen.route == "token" and answer.status_code == 200:
            for name in ("access_token", "id_token", "refresh_token"):
                known.add("token", answer.json().get(name))

    def _check(self, seen: Seen) -> None:
        answer = seen.answer
        where = f"{seen.method} {seen.path} -> {answer.status_code}"
        assert answer.status_code < 500 or answer.status_code == 503, f"I4: {where}"
        if answer.status_code == 503:
            assert int(answer.headers["Retry-After"]) > 0, f"I4: {where}"
        self._check_headers(seen, where)
        self._check_location(seen, where)
        self._check_cookies(seen, where)
        if answer.status_code >= 400:
            check_format(seen)
        # The page that asks before signing out carries on the hint which it was handed.
        own = {"code"} if seen.posts_to or seen.route == "device_authorization" else set()
        own |= {"token"} if seen.route in ("token", "end_session") and answer.status_code == 200 else set()
        assert self.canaries.leaked(answer.content, but=own) == [], f"I1: {where}"

    def _check_headers(self, seen: Seen, where: str) -> None:
        headers = seen.answer.headers
        assert headers["X-Content-Type-Options"] == "nosniff", where
        assert "Access-Control-Allow-Credentials" not in headers, where
        if seen.path.startswith(PUBLISHED) and seen.answer.status_code in (200, 304):
            return
        assert headers["Cache-Control"] == "no-store", f"I6: {where}"
        assert headers["Referrer-Policy"] == "no-referrer", f"I6: {where}"
        if seen.answer.headers.get("Content-Type", "").startswith("text/html"):
            policy = _POLICY + _FORM_ACTION[self.secure]
            if seen.posts_to:  # one script of our own, and nothing but the Application to post to
                assert POSTED.fullmatch(seen.posts_to), f"I6: {where}"
                policy = f"{_POLICY}{seen.posts_to.partition(':')[0]}:; script-src 'self'"
            assert headers.get_list("Content-Security-Policy") == [policy], f"I6: {where}"
            assert headers["X-Frame-Options"] == "DENY", f"I6: {where}"
            assert headers["Cross-Origin-Opener-Policy"] == "same-origin", f"I6: {where}"
            assert "Access-Control-Allow-Origin" not in headers, f"I6: {where}"
            assert ("Strict-Transport-Security" in headers) is self.secure, f"I6: {where}"
        meant = {"set-cookie", "location"}
        if seen.route in ("forward_auth", "ext_authz"):  # for the gateway, which hands it on to the service
            meant |= {"authorization", "x-auth-request-access-token"}
        other = "\n".join(f"{n}: {v}" for n, v in headers.items() if n.lower() not in meant)
        assert self.canaries.leaked(other.encode()) == [], f"I1: headers of {where}"

    def _check_location(self, seen: Seen, where: str) -> None:
        """Redirects lead to our own pages, to what is registered, or to a Provider, and carry what belongs there."""
        if not seen.location and seen.answer.status_code not in range(300, 400):
            return
        if seen.answer.status_code == 304:
            return
        assert seen.answer.status_code in (302, 303), f"{where}: a redirect that repeats the method"
        location = seen.location
        own = re.match(r"/(?![/\\])", location) or location.startswith(f"{self.settings.issuer}/")
        providers = {u.provider.issuer + "/o/oauth2/v2/auth?" for u in (self.template.google, self.template.corp)}
        if REGISTERED.match(location):
            allowed = {"code"}
        elif location.startswith((*providers, *self.elsewhere)):
            allowed = {"upstream state", "upstream nonce"}
        else:
            assert own, f"{where}: leads to {location}"
            allowed = set()
        assert self.canaries.leaked(location.encode(), but=allowed) == [], f"I1: Location of {where}"

    def _check_cookies(self, seen: Seen, where: str) -> None:
        for line in seen.answer.headers.get_list("Set-Cookie"):
            name, _, attributes = line.partition("=")
            words = {word.strip().lower() for word in attributes.split(";")[1:]}
            assert {"httponly", "samesite=lax", "path=/"} <= words, where
            assert not any(word.startswith("domain") for word in words), where
            assert ("secure" in words) is self.secure, where
            assert name.startswith("__Host-") is self.secure, where

    def _check_unchanged(
        self, seen: Seen, before: dict[str, Rows], after: dict[str, Rows], may_change: Sequence[str]
    ) -> None:
        if seen.route in ("token", "gateway_callback"):
            before, after = _but_misused_codes(before), _but_misused_codes(after)
        for table, rows in before.items():
            assert table in may_change or after[table] == rows, f"I2: {seen} changed {table}"
        if seen.route not in CALLS_UPSTREAM:
            assert seen.calls == 0, f"I2: {seen} called a Provider"

    def _check_ledger(self, ledger: Rows) -> None:
        events: dict[str, Rows] = {}
        for event in ledger:
            texts = [value for name, value in event.items() if isinstance(value, str) and name != "released"]
            texts += orjson.loads(event["released"])
            assert all(_NOT_A_VALUE.fullmatch(text) and len(text) <= 128 for text in texts), f"I3: {event}"
            events.setdefault(event["request_id"], []).append(event)
        lines = (orjson.loads(line) for line in self.log.text.splitlines())
        only_logged = {
            line.get("request_id")
            for line in lines
            if line["event"] == "refusal not recorded" or line.get("reason") == "storage_unavailable"
        }
        for seen in self.seen:
            request_id = seen.answer.headers.get("X-Request-Id", "none")
            own = events.get(request_id, [])
            assert len(own) <= 1, f"I3: {seen}: {own}"
            if seen.answer.status_code == 503 and request_id in only_logged:
                continue  # the database was away or had too much to do, for the line too
            if seen.answer.status_code == 429:
                continue  # the first is written down, and then no more
            if seen.waits:
                assert own == [], f"I3: {seen}: {own}"
                continue
            if seen.refused and seen.route in AUDITED and seen.answer.status_code != 405:
                assert [e["outcome"] for e in own] in (["refused"], ["failed"]), f"I3: {seen}: {own}"
                assert own[0]["reason"] != "", f"I3: {seen}"
                assert own[0]["reason"] not in BEFORE_UPSTREAM or seen.calls == 0, f"I2: {seen} called a Provider"
            elif seen.refused:
                assert own == [], f"I3: {seen}: {own}"


_ANY_TIME: dict[str, tuple[str, ...]] = {
    "sessions": ("last_seen_at",),
    "pending_revocations": ("tries", "next_try_at", "result", "sealed_token"),
    "pending_logouts": ("tries", "next_try_at", "result"),
}


def _of_note(tables: dict[str, Rows]) -> dict[str, Rows]:
    """Without the columns that may be written at any time."""
    return tables | {name: _without(tables[name], columns) for name, columns in _ANY_TIME.items()}


def _but_misused_codes(tables: dict[str, Rows]) -> dict[str, Rows]:
    """A code that was misused is burnt, and downstream services are told."""
    return tables | {"grants": _without(tables["grants"], ("revoked_at", "revoked_for")), "revocations": []}


def _without(rows: Rows, columns: Sequence[str]) -> Rows:
    return [{name: value for name, value in row.items() if name not in columns} for row in rows]


def _check_chain(ledger: Rows, links: Rows) -> None:
    """What is chained by now are the first events, each once, and the chain is the one that they make."""
    events = [Row(columns=tuple(event[name] for name in COLUMNS)) for event in sorted(ledger, key=lambda e: e["id"])]
    # Links are read after events, and may be of later ones.
    chained = [Link(**link) for link in sorted(links, key=lambda link: link["position"])][: len(events)]
    assert chained == list(linked(None, events[: len(chained)])), "I3: the chain is not that of the ledger"


def _check_labels(metrics: str) -> None:
    """Nobody from outside chooses a label."""
    names = {name for name, *_ in TABLE} | {"none"}
    for label, value in re.findall(r'(route|status|reason)="([^"]*)"', metrics):
        known = value in names if label == "route" else re.fullmatch(r"[a-z0-9_]{1,40}", value)
        assert known, f"a label that somebody chose: {label}={value!r}"
