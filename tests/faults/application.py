"""An Application at the broker's endpoints: fetches tokens, uses them, is done with them. And a service that asks.

Keeps the newest session JWT of a family; which refresh token to use is for others to say.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping

import jwt

from tests.faults.asking import PATIENCE, Asking
from tests.faults.history import mark
from tests.faults.pair import AUDIENCE, REDIRECT_URI, REPORTS_SECRET
from tests.faults.possessions import Family

_REPORTS = "Basic " + base64.b64encode(f"reports:{REPORTS_SECRET}".encode()).decode()


class Application:
    """`last`: what it asks now is asked at the end."""

    def __init__(self, asking: Asking, *, last: bool = False) -> None:
        self._asking = asking
        self._last = last

    async def redeem(self, family: Family) -> None:
        """Fetch the tokens of a code."""
        number = self._asking.recorder.invoke("redeem", **family.known)
        form = {
            "grant_type": "authorization_code",
            "client_id": family.application,
            "code": family.code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": family.verifier,
        }
        tokens = await self._tokens(number, form, family)
        if tokens is not None:
            family.tokens.append(tokens)

    async def refresh(self, family: Family, token: str, *, patience: float = PATIENCE) -> str | None:
        """Use a refresh token; the one that it gives, or None: then the family is over, or nobody knows."""
        number = self._asking.recorder.invoke("refresh", **family.known, token=mark(token), last=self._last)
        form = {"grant_type": "refresh_token", "client_id": family.application, "refresh_token": token}
        return await self._tokens(number, form, family, patience=patience)

    async def _tokens(
        self, number: int, form: Mapping[str, str], family: Family, patience: float = PATIENCE
    ) -> str | None:
        answer = await self._asking.answer(number, "POST", "/oauth/token", form=form, patience=patience)
        if answer is None:
            return None
        if answer.status_code != 200:
            self._asking.refused(number, answer)
            family.over = family.over or answer.status_code == 400
            return None
        told = answer.json()
        token: str = told["refresh_token"]
        family.jwt, family.issued_at = told["access_token"], time.time()
        claims = jwt.decode(family.jwt, options={"verify_signature": False})
        name = "token" if form["grant_type"] == "authorization_code" else "successor"
        learnt = {name: mark(token), "jwt": family.jwt, "subject": claims["sub"], "rights": claims["authorizations"]}
        self._asking.done(number, answer, **learnt)
        return token

    async def revoke(self, family: Family, token: str) -> None:
        """Be done with one."""
        number = self._asking.recorder.invoke("revoke", **family.known)
        form = {"client_id": family.application, "token": token}
        answer = await self._asking.answer(number, "POST", "/oauth/revoke", form=form)
        if answer is not None and answer.status_code == 200:
            family.over = True
            self._asking.done(number, answer)
        elif answer is not None:
            self._asking.refused(number, answer)

    async def userinfo(self, family: Family) -> None:
        """Ask with a session JWT."""
        number = self._asking.recorder.invoke("userinfo", **family.known)
        headers = {"Authorization": f"Bearer {family.jwt}"}
        answer = await self._asking.answer(number, "GET", "/oauth/userinfo", headers=headers)
        if answer is not None and answer.status_code == 200:
            self._asking.done(number, answer, subject=answer.json()["sub"])
        elif answer is not None:
            self._asking.refused(number, answer, {401: "invalid_token"})

    async def introspect(self, family: Family) -> None:
        """Have a service with the same audience ask about a session JWT."""
        number = self._asking.recorder.invoke("introspect", **family.known)
        headers, form = {"Authorization": _REPORTS}, {"token": family.jwt}
        answer = await self._asking.answer(number, "POST", "/oauth/introspect", form=form, headers=headers)
        if answer is None:
            return
        if answer.status_code != 200:
            self._asking.refused(number, answer)
        elif answer.json()["active"]:
            told = answer.json()
            assert told["aud"] == AUDIENCE
            self._asking.done(number, answer, subject=told["sub"], rights=told["authorizations"])
        else:
            self._asking.refused(number, answer, {200: "inactive"})

    async def keys(self, at: int) -> set[str]:
        """What one broker publishes; the names of it, none where it does not answer."""
        number = self._asking.recorder.invoke("keys")
        answer = await self._asking.answer(number, "GET", "/.well-known/jwks.json", at=at)
        if answer is None:
            return set()
        if answer.status_code != 200:
            self._asking.refused(number, answer)
            return set()
        keys = {key["kid"]: key for key in answer.json()["keys"]}
        self._asking.done(number, answer, keys=keys)
        return set(keys)
