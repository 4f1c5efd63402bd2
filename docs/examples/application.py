"""An Application that signs Users in, with nothing but Python and PyJWT (with its `crypto` extra).

A public Application has no secret. Everything it has to know about the broker is found from the issuer.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit
from urllib.request import Request, urlopen

import jwt


@dataclass(frozen=True, kw_only=True)
class Trip:
    """What to remember in this browser's own session between sign-in and callback. Used once."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)


class Application:
    """What `broker apply` knows under `[applications.<application_id>]`."""

    def __init__(self, issuer: str, application_id: str, redirect_uri: str, secret: str | None = None) -> None:
        self.application_id, self.redirect_uri, self.secret = application_id, redirect_uri, secret
        self.broker = _get(f"{issuer}/.well-known/openid-configuration")
        if self.broker["issuer"] != issuer:
            raise ValueError("this is another broker")
        self.keys = jwt.PyJWKClient(self.broker["jwks_uri"])

    def sign_in(self, **more: str) -> tuple[str, Trip]:
        """Where to send the browser. `more` may be `organization`, `provider`, `prompt`, `max_age`, `login_hint`."""
        trip = Trip(
            state=secrets.token_urlsafe(32), nonce=secrets.token_urlsafe(32), code_verifier=secrets.token_urlsafe(32)
        )
        challenge = base64.urlsafe_b64encode(hashlib.sha256(trip.code_verifier.encode()).digest()).rstrip(b"=")
        asked = {
            "client_id": self.application_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": "openid email profile",
            "state": trip.state,
            "nonce": trip.nonce,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
        }
        return f"{self.broker['authorization_endpoint']}?{urlencode(asked | more)}", trip

    def callback(self, url: str, trip: Trip) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """The ID token's claims, and the token answer with the session JWT in it. `url`: what the browser came to."""
        answer = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        if not hmac.compare_digest(answer.get("state", ""), trip.state):
            raise ValueError("this browser did not ask for it")
        if answer.get("iss") != self.broker["issuer"]:  # RFC 9207
            raise ValueError("another server answered")
        if "error" in answer:
            raise PermissionError(answer["error"])
        tokens = self._redeem(answer["code"], trip)
        claims = jwt.decode(
            tokens["id_token"],
            self.keys.get_signing_key_from_jwt(tokens["id_token"]),
            algorithms=self.broker["id_token_signing_alg_values_supported"],
            issuer=self.broker["issuer"],
            audience=self.application_id,
            leeway=30,
        )
        if claims.get("nonce") != trip.nonce:
            raise ValueError("an answer to another sign-in")
        return claims, tokens

    def userinfo(self, session_jwt: str) -> Mapping[str, Any]:
        """`sub` and every released attribute, as they are now."""
        return _get(self.broker["userinfo_endpoint"], {"Authorization": f"Bearer {session_jwt}"})

    def sign_out(self, id_token: str, back_to: str) -> str:
        """Where to send the browser to end its Session at the broker, after ending the Application's own."""
        asked = {"id_token_hint": id_token, "post_logout_redirect_uri": back_to}
        return f"{self.broker['end_session_endpoint']}?{urlencode(asked)}"

    def _redeem(self, code: str, trip: Trip) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": trip.code_verifier,
        }
        headers = {}
        if self.secret is None:
            form["client_id"] = self.application_id
        else:  # RFC 6749 section 2.3.1: form-encoded inside Basic
            pair = f"{quote_plus(self.application_id)}:{quote_plus(self.secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return _ask(Request(self.broker["token_endpoint"], urlencode(form).encode(), headers))  # noqa: S310


def _get(url: str, headers: Mapping[str, str] | None = None) -> Mapping[str, Any]:
    return _ask(Request(url, headers=dict(headers or {})))  # noqa: S310 - an address of the broker's own


def _ask(request: Request) -> Mapping[str, Any]:
    with urlopen(request, timeout=10) as answer:  # noqa: S310
        document: dict[str, Any] = json.load(answer)
    return document
