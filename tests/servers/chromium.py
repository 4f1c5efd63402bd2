"""Debian's Chromium, without a window, as the browser tests drive it.

Never speaks to anything but the machine it runs on, and keeps no profile.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

PROGRAM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",  # root has none, and the pages are our own
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]


@asynccontextmanager
async def chromium_browser() -> AsyncIterator[Browser]:
    """A browser without pages: open one context a person, so that nobody shares cookies."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=PROGRAM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()
