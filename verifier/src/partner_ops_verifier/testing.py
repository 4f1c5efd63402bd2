"""Owns an issuer for tests: it has a key, mints session JWTs, and answers verifiers in memory. Nothing is patched.

Refuses to be the broker: it asks nobody, keeps nothing, and believes what it is told. For tests alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Collection, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from partner_ops_verifier.async_verifier import AsyncVerifier
from partner_ops_verifier.http import Answer, HttpFailed, Request, Stream
from partner_ops_verifier.judge import Clocks, wall_clock
from partner_ops_verifier.places import DISCOVERY_PATH
from partner_ops_verifier.verifier import Verifier

ISSUER: Final = "https://id.partner-ops.test"
AUDIENCE: Final = "https://api.partner-ops.test"
LIFETIME: Final = 300
PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


class TestKey:
    """A key pair, made at once: "ES256", "EdDSA" or "RS256"."""

    __test__ = False  # for pytest: no test, whatever its name

    def __init__(self, alg: str = "ES256", kid: str | None = None) -> None:
        self.alg = alg
        self.kid = kid or secrets.token_hex(8)
        self.private: PrivateKey
        if alg == "ES256":
            self.private = ec.generate_private_key(ec.SECP256R1())
        elif alg == "EdDSA":
            self.private = ed25519.Ed25519PrivateKey.generate()
        elif alg == "RS256":
            self.private = rsa.generate_private_key(65537, 2048)
        else:
            raise ValueError("ES256, EdDSA or RS256")

    @property
    def jwk(self) -> dict[str, str]:
        """As it is published (RFC 7517)."""
        return {**self._members(), "kid": self.kid, "alg": self.alg, "use": "sig"}

    @property
    def thumbprint(self) -> str:
        """RFC 7638: what a token that is bound to this key has as `cnf.jkt`."""
        canonical = json.dumps(self._members(), sort_keys=True, separators=(",", ":"))
        return base64url(hashlib.sha256(canonical.encode()).digest())

    def _members(self) -> dict[str, str]:
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            point = self.private.public_key().public_numbers()
            return {"kty": "EC", "crv": "P-256", "x": _number(point.x, 32), "y": _number(point.y, 32)}
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return {"kty": "OKP", "crv": "Ed25519", "x": base64url(self.private.public_key().public_bytes_raw())}
        numbers = self.private.public_key().public_numbers()
        return {"kty": "RSA", "n": _number(numbers.n, 256), "e": _number(numbers.e, 3)}

    def signature(self, message: bytes) -> bytes:
        """RFC 7518 section 3, RFC 8037 section 3.1."""
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(self.private.sign(message, ec.ECDSA(SHA256())))
            return r.to_bytes(32) + s.to_bytes(32)
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(message)
        return self.private.sign(message, PKCS1v15(), SHA256())

    def sign(self, claims: Mapping[str, Any], **header: Any) -> str:
        """A compact token. `header` replaces members; None leaves one out."""
        members = {"alg": self.alg, "kid": self.kid, "typ": "at+jwt", **header}
        parts = ({name: value for name, value in members.items() if value is not None}, dict(claims))
        text = ".".join(base64url(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
        return f"{text}.{base64url(self.signature(text.encode()))}"


class SessionTokens:
    """Mints session JWTs, and makes verifiers that trust them. `now`: what everybody's clock says."""

    def __init__(
        self, *, issuer: str = ISSUER, audience: str = AUDIENCE, alg: str = "ES256", now: int | None = None
    ) -> None:
        self.issuer = issuer
        self.audience = audience
        self.now = now
        self.key = TestKey(alg)
        self.http = MemoryHttp(issuer, [self.key])

    def clock(self) -> int:
        """`now`, or the machine's."""
        return wall_clock() if self.now is None else self.now

    def claims(self, user: str = "usr_test", rights: Mapping[str, Collection[str]] = {}) -> dict[str, Any]:
        """The claims of a session JWT whose User was given `rights`: Client -> rights."""
        now = self.clock()
        return {
            "iss": self.issuer,
            "sub": user,
            "aud": self.audience,
            "exp": now + LIFETIME,
            "iat": now,
            "jti": f"gnt_test.{secrets.token_hex(8)}",
            "client_id": "test-app",
            "scope": "openid",
            "auth_time": now,
            "acr": "urn:partner-ops:acr:provider",
            "amr": ["fed"],
            "sid": "ses_test",
            "authorizations": {client_org: list(given) for client_org, given in rights.items()},
        }

    def mint(
        self,
        user: str = "usr_test",
        rights: Mapping[str, Collection[str]] = {},
        *,
        bound_to: TestKey | None = None,
        **claims: Any,
    ) -> str:
        """A session JWT. `claims` replaces some, such as `org_id="acme"`; None leaves one out.

        `bound_to`: the Application's key, whose `proof` it has to come with (RFC 9449).
        """
        members = self.claims(user, rights) | claims
        if bound_to is not None:
            members["cnf"] = {"jkt": bound_to.thumbprint}
        return self.key.sign({name: value for name, value in members.items() if value is not None})

    def proof(self, key: TestKey, token: str, url: str, method: str = "GET", **claims: Any) -> str:
        """A proof that an Application holds `key`, for a request with this token. `claims` as for `mint`.

        `url` is a whole address, or a path at the origin of `audience`.
        """
        members = {
            "jti": secrets.token_hex(16),
            "htm": method,
            "htu": f"{self.audience}{url}" if url.startswith("/") else url,
            "iat": self.clock(),
            "ath": base64url(hashlib.sha256(token.encode()).digest()),
        } | claims
        jwk = {name: value for name, value in key.jwk.items() if name not in ("kid", "alg", "use")}
        told = {name: value for name, value in members.items() if value is not None}
        return key.sign(told, typ="dpop+jwt", kid=None, jwk=jwk)

    def mint_by_reference(self, user: str, rights: Mapping[str, Collection[str]], **claims: Any) -> str:
        """A session JWT of a User with more Authorizations than fit: they are fetched from the issuer."""
        body = json.dumps(
            {client_org: list(given) for client_org, given in rights.items()},
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
        ).encode()
        reference = {
            "url": f"{self.issuer}/api/v1/authorizations",
            "digest": f"sha-256:{hashlib.sha256(body).hexdigest()}",
            "count": len(rights),
        }
        token = self.mint(user, **{"authorizations": None, "authorizations_ref": reference} | claims)
        self.http.authorizations[token] = body
        return token

    def rotate(self) -> None:
        """Sign with a new key, which is published beside the old ones."""
        self.key = TestKey(self.key.alg)
        self.http.keys.append(self.key)

    def verifier(self, audience: str | None = None, **options: Any) -> Verifier:
        """A `Verifier` that trusts this issuer, by default for the audience that tokens are minted for."""
        given: dict[str, Any] = {"http": self.http, "clocks": Clocks(now=self.clock)} | options
        return Verifier(self.issuer, audience or self.audience, **given)

    def async_verifier(self, audience: str | None = None, **options: Any) -> AsyncVerifier:
        """As `verifier`, for asyncio."""
        given: dict[str, Any] = {"http": AsyncMemoryHttp(self.http), "clocks": Clocks(now=self.clock)} | options
        return AsyncVerifier(self.issuer, audience or self.audience, **given)


