"""Owns to which of our own pages somebody comes back who had to sign in first: those of this list.

Refuses every other text, so that no link can make of a sign-in a way to somewhere else (CWE-601).
"""

from __future__ import annotations

import re
from urllib.parse import urlencode

DEVICE = "/device"
_PAGES = re.compile(r"/device(?:\?user_code=[B-Z]{4}-[B-Z]{4})?|/account/keep|/account/erase")


def own_page(text: str) -> str | None:
    """`text` if it is such a page, to the letter."""
    return text if _PAGES.fullmatch(text) else None


def device_page(user_code: str | None) -> str:
    """The page to enter a device's code at, with that code in it."""
    return DEVICE if user_code is None else f"{DEVICE}?{urlencode({'user_code': user_code})}"
