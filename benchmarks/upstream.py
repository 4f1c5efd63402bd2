"""The OpenID Provider that every system under measurement signs in with: consents at once, signs for real (RS256).

Refuses a code without its PKCE proof, a second use, and a wrong secret. Keeps everything in memory; loopback only.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import json
import secrets
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode

import httptools
import uvloop
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

APPLICATION_ID = "bench"
APPLICATION_SECRET = "bench-upstream-secret"
EMAIL_DOMAIN = "people.example"
KEPT = 20_000
"""Codes and access tokens that are remembered, so that a long run does not grow."""

Reply = tuple[int, str, bytes]
"""Status, then the Location of a redirect or else the media type, then the body."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Consented:
    """What a code stands for."""

    redirect_uri: str
    nonce: str | None
    challenge: str
    person: int


def email(person: int) -> str:
    """The address of the person with this number; the Clients of the benchmark invite by it."""
    return f"person{person}@{EMAIL_DOMAIN}"


class Provider:
    """Authorize, token, userinfo and the two documents, as pure answers to parsed requests."""

    def __init__(self, issuer: str, people: int) -> None:
        self._issuer = issuer
        self._next_person = itertools.cycle(range(people))
        self._codes: dict[str, Consented] = {}
        self._people_by_token: dict[str, int] = {}
        self._key = generate_private_key(65537, 2048)
        self._header = _base64url(_json({"alg": "RS256", "kid": "bench", "typ": "JWT"}))
        numbers = self._key.public_key().public_numbers()
        jwk = {"kty": "RSA", "kid": "bench", "use": "sig", "alg": "RS256", "n": _number(numbers.n)}
        self._documents = {
            "/.well-known/openid-configuration": _json(self._discovery()),
            "/jwks": _json({"keys": [jwk | {"e": _number(numbers.e)}]}),
        }

    def answer(self, target: str, authorization: str, body: bytes) -> Reply:
        """Answer one request."""
        path, _, query = target.partition("?")
        if path in self._documents:
            return 200, "application/json", self._documents[path]
        match path:
            case "/authorize":
                return self._authorize(dict(parse_qsl(query)))
            case "/token":
                return self._token(dict(parse_qsl(body.decode())), authorization)
            case "/userinfo":
                return self._userinfo(authorization)
        return _refusal("not_found", 404)

    def _authorize(self, asked: Mapping[str, str]) -> Reply:
        if asked.get("client_id") != APPLICATION_ID or asked.get("code_challenge_method") != "S256":
            return _refusal("invalid_request")
        code = secrets.token_urlsafe(24)
        _remember(
            self._codes,
            code,
            Consented(
                redirect_uri=asked["redirect_uri"],
                nonce=asked.get("nonce"),
                challenge=asked["code_challenge"],
                person=next(self._next_person),
            ),
        )
        answer = {"code": code, "state": asked["state"], "iss": self._issuer}
        return 302, f"{asked['redirect_uri']}?{urlencode(answer)}", b""

    def _token(self, form: Mapping[str, str], authorization: str) -> Reply:
        if _credentials(form, authorization) != (APPLICATION_ID, APPLICATION_SECRET):
            return _refusal("invalid_client", 401)
        consented = self._codes.pop(form.get("code", ""), None)
        proof = _base64url(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            consented is None
            or consented.challenge != proof
            or consented.redirect_uri != form.get("redirect_uri")
            or form.get("grant_type") != "authorization_code"
        ):
            return _refusal("invalid_grant")
        access_token = secrets.token_urlsafe(32)
        _remember(self._people_by_token, access_token, consented.person)
        document = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": 3600,
            "scope": "openid email profile",
            "id_token": self._id_token(consented, access_token),
        }
        return 200, "application/json", _json(document)

    def _userinfo(self, authorization: str) -> Reply:
        person = self._people_by_token.get(authorization.removeprefix("Bearer "))
        if person is None:
            return _refusal("invalid_token", 401)
        return 200, "application/json", _json(_claims(person))

    def _id_token(self, consented: Consented, access_token: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self._issuer,
            "aud": APPLICATION_ID,
            "azp": APPLICATION_ID,
            "iat": now,
            "exp": now + 3600,
            "at_hash": _base64url(hashlib.sha256(access_token.encode()).digest()[:16]),
            "nonce": consented.nonce,
            **_claims(consented.person),
        }
        signed = f"{self._header}.{_base64url(_json(claims))}"
        return f"{signed}.{_base64url(self._key.sign(signed.encode(), PKCS1v15(), SHA256()))}"

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": self._issuer,
            "authorization_endpoint": f"{self._issuer}/authorize",
            "token_endpoint": f"{self._issuer}/token",
            "userinfo_endpoint": f"{self._issuer}/userinfo",
            "jwks_uri": f"{self._issuer}/jwks",
            "scopes_supported": ["openid", "email", "profile"],
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }


class Line(asyncio.Protocol):
    """One keep-alive connection; requests come one after the other."""

    _REASONS = {200: b"OK", 302: b"Found", 400: b"Bad Request", 401: b"Unauthorized", 404: b"Not Found"}  # noqa: RUF012

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._parser = httptools.HttpRequestParser(self)
        self._start_over()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        """Feed the parser, which calls the methods below."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_url(self, part: bytes) -> None:
        """A piece of the request target."""
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """Of all headers one matters."""
        if name.lower() == b"authorization":
            self._authorization = value.decode()

    def on_body(self, part: bytes) -> None:
        """A piece of the body."""
        self._body += part

    def on_message_complete(self) -> None:
        """Answer, whatever came."""
        try:
            status, said, body = self._provider.answer(self._target.decode(), self._authorization, self._body)
        except (KeyError, ValueError):
            status, said, body = _refusal("invalid_request")
        name = b"Location" if status == 302 else b"Content-Type"
        head = b"HTTP/1.1 %d %b\r\n%b: %b\r\n" % (status, self._REASONS[status], name, said.encode())
        self._transport.write(b"%bCache-Control: no-store\r\nContent-Length: %d\r\n\r\n%b" % (head, len(body), body))
        if not self._parser.should_keep_alive():
            self._transport.close()
        self._start_over()

    def _start_over(self) -> None:
        self._target, self._authorization, self._body = b"", "", b""


def _remember(memory: dict[str, Any], key: str, value: object) -> None:
    memory[key] = value
    if len(memory) > KEPT:
        del memory[next(iter(memory))]


def _claims(person: int) -> dict[str, Any]:
    return {
        "sub": f"person-{person}",
        "name": f"Person {person}",
        "given_name": "Person",
        "family_name": str(person),
        "email": email(person),
        "email_verified": True,
        "picture": f"https://pictures.example/{person}.png",
    }


def _credentials(form: Mapping[str, str], authorization: str) -> tuple[str, str]:
    """RFC 6749 section 2.3.1, both ways."""
    if not authorization.startswith("Basic "):
        return form.get("client_id", ""), form.get("client_secret", "")
    name, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
    return unquote_plus(name), unquote_plus(secret)


def _refusal(error: str, status: int = 400) -> Reply:
    return status, "application/json", _json({"error": error})


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int) -> str:
    return _base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


async def _serve(port: int, people: int) -> None:
    # Under another name than the systems under measurement: cookies ignore ports.
    provider = Provider(f"http://localhost:{port}", people)
    server = await asyncio.get_running_loop().create_server(lambda: Line(provider), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
