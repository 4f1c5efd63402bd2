"""Owns what the flows need from the edges. Refuses to know which library is behind a port.

Every port may raise `Fault` when what is behind it does not answer. `Store.write` may raise `Conflict`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from broker.domain.application import Application
from broker.domain.attempt import SignInAttempt
from broker.domain.changes import Change
from broker.domain.connection import UpstreamTokens
from broker.domain.consent import Consent
from broker.domain.ids import (
    ApplicationId,
    AttemptId,
    ConnectionId,
    GrantId,
    KeyedHash,
    KeyThumbprint,
    PushedRequestId,
    RegistrationId,
    SessionId,
    UserId,
)
from broker.domain.ledger import AuditEvent
from broker.domain.logout import LogoutResult, PendingLogout
from broker.domain.outbox import PendingRevocation, RevocationResult
from broker.domain.policy import AttributePolicy
from broker.domain.pushed_request import PushedRequest
from broker.domain.refresh_token import PlainUse
from broker.domain.sealing import Place, WrappedKey
from broker.domain.session import Session
from broker.domain.signing_key import SigningKey
from broker.domain.user import User
from broker.flows.found import (
    Access,
    Arrival,
    AttemptInFull,
    Catalogue,
    ConnectionInFull,
    DeviceInFull,
    GrantInFull,
    HeldAuthorizations,
    LiveSession,
    PlainlyUsed,
    Told,
)
from broker.flows.proven import UpstreamLogout, VerifiedSignIn


class Store(Protocol):
    """SQL, the truth."""

    async def write(self, *changes: Change) -> None:
        """Make all changes together, durably, or none. Raises `Conflict`."""

    async def application(self, application_id: ApplicationId) -> Application | None: ...

    async def session(self, secret: KeyedHash) -> LiveSession | None: ...

    async def attempt(self, taken: AttemptId | PushedRequestId, application_id: ApplicationId | None) -> AttemptInFull:
        """`TakeAttempt` and `TakePushedRequest` decide; this spares a Provider a call, and a person a page."""

    async def arrival(
        self,
        registration: RegistrationId,
        identity_hash: KeyedHash,
        email: KeyedHash | None,
        connecting: UserId | None,
    ) -> Arrival:
        """`connecting`: whom to take for the Identity's User while nobody has it."""

    async def data_key(self, owner: str) -> WrappedKey | None: ...

    async def held_authorizations(self, user_id: UserId) -> HeldAuthorizations: ...

    async def grant_by_code(self, code: KeyedHash) -> GrantInFull | None: ...

    async def grant(self, grant_id: GrantId) -> GrantInFull | None: ...

    async def use_plainly(self, use: PlainUse) -> PlainlyUsed:
        """Read the Grant and, in one round trip with that, rotate its refresh token and record it in the plain case.

        That is: the token is the newest and good; the Grant is not narrowed to a Client; the Application is this one,
        public, has the refresh grant and requires no Authorization; no key is bound or needed; the User is active, the
        Session was not ended.
        """

    async def device_by_device_code(self, code: KeyedHash) -> DeviceInFull | None: ...

    async def device_by_user_code(self, code: KeyedHash) -> DeviceInFull | None: ...

    async def consent(self, user_id: UserId, application_id: ApplicationId) -> Consent | None: ...

    async def connections_of(self, user_id: UserId) -> Sequence[ConnectionInFull]: ...

    async def connection(self, connection_id: ConnectionId) -> ConnectionInFull | None: ...

    async def users_of_email(self, email: KeyedHash) -> Sequence[UserId]:
        """Who has an Authorization for this e-mail address, each once and in order."""

    async def user(self, user_id: UserId) -> User | None: ...

    async def access_of(self, user_id: UserId) -> Sequence[Access]:
        """Every Application that has a Grant or a consent of this User, by its id."""

    async def connections_keeping(self, after: str, limit: int) -> Sequence[ConnectionInFull]:
        """Connections with kept attributes, by their ids, from the first one after `after` on."""

    async def sessions_of(self, user_id: UserId, since: int) -> Sequence[Session]:
        """Not ended, and last seen at or after `since`; the newest first."""

    async def user_of_upstream(self, upstream_sid: KeyedHash) -> UserId | None:
        """Whose Sessions began in this session at a Provider."""

    async def applications_used(self, user_id: UserId) -> Mapping[SessionId, str]:
        """Per Session, the name of the Application that last got a Grant from it."""

    async def catalogue(self) -> Catalogue: ...

    async def due_revocations(self, now: int, limit: int) -> Sequence[PendingRevocation]: ...

    async def applications_to_tell(self, now: int) -> Sequence[ApplicationId]:
        """Who has to be told now that a Session has ended, each once and in order."""

    async def due_logouts(self, application_id: ApplicationId, now: int, limit: int) -> Sequence[PendingLogout]:
        """What this Application has to be told now, the longest due first."""

    async def signing_keys(self) -> Sequence[SigningKey]:
        """All of them, also revoked ones, the oldest first."""

    async def signing_algorithms(self) -> Sequence[str]:
        """Each algorithm that an Application has of its own, once."""

    async def key_check(self, name: str) -> KeyedHash | None:
        """What `AddKeyCheck` noted."""

    async def data_keys_by_kek(self) -> Mapping[str, Sequence[WrappedKey]]:
        """For each KEK in use up to four data keys, the system's first: to prove at start that the keyring opens them.

        More than one, since a damaged row of one User must not keep everybody out.
        """

    async def keks_in_use(self) -> Sequence[str]:
        """The id of each KEK that wraps at least one data key, in order. Quick, however many keys there are."""

    async def data_key_counts(self) -> Mapping[str, int]:
        """How many data keys each KEK in use wraps. Looks at every key."""

    async def data_keys_under(self, kek_id: str, after: str, limit: int) -> Sequence[WrappedKey]:
        """Data keys that this KEK wraps, by their ids, from the first one after `after` on."""

    async def revocations(self, first: int, limit: int) -> Sequence[Told]:
        """Notices in their order, from the cursor `first` on."""

    async def revocations_in_force(self, now: int) -> Sequence[Told]:
        """Every notice of tokens that may not have expired yet, in their order."""

    async def last_revocation(self) -> int:
        """The cursor of the last notice that is settled, 0 without one."""

    async def events(self, limit: int) -> Sequence[AuditEvent]:
        """The newest events, the newest first."""

    async def take_lease(self, name: str, holder: str, now: int, seconds: int) -> bool:
        """Take or renew the lease for a job; it only lowers load, nothing depends on it."""

    async def forget_expired(self, now: int) -> int:
        """Delete taken attempts, codes and sessions nobody needs any more; how many rows went."""

    async def ping(self) -> None:
        """Raise `Fault` unless the database answers."""


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
