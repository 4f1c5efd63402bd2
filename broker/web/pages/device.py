"""Owns the name of a browser as people say it: "Chrome on Windows".

Refuses versions, models and everything else a user agent tells: the coarse words are enough to recognise one's own.
"""

from __future__ import annotations

_UNKNOWN = "Unknown browser"

# The order decides: nearly every browser also claims to be Chrome, Safari or both.
_BROWSERS = (
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
# iPhones say "like Mac OS X" and Android says "Linux", so the narrower words come first.
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
    ("X11", "Linux"),
)


def device(user_agent: str | None) -> str:
    """Browser and system of a `User-Agent` header in words; None and what nobody recognises are "Unknown browser"."""
    claimed = user_agent or ""
    browser = _first(_BROWSERS, claimed) or _UNKNOWN
    system = _first(_SYSTEMS, claimed)
    return f"{browser} on {system}" if system else browser


def _first(names: tuple[tuple[str, str], ...], claimed: str) -> str | None:
    return next((name for needle, name in names if needle in claimed), None)
