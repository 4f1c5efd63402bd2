"""What the driver needs of a browser: cookies, redirects, and pressing the one button of a page that asks.

Refuses to go round in circles, and whatever answers with neither a redirect nor a form.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from urllib.parse import urlencode

from benchmarks.wire import Answer, Broken, Wire, split

LONGEST_WAY = 12
"""Requests of one sign-in; ours takes six, the peer's eight."""

_FORM = re.compile(r'<form method="post" action="([^"]*)">(.*?)</form>', re.DOTALL)
_FIELD = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


class Browser:
    """One person's cookies, over the connections of a worker."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._jar: dict[str, dict[tuple[str, str], str]] = {}

    def forget(self) -> None:
        """An empty jar: a person whom nobody has met."""
        self._jar.clear()

    async def travel(self, url: str, until: str) -> str:
        """Follow redirects from `url`, pressing the button of a form, to the address that begins with `until`."""
        method, body = "GET", None
        for _ in range(LONGEST_WAY):
            answer = await self._send(method, url, body)
            if answer.status in (302, 303):
                url, method, body = _absolute(url, answer.header("location")), "GET", None
                if url.startswith(until):
                    return url
            elif answer.status == 200:
                url, body = _pressed(url, answer.body.decode())
                method = "POST"
            else:
                raise Broken(f"status {answer.status} at {_path(url)}")
        raise Broken("sent round in circles")

    async def _send(self, method: str, url: str, body: bytes | None) -> Answer:
        place, target = split(url)
        host = place.partition(":")[0]
        headers: Sequence[tuple[str, str]] = [("Accept", "text/html")]
        if cookies := self._cookies(host, target):
            headers = [*headers, ("Cookie", cookies)]
        if body is not None:
            headers = [*headers, ("Origin", f"http://{place}"), ("Sec-Fetch-Site", "same-origin")]
        answer = await self._wire.send(method, url, headers, body)
        for name, value in answer.headers:
            if name == "set-cookie":
                self._keep(host, value)
        return answer

    def _cookies(self, host: str, target: str) -> str:
        jar = self._jar.get(host, {})
        return "; ".join(f"{name}={value}" for (name, path), value in jar.items() if target.startswith(path))

    def _keep(self, host: str, line: str) -> None:
        pair, *attributes = line.split(";")
        name, _, value = pair.partition("=")
        said = {key.lower(): value for key, _, value in (text.strip().partition("=") for text in attributes)}
        key = (name, said.get("path", "/"))
        gone = not value or said.get("max-age") == "0" or "1970" in said.get("expires", "")
        if gone:
            self._jar.get(host, {}).pop(key, None)
        else:
            self._jar.setdefault(host, {})[key] = value


def _pressed(url: str, page: str) -> tuple[str, bytes]:
    """Where the page's only form goes, and what it sends."""
    form = _FORM.search(page)
    if form is None:
        raise Broken(f"a page without a form at {_path(url)}")
    fields = [(html.unescape(name), html.unescape(value)) for name, value in _FIELD.findall(form[2])]
    return _absolute(url, html.unescape(form[1])), urlencode(fields).encode()


def _absolute(url: str, location: str) -> str:
    if location.startswith("/"):
        return f"http://{split(url)[0]}{location}"
    return location


def _path(url: str) -> str:
    """The beginning of the path, in which no id stands."""
    return "/".join(split(url)[1].partition("?")[0].split("/")[:2])
