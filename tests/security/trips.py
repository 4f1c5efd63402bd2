"""Steps that the cases of several groups share: bending callbacks, looking into attempts, being refused."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

from broker.domain.attempt import SignInAttempt
from tests.security.browser import Browser
from tests.security.world import World


def state_of(callback: str) -> str:
    """The state that a callback carries."""
    return parse_qs(urlsplit(callback).query)["state"][0]


def bent(callback: str, **changes: str | None) -> str:
    """A callback with parameters replaced, or (None) left out."""
    parts = urlsplit(callback)
    pairs = {name: values[0] for name, values in parse_qs(parts.query).items()} | changes
    return f"{parts.path}?{urlencode({name: value for name, value in pairs.items() if value is not None})}"


def attempt_in(browser: Browser, world: World) -> SignInAttempt:
    """The attempt that a browser holds."""
    attempt = world.secrets.open_attempt(browser.cookie("attempt") or "")
    assert attempt is not None
    return attempt


async def refused(world: World, browser: Browser, callback: str, reason: str, *, status: int = 400) -> str:
    """Opening this callback is refused with a page, for this reason, and signs nobody in; the page."""
    sessions = await world.count("sessions")
    answer = await browser.get(callback)

    assert answer.status_code == status
    assert "Location" not in answer.headers
    assert await world.reason() == reason
    assert await world.count("sessions") == sessions
    return answer.text
