"""Owns what the flows need from the edges. Refuses to know which library is behind a port.

Every port may raise `Fault` when what is behind it does not answer. `Store.write` may raise `Conflict`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from broker.domain.attempt import SignInAttempt
from broker.domain.connection import UpstreamTokens
from broker.domain.ids import (
    KeyedHash,
    KeyThumbprint,
    RegistrationId,
)
from broker.domain.logout import LogoutResult
from broker.domain.outbox import RevocationResult
from broker.domain.policy import AttributePolicy
from broker.domain.pushed_request import PushedRequest
from broker.domain.sealing import Place, WrappedKey
from broker.flows.proven import UpstreamLogout, VerifiedSignIn
from broker.flows.store import Store


class Vault(Protocol):
    """Seals what is kept. Everything that does not open raises `SealBroken`, one error for all causes.

    `Fault` means that nothing is known about it: who keeps the KEK does not answer, or the keyring lacks it.
    """

    @property
    def keks(self) -> Mapping[str, bytes]:
        """KEK -> what tells it from another one of that id. In the keyring's order: the first wraps, all unwrap."""

    async def new_key(self, owner: str, now: int) -> WrappedKey: ...

    async def rewrap(self, keys: Sequence[WrappedKey]) -> Sequence[WrappedKey | None]:
        """Each of these data keys, wrapped anew by the first KEK, in their order; None where it does not unwrap."""

    async def seal(self, key: WrappedKey, place: Place, plaintext: bytes) -> bytes: ...

    async def open(self, key: WrappedKey, place: Place, envelope: bytes) -> bytes: ...

    async def check(self, keys: Mapping[str, Sequence[WrappedKey]]) -> tuple[str, ...]:
        """Of each KEK none of whose keys can be unwrapped, why (it is missing or wrong); empty when all open one."""


class Secrets(Protocol):
    """Randomness, keyed hashes, and what browsers carry sealed."""

    def token(self) -> str:
        """256 random bits, base64url, 43 characters."""

    def new_id(self, prefix: str) -> str:
        """An opaque id of 128 random bits, such as "usr_…"."""

    def keyed_hash(self, kind: str, value: str) -> KeyedHash:
        """HMAC-SHA-256 under a key of its own for each `kind`."""

    def same(self, a: str, b: str) -> bool:
        """Compare in constant time."""

    def seal_cookie(self, purpose: str, plaintext: bytes) -> str:
        """A cookie value. `purpose` is a word of the code's own; what is sealed for one opens for no other."""

    def open_cookie(self, purpose: str, cookie: str) -> bytes | None:
        """None for anything but a value that `seal_cookie` made for this purpose."""

    def seal_form(self, purpose: str, plaintext: bytes) -> str:
        """The value of a hidden field, however long. `purpose` as for cookies."""

    def open_form(self, purpose: str, field: str) -> bytes | None:
        """None for anything but a value that `seal_form` made for this purpose."""

    def seal_attempt(self, attempt: SignInAttempt) -> str:
        """A cookie value."""

    def open_attempt(self, cookie: str) -> SignInAttempt | None:
        """None for anything but a value that `seal_attempt` made."""

    def seal_request(self, request: PushedRequest) -> str:
        """What follows `PREFIX` in a `request_uri`."""

    def open_request(self, sealed: str) -> PushedRequest | None:
        """None for anything but a value that `seal_request` made."""


class Signer(Protocol):
    """Signs tokens with the active keys, and recognises our own."""

    def sign(self, claims: Mapping[str, Any], *, typ: str, alg: str | None = None) -> str:
        """`alg` None: the default, which also signs as long as `alg` has no active key."""

    def claims_by(self, assertion: str, keys: Sequence[str]) -> dict[str, Any] | None:
        """The claims of a JWT that one of these public keys (JWK, JSON) has signed, unchecked; or None."""

    def proven_by(self, proof: str) -> tuple[dict[str, Any], KeyThumbprint] | None:
        """The claims of a DPoP proof, unchecked, and the thumbprint of the key that it brings along; or None."""

    def verify(self, token: str, *, typ: str, audience: str | None, now: int | None) -> dict[str, Any] | None:
        """The claims of a token of our own, or None. `audience` None: any; `now` None: expiry is not looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Callback:
    """What a Provider sent the browser back with. `iss` is RFC 9207's."""

    registration: RegistrationId
    state: str = field(repr=False)
    code: str | None = field(repr=False)
    error: str | None
    iss: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistrationFacts:
    """What flows and pages may know about a registration.

    `attributes`: each attribute its Provider can tell. `reach`: in words, how far a revocation at the Provider goes.
    `permissions_page`: where the person can end it at the Provider, if it has such a page.
    """

    id: RegistrationId
    provider: str
    label: str
    attributes: frozenset[str]
    can_revoke: bool
    reach: str
    permissions_page: str | None


class Upstream(Protocol):
    """Speaks to Providers."""

    @property
    def registrations(self) -> Mapping[RegistrationId, RegistrationFacts]: ...

    def scopes_for(self, registration: RegistrationId, attributes: frozenset[str]) -> tuple[str, ...]:
        """Only the scopes that these attributes, and signing in as such, need."""

    async def authorize_url(self, attempt: SignInAttempt, *, login_hint: str | None, prompt_login: bool) -> str:
        """Where to send the browser. Raises `Fault` when the Provider's metadata cannot be had."""

    async def exchange(self, attempt: SignInAttempt, callback: Callback, wanted: Collection[str]) -> VerifiedSignIn:
        """Check the callback (RFC 9207), redeem its code once, verify everything. Raises `Refusal` or `Fault`.

        `wanted`: the attributes that may be kept; nothing else is in the profile, and nothing is fetched for others.

        Tokens that were obtained before a check failed are revoked at the Provider, as far as it can.
        """

    async def logout(self, registration: RegistrationId, logout_token: str) -> UpstreamLogout:
        """Verify a Provider's logout token. Raises `Refusal`, or `Fault` when its keys cannot be had."""

    async def revoke(self, registration: RegistrationId, tokens: UpstreamTokens) -> RevocationResult:
        """Tell the Provider. Never raises: `PENDING` means try again."""


class Applications(Protocol):
    """Speaks to Applications, at the addresses that they registered."""

    async def tell_logout(self, url: str, logout_token: str) -> LogoutResult:
        """Tell one of a sign-out. Never raises: `PENDING` means try again."""


class Inventory(Protocol):
    """Everything that is stored, as it is. Each read may raise `Fault`."""

    @property
    def tables(self) -> Sequence[str]:
        """The names of all tables, in order."""

    async def rows(self, table: str, after: Sequence[Any] | None, limit: int) -> Sequence[Mapping[str, Any]]:
        """Rows by their key, from the first one after `after` on; each column under its name."""

    def key(self, table: str) -> Sequence[str]:
        """The columns of its key, in order; `after` are their values."""


class Clock(Protocol):
    """The one place where the time comes from."""

    def now(self) -> int:
        """Whole seconds since the epoch, UTC."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ports:
    """All the edges, for one broker process."""

    issuer: str
    store: Store
    vault: Vault
    secrets: Secrets
    signer: Signer
    upstream: Upstream
    clock: Clock
    policy: AttributePolicy
