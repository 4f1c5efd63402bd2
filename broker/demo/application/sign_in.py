"""Signing in through the broker as a public application: authorization code with PKCE, state, nonce and issuer.

Refuses an answer whose issuer, state, nonce or signature is not what this browser's attempt calls for.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import jwt

from broker.demo.application.problems import Problem
from broker.demo.application.sessions import Attempt, BrowserSession, SignedIn
from broker.demo.calls import Call, Unreachable
from broker.demo.published import Published
from broker.demo.signed import ID_TOKEN_TYPES, NotValid, check

_HASHES = {"ES256": hashlib.sha256, "RS256": hashlib.sha256, "EdDSA": hashlib.sha512}


@dataclass(frozen=True, kw_only=True, slots=True)
class SignIn:
    """How this Application is registered at the broker, and the means to speak to it."""

    application_id: str
    redirect_uri: str
    scope: str
    published: Published
    call: Call

    async def begin(self, session: BrowserSession, organization: str | None, now: int) -> str:
        """Start an attempt in this browser's session; the URL to send the browser to. Raises `Problem`."""
        attempt = Attempt(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            started_at=now,
        )
        asked = {
            "response_type": "code",
            "client_id": self.application_id,
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": _base64url(hashlib.sha256(attempt.verifier.encode()).digest()),
            "code_challenge_method": "S256",
        } | ({"organization": organization} if organization else {})
        try:
            endpoint = await self.published.endpoint("authorization_endpoint")
        except Unreachable:
            raise Problem("temporarily_unavailable", status=503) from None
        session.begin(attempt)
        return f"{endpoint}?{urlencode(asked)}"

    async def finish(self, session: BrowserSession | None, pairs: Sequence[tuple[str, str]], now: int) -> SignedIn:
        """Turn the broker's answer into a signed-in User. Raises `Problem`."""
        answer = dict(pairs)
        attempt = session.take(answer.get("state", ""), now) if session else None
        if attempt is None or len(answer) < len(pairs):
            raise Problem("not_started_here")
        try:
            if not await self._from_the_broker(answer):
                raise Problem("wrong_issuer")
            if "error" in answer:
                raise Problem(answer["error"])
            tokens = await self._exchange(answer.get("code", ""), attempt)
            return await self._verified(tokens, attempt, now)
        except Unreachable:
            raise Problem("temporarily_unavailable", status=503) from None

    async def _from_the_broker(self, answer: Mapping[str, str]) -> bool:
        """RFC 9207 section 2.4: an issuer that is promised must be there, and one that is there must be right."""
        promised = (await self.published.metadata()).get("authorization_response_iss_parameter_supported")
        return answer.get("iss") == self.published.issuer or ("iss" not in answer and promised is not True)

    async def _exchange(self, code: str, attempt: Attempt) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "client_id": self.application_id,
            "code_verifier": attempt.verifier,
        }
        answer = await self.call(await self.published.endpoint("token_endpoint"), form=form)
        if answer.status >= 500:
            raise Problem("temporarily_unavailable", status=503)
        if answer.status != 200:
            raise Problem("code_refused")
        return answer.json()

    async def _verified(self, tokens: Mapping[str, Any], attempt: Attempt, now: int) -> SignedIn:
        id_token, session_jwt = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str) or not isinstance(session_jwt, str):
            raise Problem("token_refused")
        try:
            identity = await check(
                id_token, self.published, audience=self.application_id, types=ID_TOKEN_TYPES, now=now
            )
        except NotValid:
            raise Problem("token_refused") from None
        # OpenID Connect Core section 3.1.3.7, steps 5 and 11, and section 3.1.3.8.
        bound = (
            _same(identity.get("nonce"), attempt.nonce),
            identity.get("azp") in (None, self.application_id),
            identity.get("at_hash") in (None, _half_hash(id_token, session_jwt)),
        )
        if not all(bound):
            raise Problem("token_refused")
        return SignedIn(
            id_token=id_token,
            identity=identity,
            session_jwt=session_jwt,
            session_claims=_for_display(session_jwt),
        )


def _for_display(session_jwt: str) -> Mapping[str, Any]:
    """The claims as they are written, to be shown and never relied on: that is for a service, which verifies them."""
    try:
        _, payload, _ = session_jwt.split(".")
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError):
        raise Problem("token_refused") from None
    if not isinstance(claims, Mapping):
        raise Problem("token_refused")
    return claims


def _half_hash(id_token: str, session_jwt: str) -> str:
    digest = _HASHES[jwt.get_unverified_header(id_token)["alg"]](session_jwt.encode()).digest()
    return _base64url(digest[: len(digest) // 2])


def _same(given: Any, expected: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), expected.encode())


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
