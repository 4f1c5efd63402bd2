"""Named people and things to write and read back: Ada of acme, her account at Google, the Application demo-app.

Every value is made up. Sealed values are opaque bytes here: storage never looks into them.
"""

from __future__ import annotations

import hashlib

from broker.domain import changes as c
from broker.domain.acceptance import Acceptance, Accepted, Choice
from broker.domain.application import Application, ApplicationType, GrantType
from broker.domain.changes import Change
from broker.domain.client_org import Authorization, ClientOrg
from broker.domain.connection import Connection, ConnectionStatus
from broker.domain.consent import Consent
from broker.domain.device_request import DeviceRequest
from broker.domain.grant import Grant
from broker.domain.hold import Hold
from broker.domain.identity import Identity
from broker.domain.ids import (
    ApplicationId,
    AttemptId,
    AuthorizationId,
    ClientOrgId,
    ConnectionId,
    DataKeyId,
    DeviceRequestId,
    GrantId,
    IdentityId,
    KeyedHash,
    KeyThumbprint,
    PushedRequestId,
    RegistrationId,
    SessionId,
    UserId,
)
from broker.domain.ledger import AuditEvent
from broker.domain.ledger_chain import Link
from broker.domain.outbox import PendingRevocation, RevocationResult
from broker.domain.sealing import SYSTEM_OWNER, WrappedKey
from broker.domain.session import Session
from broker.domain.signing_key import SigningKey
from broker.domain.user import User, UserStatus

NOW = 1_800_000_000
GOOGLE, CORP = RegistrationId("google"), RegistrationId("corp")
ACME, GLOBEX = ClientOrgId("acme"), ClientOrgId("globex")
DEMO_APP = ApplicationId("demo-app")
KEY = KeyThumbprint("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I")


def hashed(what: str) -> KeyedHash:
    """Looks like a keyed hash."""
    return KeyedHash(hashlib.sha256(what.encode()).hexdigest())


def user(name: str = "ada") -> User:
    return User(id=UserId(f"usr_{name}"), status=UserStatus.ACTIVE, created_at=NOW)


def data_key(name: str = "ada", *, kek_id: str = "local:main:1") -> WrappedKey:
    return WrappedKey(
        id=DataKeyId(f"dek_{name}"), owner=f"usr_{name}", kek_id=kek_id, wrapped=bytes(60), created_at=NOW
    )


def system_key() -> WrappedKey:
    return WrappedKey(
        id=DataKeyId("dek_system"), owner=SYSTEM_OWNER, kek_id="local:main:1", wrapped=bytes(60), created_at=NOW
    )


def identity(name: str = "ada", *, registration: RegistrationId = GOOGLE, user_name: str = "") -> Identity:
    return Identity(
        id=IdentityId(f"idn_{name}_{registration}"),
        hash=hashed(f"{registration} {name}"),
        registration=registration,
        user_id=UserId(f"usr_{user_name or name}"),
        created_at=NOW,
    )


def connection(name: str = "ada", *, registration: RegistrationId = GOOGLE, generation: int = 1) -> Connection:
    return Connection(
        id=ConnectionId(f"con_{name}_{registration}"),
        user_id=UserId(f"usr_{name}"),
        identity_id=IdentityId(f"idn_{name}_{registration}"),
        registration=registration,
        status=ConnectionStatus.ACTIVE,
        sealed_attributes=b"\x01attributes" + bytes(200),
        sealed_tokens=b"\x01tokens" + bytes(500),
        granted_scopes=frozenset({"openid", "email"}),
        generation=generation,
        created_at=NOW,
        last_used_at=NOW,
        revoked_at=None,
    )


def session(name: str = "ada", *, number: int = 1, began: int = NOW) -> Session:
    return Session(
        id=SessionId(f"ses_{name}_{number}"),
        secret=hashed(f"cookie {name} {number}"),
        user_id=UserId(f"usr_{name}"),
        connection_id=ConnectionId(f"con_{name}_{GOOGLE}"),
        browser="Firefox on Linux",
        auth_time=began,
        last_seen_at=began,
        ended_at=None,
        upstream_sid=hashed(f"session of {name} at Google") if number == 1 else None,
    )


def hold(name: str = "ada", reference: str = "2027/114") -> Hold:
    return Hold(user_id=UserId(f"usr_{name}"), reference=reference, since=NOW)


def grant(
    name: str = "ada", *, number: int = 1, application_id: ApplicationId = DEMO_APP, of: int = 1, at: int = NOW
) -> Grant:
    """The Grant `number` from the Session `of`."""
    return Grant(
        id=GrantId(f"gnt_{name}_{number}"),
        code=hashed(f"code {name} {number}"),
        application_id=application_id,
        user_id=UserId(f"usr_{name}"),
        session_id=SessionId(f"ses_{name}_{of}"),
        redirect_uri="http://localhost:8002/callback",
        scopes=("openid", "email"),
        organization=ACME,
        nonce="n-0S6_WzA2Mj",
        code_challenge="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        auth_time=NOW,
        created_at=at,
        kept_until=at + 43_260,
        dpop_jkt=KEY,
    )


def device_request(number: int = 1, *, expires_at: int = NOW + 600) -> DeviceRequest:
    return DeviceRequest(
        id=DeviceRequestId(f"dvr_{number}"),
        device_code=hashed(f"device code {number}"),
        user_code=hashed(f"user code {number}"),
        application_id=DEMO_APP,
        scopes=("openid", "email"),
        organization=ACME,
        created_at=NOW,
        expires_at=expires_at,
    )