class MemoryHttp:
    """An `Http` that reaches one issuer, which is not there. `down`: nobody answers. `requests` counts."""

    def __init__(self, issuer: str, keys: list[TestKey]) -> None:
        self.issuer = issuer
        self.keys = keys
        self.authorizations: dict[str, bytes] = {}
        self.down = False
        self.requests: list[str] = []
        self._counting = threading.Lock()

    def fetch(self, request: Request) -> Answer:
        """What the issuer would answer."""
        with self._counting:
            self.requests.append(request.url)
        if self.down:
            raise HttpFailed("nobody answers")
        path = urlsplit(request.url).path.removeprefix(urlsplit(self.issuer).path)
        if path == DISCOVERY_PATH:
            return _json({"issuer": self.issuer, "jwks_uri": f"{self.issuer}/.well-known/jwks.json"})
        if path == "/.well-known/jwks.json":
            return _json({"keys": [key.jwk for key in self.keys]})
        body = self.authorizations.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        return Answer(status=401 if body is None else 200, headers={}, body=body or b"{}")

    def open(self, request: Request) -> Stream:
        """There is no feed here."""
        raise HttpFailed(f"no feed at {request.url}")


class AsyncMemoryHttp:
    """An `AsyncHttp` over a `MemoryHttp`."""

    def __init__(self, memory: MemoryHttp) -> None:
        self._memory = memory

    async def fetch(self, request: Request) -> Answer:
        """What the issuer would answer."""
        return self._memory.fetch(request)

    async def open(self, request: Request) -> Any:
        """There is no feed here."""
        return self._memory.open(request)


def base64url(data: bytes) -> str:
    """Without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int, size: int) -> str:
    return base64url(value.to_bytes(size))


def _json(document: Mapping[str, Any]) -> Answer:
    return Answer(status=200, headers={"cache-control": "max-age=300"}, body=json.dumps(document).encode())
