"""Owns the signatures of the broker's own tokens. Refuses a token that is not, to the letter, what `sign` makes.

PyJWT verifies. What a header may say, and which key belongs to it, is decided here, before any signature is looked at.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from jwt import PyJWS
from jwt.exceptions import PyJWTError

from broker.crypto import assertions, base64url, proofs
from broker.crypto.compact_jws import compact_header, is_compact
from broker.crypto.signing_keys import ALGORITHMS, DEFAULT_ALGORITHM, LoadedKey, SigningKeyRefused
from broker.domain.errors import Fault
from broker.domain.ids import KeyThumbprint

MAX_TOKEN = 16 * 1024
"""Characters."""
_REMEMBERED = 1024
"""Tokens shown lately, with their claims: a signature is checked once, while the same keys are in use."""
_JWS = PyJWS(algorithms=ALGORITHMS)
"""Knows neither "none" nor any HMAC, whatever a header says (RFC 8725 section 3.1)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _InUse:
    """The keys at one moment: all of them, those that sign by their algorithm, and the JWK Set as it is published."""

    by_kid: Mapping[str, LoadedKey]
    active: Mapping[str, LoadedKey]
    jwks: bytes
    signed: Callable[[str, str], Mapping[str, Any]]
    """As `_signed` with these keys; what it raised is not remembered."""


class _NotSigned(Exception):
    """The token is not one that we signed."""


class JwtSigner:
    """A `Signer` with the keys that `use` was last given. `algorithm` is the default."""

    def __init__(self, issuer: str, keys: Sequence[LoadedKey] = (), *, algorithm: str = DEFAULT_ALGORITHM) -> None:
        self._issuer = issuer
        self._algorithm = algorithm
        self.use(keys)

    def use(self, keys: Sequence[LoadedKey]) -> None:
        """Sign with the active ones of `keys` from now on, verify with all of them, and publish all: in one step.

        Raises `SigningKeyRefused`, and keeps the keys it had, when two are active for one algorithm or share a `kid`.
        """
        signing = [key for key in keys if key.active]
        by_kid, active = {key.kid: key for key in keys}, {key.alg: key for key in signing}
        if len(active) != len(signing) or len(by_kid) != len(keys):
            raise SigningKeyRefused(", ".join(by_kid), "two keys are active, or have the same name")
        jwks = json.dumps({"keys": [key.public_jwk for key in keys]}).encode()
        signed = lru_cache(maxsize=_REMEMBERED)(lambda token, typ: _signed(token, typ, by_kid))
        self._in_use = _InUse(by_kid=by_kid, active=active, jwks=jwks, signed=signed)

    @property
    def keys(self) -> tuple[LoadedKey, ...]:
        """For `load_signing_keys`, which does not load them again."""
        return tuple(self._in_use.by_kid.values())

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Of the keys in use, each once; what discovery names."""
        return tuple(dict.fromkeys(key.alg for key in self._in_use.by_kid.values()))

    def jwks(self) -> bytes:
        """The JWK Set (RFC 7517 section 5) as JSON: public members only."""
        return self._in_use.jwks

    def sign(self, claims: Mapping[str, Any], *, typ: str, alg: str | None = None) -> str:
        """A compact JWS with the header `alg`, `kid` and `typ`. Raises `Fault` while no key is active.

        Without an active key for `alg` the default signs, and without one for that any other: a key that is not
        published for long enough signs nothing.
        """
        active = self._in_use.active
        key = active.get(alg or self._algorithm) or active.get(self._algorithm) or next(iter(active.values()), None)
        if key is None:
            raise Fault("no_signing_key", "Tokens cannot be signed at the moment.")
        signed = f"{_header(key.alg, key.kid, typ)}.{base64url.encode(orjson.dumps(dict(claims)))}"
        signature = key.sign(signed.encode())
        return f"{signed}.{base64url.encode(signature)}"

    def claims_by(self, assertion: str, keys: Sequence[str]) -> dict[str, Any] | None:
        """The claims of a JWT that one of these public keys (JWK, JSON) has signed, unchecked; or None."""
        return assertions.claims_by(assertion, keys)

    def proven_by(self, proof: str) -> tuple[dict[str, Any], KeyThumbprint] | None:
        """The claims of a DPoP proof, unchecked, and the thumbprint of the key that it brings along; or None."""
        return proofs.proven_by(proof)

    def verify(self, token: str, *, typ: str, audience: str | None, now: int | None) -> dict[str, Any] | None:
        """The claims of a token we signed ourselves, or None.

        `audience` None: any; `now` None: expiry is not looked at.
        """
        if not is_compact(token, longest=MAX_TOKEN):
            return None
        try:
            claims = self._in_use.signed(token, typ)
        except _NotSigned:
            return None
        return {**claims} if self._holds(claims, audience, now) else None

    def _holds(self, claims: Mapping[str, Any], audience: str | None, now: int | None) -> bool:
        if claims.get("iss") != self._issuer or (audience is not None and claims.get("aud") != audience):
            return False
        expires_at = claims.get("exp")
        return now is None or (type(expires_at) is int and now < expires_at)


@lru_cache(maxsize=64)
def _header(alg: str, kid: str, typ: str) -> str:
    """Encoded: the same for every token of one kind that one key signs."""
    return base64url.encode(orjson.dumps({"alg": alg, "kid": kid, "typ": typ}))


def _signed(token: str, typ: str, by_kid: Mapping[str, LoadedKey]) -> dict[str, Any]:
    """The claims of a token with this `typ` and a signature of ours. Raises `_NotSigned`."""
    key = _key_of(token, typ, by_kid)
    if key is None:
        raise _NotSigned
    try:
        claims = json.loads(_JWS.decode(token, key.public, algorithms=[key.alg]))
    except (PyJWTError, ValueError) as error:
        raise _NotSigned from error
    if not isinstance(claims, dict):
        raise _NotSigned
    return claims


def _key_of(token: str, typ: str, by_kid: Mapping[str, LoadedKey]) -> LoadedKey | None:
    """The key that the header names, if the header says what ours say and nothing else.

    So `crit`, `jwk`, `jku`, `x5u`, `x5c` and any other `alg` or `typ` are refused alike (RFC 8725 sections 3.1, 3.10
    and 3.11).
    """
    header = compact_header(token)
    kid = None if header is None else header.get("kid")
    key = by_kid.get(kid) if isinstance(kid, str) else None
    return key if key is not None and header == {"alg": key.alg, "kid": key.kid, "typ": typ} else None