def application(name: str = "demo-app") -> Application:
    return Application(
        id=ApplicationId(name),
        name="Demo",
        type=ApplicationType.CONFIDENTIAL,
        secrets=(hashed("new secret"), hashed("old secret")),
        grants=frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN}),
        redirect_uris=("http://localhost:8002/callback", "http://localhost:8002/another"),
        post_logout_redirect_uris=("http://localhost:8002/",),
        audience="https://api.partner-ops.example",
        first_party=True,
        requires_authorization=False,
        scopes=frozenset({"revocations"}),
        public_keys=('{"crv": "Ed25519", "kty": "OKP", "x": "x"}',),
        exchange_audiences=frozenset({"https://billing.partner-ops.example"}),
        gateway=True,
        backchannel_logout_uri="http://localhost:8002/logout",
        dpop=True,
    )


def client_org(name: str = "acme") -> ClientOrg:
    return ClientOrg(
        id=ClientOrgId(name), name=f"{name.title()} Inc.", rights=frozenset({"reports:read", "invoices:read"})
    )


def authorization(client: str = "acme", name: str = "ada", *, bound: bool = False) -> Authorization:
    return Authorization(
        id=AuthorizationId(f"azn_{client}_{name}"),
        client_org=ClientOrgId(client),
        invited_email=hashed(f"{name}@acme.example"),
        user_id=UserId(f"usr_{name}") if bound else None,
        rights=frozenset({"reports:read"}),
        created_at=NOW,
    )


def acceptance(name: str = "ada", *, document: Accepted = Accepted.PRIVACY, at: int = NOW) -> Acceptance:
    return Acceptance(user_id=UserId(f"usr_{name}"), document=document, version=hashed(document), at=at)


def choice(subject: str = "analytics", name: str = "ada", *, agreed: bool = True, at: int = NOW) -> Choice:
    return Choice(user_id=UserId(f"usr_{name}"), subject=subject, agreed=agreed, at=at)


def consent(name: str = "ada") -> Consent:
    return Consent(user_id=UserId(f"usr_{name}"), application_id=DEMO_APP, scopes=("openid", "email"), given_at=NOW)


def pending(name: str = "ada", *, number: int = 1, due: int = NOW) -> PendingRevocation:
    return PendingRevocation(
        id=f"rev_{name}_{number}",
        connection_id=ConnectionId(f"con_{name}_{GOOGLE}"),
        user_id=UserId(f"usr_{name}"),
        registration=GOOGLE,
        sealed_token=b"\x01token",
        tries=0,
        next_try_at=due,
        created_at=NOW,
        result=RevocationResult.PENDING,
    )


def signing_key(kid: str = "key-1", *, active: bool = True, at: int = NOW) -> SigningKey:
    return SigningKey(
        kid=kid,
        alg="ES256",
        active=active,
        public_jwk='{"kty":"EC"}',
        sealed_private=b"\x01private",
        data_key_id=DataKeyId("dek_system"),
        created_at=at,
    )


def event(action: str = "sign_in.finish", *, at: int = NOW) -> AuditEvent:
    return AuditEvent(at=at, action=action, outcome="done", request_id="req-1", user_id=UserId("usr_ada"))


def attempt(number: int = 1, *, expires_at: int = NOW + 600) -> c.TakeAttempt:
    return c.TakeAttempt(attempt_id=AttemptId(f"att_{number}"), expires_at=expires_at)


def pushed(number: int = 1) -> c.TakePushedRequest:
    return c.TakePushedRequest(request_id=PushedRequestId(f"par_{number}"), expires_at=NOW + 600)


def registered() -> tuple[Change, ...]:
    """What an operator sets up: two Clients and an Application."""
    return (
        c.PutClientOrg(client_org=client_org("acme"), at=NOW),
        c.PutClientOrg(client_org=client_org("globex"), at=NOW),
        c.PutApplication(application=application()),
    )


def newcomer(name: str = "ada") -> tuple[Change, ...]:
    """A User with an Identity and a Connection, not signed in."""
    return (
        c.AddUser(user=user(name)),
        c.AddDataKey(key=data_key(name)),
        c.AddIdentity(identity=identity(name)),
        c.AddConnection(connection=connection(name)),
    )


def first_sign_in(name: str = "ada", *, attempt_number: int = 1) -> tuple[Change, ...]:
    """All that the first sign-in of a User writes, with an invitation to acme taken up."""
    return (
        attempt(attempt_number),
        *newcomer(name),
        c.BindAuthorization(authorization_id=AuthorizationId(f"azn_acme_{name}"), user_id=UserId(f"usr_{name}")),
        c.AddSession(session=session(name)),
        c.AddGrant(grant=grant(name)),
        c.Record(event=event()),
    )


def invited(name: str = "ada") -> tuple[Change, ...]:
    """What an operator sets up so that `first_sign_in` can happen."""
    return (*registered(), c.AddAuthorization(authorization=authorization("acme", name)))


def link(position: int = 1, *, event_id: int = 1) -> Link:
    """Of an event that nobody looks at."""
    return Link(position=position, event_id=event_id, event_hash=bytes(32), chain_hash=bytes([position % 256]) * 32)
