"""Owns the key that signs tokens: the states it goes through, and when. Its private half is a sealed value only.

Refuses a signature before everybody who verifies can have the key, and to leave an algorithm in use without one.

    pending ──► active ──► retiring ──► gone
       └───────────┴───────────┴──► revoked ──► gone

Of each algorithm one key is active and one pending, at most: unique keys in SQL hold it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from broker.domain.errors import Refusal
from broker.domain.ids import DataKeyId
from broker.domain.sealing import SYSTEM_OWNER, Place
from broker.domain.session import ABSOLUTE_LIFETIME
from broker.domain.session_token import LIFETIME

TABLE = "signing_keys"
ALGORITHMS = ("ES256", "EdDSA", "RS256")
"""RFC 7518 section 3.1, RFC 8037 section 3.1. The first is the default."""
JWKS_MAX_AGE = 300
"""Seconds for which whoever fetched the published keys need not ask again."""
RELOAD_EVERY = 5
"""Seconds after which each process has learnt of a change to the keys."""
WINDOW = 2 * JWKS_MAX_AGE + RELOAD_EVERY
"""Seconds between making a key and its first signature: every copy of the published keys has been renewed once by then,
and there is as much again for a copy that was renewed late (OpenID Connect Core section 10.1.1)."""
AHEAD = 7 * 24 * 3600
"""Seconds by which the next key is published before the one in use has reached its age."""
DRAIN = ABSOLUTE_LIFETIME + LIFETIME
"""Seconds from the last signature until nobody needs the key: an ID token comes back as a hint while its Session
lives."""


class KeyState(StrEnum):
    """Of these, all but `REVOKED` are published, and verify."""

    PENDING = "pending"
    ACTIVE = "active"
    RETIRING = "retiring"
    REVOKED = "revoked"


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningKey:
    """`public_jwk` is JSON (RFC 7517). The private half of a revoked key is destroyed: `sealed_private` is empty."""

    kid: str
    alg: str
    active: bool
    public_jwk: str
    sealed_private: bytes = field(repr=False)
    data_key_id: DataKeyId
    created_at: int
    activated_at: int | None = None
    retired_at: int | None = None
    revoked_at: int | None = None

    @property
    def state(self) -> KeyState:
        """Where it stands."""
        if self.revoked_at is not None:
            return KeyState.REVOKED
        if self.active:
            return KeyState.ACTIVE
        return KeyState.PENDING if self.retired_at is None else KeyState.RETIRING

    @property
    def signs_since(self) -> int:
        """When it became active. A key that was the first signed as soon as it was made."""
        return self.created_at if self.activated_at is None else self.activated_at

    @property
    def may_sign_from(self) -> int:
        """When everybody who verifies can have it."""
        return self.created_at + WINDOW

    @property
    def gone_from(self) -> int | None:
        """When nothing it signed is good for anything any more; None while it may sign still."""
        left = self.retired_at if self.revoked_at is None else self.revoked_at
        return None if left is None else left + DRAIN


def place_of(kid: str) -> Place:
    """Where the sealed private half of the key `kid` belongs."""
    return Place(table=TABLE, column="sealed_private", row_id=kid, owner=SYSTEM_OWNER, registration="-", generation=0)


def published(keys: Iterable[SigningKey]) -> tuple[SigningKey, ...]:
    """Those that everybody may verify with."""
    return tuple(key for key in keys if key.state is not KeyState.REVOKED)


def an_active_one(keys: Iterable[SigningKey]) -> SigningKey | None:
    """Some key that signs: without one no token can be issued."""
    return next((key for key in keys if key.active), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Make:
    """Make a key for `alg`, which signs at once, or first waits until its time has come."""

    alg: str
    active: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Promote:
    """Have a pending key sign from now on, instead of the one that did."""

    key: SigningKey
    instead_of: SigningKey | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Retire:
    """Have a key sign nothing more."""

    key: SigningKey


@dataclass(frozen=True, kw_only=True, slots=True)
class Revoke:
    """Take a key away from everybody at once. `successor`: what has to happen with it, so that tokens can be signed."""

    key: SigningKey
    successor: Make | Promote | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Remove:
    """Forget a key that nobody needs."""

    key: SigningKey


Step = Make | Promote | Retire | Revoke | Remove


class TooEarly(Refusal):
    """A key would sign before everybody can have it. `may_sign_from` is when it may."""

    def __init__(self, key: SigningKey) -> None:
        super().__init__("key_too_new", "The key has not been published for long enough.", detail=key.kid)
        self.may_sign_from = key.may_sign_from


def due(keys: Sequence[SigningKey], algorithms: Sequence[str], now: int, age: int) -> Step | None:
    """What the clock asks for next, or None. `algorithms`: those in use. `age`: when a key is replaced, in seconds.

    Where nothing can be signed at all, the next key does not wait for its time.
    """
    cannot_sign = an_active_one(keys) is None
    for alg in algorithms:
        active, pending = _of(keys, alg, KeyState.ACTIVE), _of(keys, alg, KeyState.PENDING)
        left = 0 if active is None else active.signs_since + age - now
        if pending is None and left <= AHEAD:
            return Make(alg=alg, active=cannot_sign)
        if pending is not None and left <= 0 and (cannot_sign or now >= pending.may_sign_from):
            return Promote(key=pending, instead_of=active)
    return next((Remove(key=key) for key in keys if key.gone_from is not None and key.gone_from <= now), None)


def addition(keys: Sequence[SigningKey], alg: str) -> Make:
    """What an operator who asks for a further key gets. Raises `Refusal`: one that waits is enough."""
    standby = _of(keys, alg, KeyState.PENDING)
    if standby is not None:
        raise Refusal("key_pending", "A key of this algorithm is waiting already.", detail=standby.kid)
    return Make(alg=alg, active=an_active_one(keys) is None)


def promotion(keys: Sequence[SigningKey], kid: str, now: int) -> Promote:
    """Have the pending key `kid` take over. Raises `Refusal`, or `TooEarly` before its time."""
    key = _named(keys, kid)
    if key.state is not KeyState.PENDING:
        raise Refusal("key_not_pending", "Only a pending key can be promoted.", detail=f"{kid} is {key.state}")
    if now < key.may_sign_from:
        raise TooEarly(key)
    return Promote(key=key, instead_of=_of(keys, key.alg, KeyState.ACTIVE))


def retirement(keys: Sequence[SigningKey], kid: str, algorithms: Sequence[str], now: int) -> Promote | Retire:
    """Have the key `kid` sign nothing more; of an algorithm in use the pending key takes over.

    Raises `Refusal` where there is none, or `TooEarly` before its time.
    """
    key = _named(keys, kid)
    if key.state not in (KeyState.PENDING, KeyState.ACTIVE):
        raise Refusal("key_not_in_use", "This key signs nothing any more.", detail=f"{kid} is {key.state}")
    others = [other for other in keys if other is not key]
    if key.state is KeyState.PENDING or (key.alg not in algorithms and an_active_one(others) is not None):
        return Retire(key=key)
    standby = _of(keys, key.alg, KeyState.PENDING)
    if standby is None:
        raise Refusal("key_needed", "Tokens are signed by this key, and no other waits to take over.", detail=kid)
    return promotion(keys, standby.kid, now)


def revocation(keys: Sequence[SigningKey], kid: str, algorithms: Sequence[str]) -> Revoke:
    """Take the key `kid` away at once; if it signed, the pending key takes over before its time, or a new one.

    The first of `algorithms`, which are those in use, is the default. Raises `Refusal`.
    """
    key = _named(keys, kid)
    if key.state is KeyState.REVOKED:
        raise Refusal("key_not_in_use", "This key is revoked already.", detail=kid)
    others = [other for other in keys if other is not key]
    alg = key.alg if key.alg in algorithms else algorithms[0]
    if not key.active or (alg != key.alg and an_active_one(others) is not None):
        return Revoke(key=key, successor=None)
    standby = _of(others, alg, KeyState.PENDING)
    return Revoke(
        key=key,
        successor=Make(alg=alg, active=True) if standby is None else Promote(key=standby, instead_of=None),
    )


def _of(keys: Iterable[SigningKey], alg: str, state: KeyState) -> SigningKey | None:
    return next((key for key in keys if key.alg == alg and key.state is state), None)


def _named(keys: Iterable[SigningKey], kid: str) -> SigningKey:
    for key in keys:
        if key.kid == kid:
            return key
    raise Refusal("key_unknown", "There is no signing key of this name.", detail=f"there is no signing key {kid}")
