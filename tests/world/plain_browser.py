"""A browser without a window: keeps cookies, follows redirects, fills in forms. For journeys that have to be quick.

Runs no scripts and draws nothing; Chromium is for what people see. It remembers every secret that it was handed.
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2

PATIENCE = 30.0  # seconds


class PlainBrowser:
    """One person's browser. `secrets` holds the cookies, codes and states that passed through it.

    Without `verify` it takes any certificate.
    """

    def __init__(self, *, verify: bool = True) -> None:
        self.secrets: set[str] = set()
        self.http = httpx2.Client(
            follow_redirects=True,
            timeout=PATIENCE,
            event_hooks={"response": [self._remember]},
            trust_env=False,
            verify=verify,
        )

    def __enter__(self) -> PlainBrowser:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, url: str, **options: Any) -> httpx2.Response:
        """Go to an address, and on to wherever it leads."""
        return self.http.get(url, **options)

    def submit(self, page: httpx2.Response, action: str, **fields: str | list[str]) -> httpx2.Response:
        """Send the form of a page whose action holds `action`, with `fields` beside what is hidden in it."""
        forms = _Forms()
        forms.feed(page.text)
        for target, hidden in forms.found:
            if action in target:
                return self.http.post(urljoin(str(page.url), target), data={**hidden, **fields})
        raise LookupError(f"no form to {action!r} at {page.url}: {page.status_code} {page.text[:500]}")

    def sign_in(self, application: str, registration: str = "google") -> httpx2.Response:
        """Into the demo Application, where the Provider consents automatically; the page that one ends on."""
        return self.submit(self.get(f"{application}/sign-in"), f"/sign-in/{registration}")

    def _remember(self, response: httpx2.Response) -> None:
        self.secrets |= {value for value in response.cookies.values() if value}
        query = parse_qs(urlsplit(response.headers.get("location", "")).query)
        self.secrets |= {value for name in ("code", "state") for value in query.get(name, ())}


class _Forms(HTMLParser):
    """Every form of a page: where it goes, and what is hidden in it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.found.append((given.get("action") or "", {}))
        elif tag == "input" and given.get("type") == "hidden" and self.found:
            self.found[-1][1][given.get("name") or ""] = given.get("value") or ""
