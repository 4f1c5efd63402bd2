"""Owns the signatures of the broker's own tokens. Refuses a token that is not, to the letter, what `sign` makes.

PyJWT signs and verifies. What a header may say, and which key belongs to it, is decided here, before any signature
is looked at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from jwt import PyJWS
from jwt.exceptions import PyJWTError

from broker.crypto import base64url
from broker.crypto.signing_keys import ALGORITHMS, LoadedKey, SigningKeyRefused
from broker.domain.errors import Fault

MAX_TOKEN = 16 * 1024
"""Characters."""
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
"""RFC 7515 section 7.1, without padding; the JSON serialisation is not recognised."""
_JWS = PyJWS(algorithms=ALGORITHMS)
"""Knows neither "none" nor any HMAC, whatever a header says (RFC 8725 section 3.1)."""


class JwtSigner:
    """A `Signer` with the keys that `use` was last given."""

    def __init__(self, issuer: str, keys: Sequence[LoadedKey] = ()) -> None:
        self._issuer = issuer
        self.use(keys)

    def use(self, keys: Sequence[LoadedKey]) -> None:
        """Sign with the active one of `keys` from now on, verify with all of them, and publish all.

        Raises `SigningKeyRefused`, and keeps the keys it had, when two are active or share a `kid`.
        """
        active = [key for key in keys if key.active]
        by_kid = {key.kid: key for key in keys}
        if len(active) > 1 or len(by_kid) != len(keys):
            raise SigningKeyRefused(", ".join(by_kid), "two keys are active, or have the same name")
        self._by_kid = by_kid
        self._active = active[0] if active else None
        self._jwks = json.dumps({"keys": [key.public_jwk for key in keys]}).encode()

    @property
    def keys(self) -> tuple[LoadedKey, ...]:
        """For `load_signing_keys`, which does not load them again."""
        return tuple(self._by_kid.values())

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Of the keys in use, each once; what discovery names."""
        return tuple(dict.fromkeys(key.alg for key in self._by_kid.values()))

    def jwks(self) -> bytes:
        """The JWK Set (RFC 7517 section 5) as JSON: public members only."""
        return self._jwks

    def sign(self, claims: Mapping[str, Any], *, typ: str) -> str:
        """A compact JWS with the header `alg`, `kid` and `typ`. Raises `Fault` while no key is active."""
        key = self._active
        if key is None:
            raise Fault("no_signing_key", "Tokens cannot be signed at the moment.")
        payload = json.dumps(dict(claims), separators=(",", ":")).encode()
        return _JWS.encode(payload, key.private, algorithm=key.alg, headers={"kid": key.kid, "typ": typ})

    def verify(self, token: str, *, typ: str, audience: str | None, now: int | None) -> dict[str, Any] | None:
        """The claims of a token we signed ourselves, or None.

        `audience` None: any; `now` None: expiry is not looked at.
        """
        if len(token) > MAX_TOKEN or _COMPACT.fullmatch(token) is None:
            return None
        key = self._key_of(token.partition(".")[0], typ)
        if key is None:
            return None
        try:
            claims = json.loads(_JWS.decode(token, key.public, algorithms=[key.alg]))
        except (PyJWTError, ValueError):
            return None
        return claims if isinstance(claims, dict) and self._holds(claims, audience, now) else None

    def _key_of(self, encoded_header: str, typ: str) -> LoadedKey | None:
        """The key that the header names, if the header says what ours say and nothing else.

        So `crit`, `jwk`, `jku`, `x5u`, `x5c` and any other `alg` or `typ` are refused alike (RFC 8725 sections 3.1,
        3.10 and 3.11).
        """
        try:
            header = json.loads(base64url.decode(encoded_header) or b"")
        except (ValueError, RecursionError):
            return None
        kid = header.get("kid") if isinstance(header, dict) else None
        key = self._by_kid.get(kid) if isinstance(kid, str) else None
        return key if key is not None and header == {"alg": key.alg, "kid": key.kid, "typ": typ} else None

    def _holds(self, claims: dict[str, Any], audience: str | None, now: int | None) -> bool:
        if claims.get("iss") != self._issuer or (audience is not None and claims.get("aud") != audience):
            return False
        expires_at = claims.get("exp")
        return now is None or (type(expires_at) is int and now < expires_at)
