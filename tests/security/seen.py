"""One request and its answer: which route it was, where it leads, whether it came to nothing, and in which format."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx2
from starlette.routing import Match

from broker.web.routes import routes

ROUTES = routes()
OAUTH = tuple(f"/oauth/{name}" for name in ("device_authorization", "token", "par", "userinfo", "revoke", "introspect"))
PROVIDER_LOGOUT = re.compile(r"/callback/[^/]+/logout")
PROBLEM = ("/api/", "/.well-known/", "/healthz", "/readyz", "/metrics", "/assets/")
GATEWAYS = ("/forward-auth/", "/ext-authz/")
REGISTERED = re.compile(
    r"https://(app|crm)\.example/callback\?|https://reports\.example/callback\?area=eu&|https://app\.example/(\?|$)"
    r"|http://127\.0\.0\.1(:\d+)?/cb\?|com\.example\.native:/cb\?|https://desk\.example/(?![/\\])"
)
"""Where Applications may be sent an answer."""
POSTED = re.compile(
    r"https://(app|crm)\.example/callback|https://reports\.example/callback\?area=eu|http://127\.0\.0\.1(:\d+)?/cb"
)
"""Where they may be posted one."""
_POSTS_TO = re.compile(r'<form method="post" action="(https?://[^"]*)">')
_FIELD = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


@dataclass(kw_only=True)
class Seen:
    """A request and its answer. `calls`: how often it had Providers called; 0 where that cannot be told."""

    method: str
    path: str
    route: str
    answer: httpx2.Response = field(repr=False)
    calls: int

    @property
    def location(self) -> str:
        """Where it leads, or ""."""
        return str(self.answer.headers.get("Location", ""))

    @property
    def posts_to(self) -> str:
        """Where a page posts an answer (OAuth 2.0 Form Post Response Mode), or ""."""
        html = self.answer.headers.get("Content-Type", "").startswith("text/html")
        found = _POSTS_TO.search(self.answer.text) if html else None
        return unescape(found[1]) if found else ""

    @property
    def told(self) -> dict[str, str]:
        """What an Application is told, by a redirect or by such a page."""
        if REGISTERED.match(self.location):
            return {name: values[0] for name, values in parse_qs(urlsplit(self.location).query).items()}
        return fields_of(self.answer) if self.posts_to else {}

    @property
    def error(self) -> str | None:
        """The error that an Application is told."""
        return self.told.get("error")

    @property
    def refused(self) -> bool:
        """Whether it came to nothing. Who has signed in, and is not entitled to what was asked, is signed in still."""
        is_back = self.route in ("callback", "accept")
        signed_in = is_back and any("session" in name for name, _ in cookies_of(self.answer))
        told_no = self.error is not None and not signed_in and self.route != "decline"
        return self.answer.status_code >= 400 or told_no

    @property
    def waits(self) -> bool:
        """Whether a device was told to ask again, which happens all day long and is written down nowhere."""
        waiting = ("authorization_pending", "slow_down")
        return self.route == "token" and self.answer.status_code == 400 and self.answer.json()["error"] in waiting


def route_of(method: str, path: str) -> str:
    """The route's name in the table, or "none"."""
    scope = {"type": "http", "method": method, "path": path, "root_path": ""}
    for route in ROUTES:
        if route.matches(scope)[0] is Match.FULL:
            return route.name
    return "none"


def check_format(seen: Seen) -> None:
    """An error comes in the format of the place that was asked, and says no more than it has to."""
    answer = seen.answer
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    if seen.method == "HEAD":
        return
    if seen.path.startswith(OAUTH) or PROVIDER_LOGOUT.fullmatch(seen.path):
        assert kind == "application/json", seen
        assert answer.json().keys() == {"error", "error_description"}, seen
    elif seen.path.startswith(PROBLEM):
        assert kind == "application/problem+json", seen
        assert answer.json().keys() == {"type", "title", "status", "code", "request_id"}, seen
        assert answer.json()["status"] == answer.status_code, seen
    elif seen.path.startswith(GATEWAYS):
        assert kind == ("" if answer.status_code == 401 else "text/plain"), seen
        assert answer.status_code == 401 or answer.headers["X-Request-Id"] in answer.text, seen
        assert answer.status_code != 401 or answer.content == b"", seen
    else:
        assert kind == "text/html", seen
        assert answer.headers["X-Request-Id"] in answer.text, seen


def fields_of(answer: httpx2.Response) -> dict[str, str]:
    """The hidden fields of a page, as a browser reads them."""
    return {unescape(name): unescape(value) for name, value in _FIELD.findall(answer.text)}


def cookies_of(answer: httpx2.Response) -> list[tuple[str, str]]:
    """Name and value of every cookie that is set."""
    pairs = (line.partition(";")[0].partition("=") for line in answer.headers.get_list("Set-Cookie"))
    return [(name, value.strip('"')) for name, _, value in pairs]
