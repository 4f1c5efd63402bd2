"""Owns calling Applications at the addresses that they registered. Refuses to raise: what failed is tried again."""

from __future__ import annotations

from urllib.parse import urlencode

from broker.domain.errors import Fault
from broker.domain.logout import LogoutResult
from broker.upstream.http import Transport

_HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


class ApplicationEndpoints:
    """The `Applications` port. What guards calls to Providers guards these: addresses, redirects, time, length."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def tell_logout(self, url: str, logout_token: str) -> LogoutResult:
        """See `Applications`; the answers are those of Back-Channel Logout 1.0 section 2.8."""
        body = urlencode({"logout_token": logout_token})
        try:
            answer = await self._transport.send("POST", url, what="logout", headers=_HEADERS, body=body)
        except Fault:
            return LogoutResult.PENDING
        if 200 <= answer.status < 300:  # 204 is what some frameworks make of an answer without a body
            return LogoutResult.DELIVERED
        return LogoutResult.REFUSED if answer.status == 400 else LogoutResult.PENDING
