"""A device without a browser: it begins, shows its code to somebody, and asks until it is let in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx2

from tests.security.browser import Browser

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
POLLED = ("device_requests",)
"""When a device has asked is kept, also where it is told to ask again."""


class Device:
    """It speaks through a browser's connection, as there is no other, and carries no cookie of use."""

    def __init__(self, line: Browser, application: str = "tv") -> None:
        self.line = line
        self.application = application
        self.device_code = self.user_code = ""

    async def begin(self, scope: str = "openid email", **more: str) -> Device:
        """Get both codes."""
        form = {"client_id": self.application, "scope": scope, **more}
        answer = await self.line.send("POST", "/oauth/device_authorization", form=form)
        assert answer.status_code == 200, answer.text
        self.device_code, self.user_code = answer.json()["device_code"], answer.json()["user_code"]
        return self

    async def poll(self, *, may_change: Sequence[str] = POLLED, **changes: str) -> httpx2.Response:
        """Ask once."""
        form = {"grant_type": DEVICE_CODE, "client_id": self.application, "device_code": self.device_code} | changes
        return await self.line.send("POST", "/oauth/token", form=form, may_change=may_change)

    async def error(self, **options: Any) -> str:
        """What it is told while it is not let in."""
        answer = await self.poll(**options)
        assert answer.status_code == 400, answer.text
        return str(answer.json()["error"])


async def answer(browser: Browser, device: Device, decision: str = "allow") -> httpx2.Response:
    """Somebody who is signed in answers."""
    return await browser.press("/device/answer", {"user_code": device.user_code, "decision": decision})
