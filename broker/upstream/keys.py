"""Owns a Provider's published keys, parsed once. Refuses encryption keys, shared secrets, weak and malformed keys.

A key id that is not known is looked for once a minute at most; while the Provider cannot be asked, that is a `Fault`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jwt.algorithms import Algorithm, get_default_algorithms
from jwt.exceptions import PyJWTError

from broker.domain.errors import Fault
from broker.domain.ids import RegistrationId
from broker.flows.ports import Clock
from broker.upstream.errors import RETRY_AFTER, misconfigured, refused, unavailable
from broker.upstream.line import Line

FRESH_SECONDS = 3600
LAST_GOOD_SECONDS = 24 * 3600
LOOK_AGAIN_AFTER = 60
MAX_KEYS = 64
RSA_BITS = range(2048, 8193)  # RFC 7518 section 3.3, and a bound on what a signature may cost

_FAMILIES = {  # alg -> what a JWK must have (RFC 7518 sections 3.1 and 6, RFC 8037 section 3.1)
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
_PUBLIC_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_ALGORITHMS: Mapping[str, Algorithm] = {alg: get_default_algorithms()[alg] for alg in _FAMILIES}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class VerificationKey:
    """One public key. `algorithm` binds it to one algorithm, None leaves it to its family; `public` tells it apart."""

    kid: str | None
    algorithm: str | None
    family: tuple[str, str | None]
    public: tuple[str, ...]
    key: Any = field(repr=False)

    def fits(self, algorithm: str) -> bool:
        """Whether a signature of this algorithm may be checked with this key (RFC 8725 section 3.1)."""
        return _FAMILIES.get(algorithm) == self.family and self.algorithm in {None, algorithm}

    def verifies(self, algorithm: str, signed: bytes, signature: bytes) -> bool:
        """Whether `signature` is that of `signed`; False for a key that does not fit."""
        return self.fits(algorithm) and _ALGORITHMS[algorithm].verify(signed, self.key, signature)


def parse_key(jwk: object) -> VerificationKey | None:
    """One member of a key set; None when it is not a sound public signature key."""
    if not isinstance(jwk, Mapping) or jwk.get("use", "sig") != "sig":
        return None
    operations, kty, kid, algorithm = jwk.get("key_ops", ["verify"]), jwk.get("kty"), jwk.get("kid"), jwk.get("alg")
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    if not isinstance(kty, str) or not isinstance(kid, str | None) or not isinstance(algorithm, str | None):
        return None
    family = (kty, None if kty == "RSA" else jwk.get("crv"))
    usable = [alg for alg, wanted in _FAMILIES.items() if wanted == family and algorithm in {None, alg}]
    members = {name: jwk.get(name) for name in _PUBLIC_MEMBERS.get(kty, ())}
    if not usable or not all(isinstance(member, str) for member in members.values()):
        return None
    try:
        # Only the public members: a private key which somebody published by mistake is not taken in.
        key: Any = _ALGORITHMS[usable[0]].from_jwk({"kty": kty, **members})
    except (PyJWTError, ValueError, TypeError):
        return None
    if kty == "RSA" and key.key_size not in RSA_BITS:
        return None
    return VerificationKey(
        kid=kid, algorithm=algorithm, family=family, public=tuple(map(str, members.values())), key=key
    )


class KeyCache:
    """The keys of one registration's Provider."""

    def __init__(self, registration: RegistrationId, line: Line, clock: Clock) -> None:
        self._registration = registration
        self._line = line
        self._clock = clock
        self._asking = asyncio.Lock()
        self._keys: tuple[VerificationKey, ...] = ()
        self._fetched_at: int | None = None
        self._looked_again_at: int | None = None
        self._failed_at: int | None = None
        self._failure: Fault | None = None

    async def find(self, jwks_uri: str, kid: str | None, algorithm: str) -> VerificationKey:
        """The key that a token's header names. Raises `Refusal` "invalid_id_token" or `Fault`."""
        if self._age_is_below(FRESH_SECONDS) and (key := self._match(kid, algorithm)) is not None:
            return key
        async with self._asking:
            fetched = False
            if not self._age_is_below(FRESH_SECONDS) and not self._failed_within(RETRY_AFTER):
                fetched = await self._fetch(jwks_uri, keep_known=False)
            if not self._age_is_below(LAST_GOOD_SECONDS):
                raise self._failure_again("keys: none that are recent enough")
            if (key := self._match(kid, algorithm)) is not None:
                return key
            if not fetched and not _within(self._looked_again_at, LOOK_AGAIN_AFTER, self._clock.now()):
                self._looked_again_at = self._clock.now()
                await self._fetch(jwks_uri, keep_known=True)
                if (key := self._match(kid, algorithm)) is not None:
                    return key
            if self._failure is not None:
                raise self._failure_again("keys: one that is not known here cannot be asked for")
            raise refused("invalid_id_token", "kid names no published key")

    def _match(self, kid: str | None, algorithm: str) -> VerificationKey | None:
        named = [key for key in self._keys if kid is None or key.kid == kid]
        fitting = [key for key in named if key.fits(algorithm)]
        if kid is None and len(fitting) != 1:
            # OpenID Connect Core section 10.1: kid may be left out only when there is no choice.
            raise refused("invalid_id_token", "no kid, and not exactly one key")
        if named and not fitting:
            raise refused("invalid_id_token", "the key does not fit the algorithm")
        return fitting[0] if fitting else None

    async def _fetch(self, jwks_uri: str, *, keep_known: bool) -> bool:
        """Whether it succeeded. `keep_known`: a known key keeps its value until the set is due anyway."""
        try:
            found = self._read(await self._line.get_json(jwks_uri, what="keys"))
        except Fault as fault:
            self._failure, self._failed_at = fault, self._clock.now()
            _log.warning("upstream.keys_failed registration=%s: %s", self._registration, fault.detail)
            return False
        before = {key.kid: key for key in self._keys if key.kid is not None}
        reused = {key.kid for key in found if key.kid in before and before[key.kid].public != key.public}
        if reused:
            _log.warning("jwks.kid_reused registration=%s keys=%d", self._registration, len(reused))
        if keep_known:
            found = tuple(before[key.kid] if key.kid in reused and key.kid is not None else key for key in found)
        else:
            self._fetched_at = self._clock.now()
        self._keys, self._failure, self._failed_at = found, None, None
        return True

    def _read(self, document: Any) -> tuple[VerificationKey, ...]:
        members = document.get("keys") if isinstance(document, Mapping) else None
        if not isinstance(members, list):
            raise unavailable("keys: no key set")
        for_signatures = [member for member in members if not _is_for_encryption(member)]
        keys = tuple(key for key in map(parse_key, for_signatures[:MAX_KEYS]) if key is not None)
        if skipped := len(for_signatures) - len(keys):
            _log.warning("jwks.keys_skipped registration=%s keys=%d", self._registration, skipped)
        if not keys:
            raise unavailable("keys: none that can be used")
        return keys

    def _failure_again(self, detail: str) -> Fault:
        """A new exception each time, of the kind that the last look met with."""
        is_ours = self._failure is not None and self._failure.code == "provider_misconfigured"
        return misconfigured(detail) if is_ours else unavailable(detail)

    def _age_is_below(self, seconds: int) -> bool:
        return _within(self._fetched_at, seconds, self._clock.now())

    def _failed_within(self, seconds: int) -> bool:
        return _within(self._failed_at, seconds, self._clock.now())


def _is_for_encryption(member: object) -> bool:
    return isinstance(member, Mapping) and member.get("use") == "enc"


def _within(since: int | None, seconds: int, now: int) -> bool:
    """Also False when the clock stepped back: then nothing is known about how much time has passed."""
    return since is not None and 0 <= now - since < seconds
