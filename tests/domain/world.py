"""Ada of acme and globex, her Session, an Application and what it asks: a right one of each, to change one thing of."""

from __future__ import annotations

from broker.domain import pkce
from broker.domain.application import Application, ApplicationType, GrantType
from broker.domain.attempt import Purpose, SignInAttempt
from broker.domain.authorize_request import AuthorizeRequest
from broker.domain.grant import Grant
from broker.domain.ids import (
    ApplicationId,
    AttemptId,
    ClientOrgId,
    ConnectionId,
    GrantId,
    KeyedHash,
    PushedRequestId,
    RegistrationId,
    SessionId,
    UserId,
)
from broker.domain.pushed_request import Pushed
from broker.domain.redirect import ResponseMode
from broker.domain.session import Session

NOW = 1_900_000_000
ISSUER = "https://id.partner-ops.example"
REDIRECT_URI = "https://app.partner-ops.example/callback"
ACME, GLOBEX = ClientOrgId("acme"), ClientOrgId("globex")
GOOGLE = RegistrationId("google")
ADA, GRACE = UserId("usr_ada"), UserId("usr_grace")

# RFC 7636 appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

APPLICATION = Application(
    id=ApplicationId("demo-app"),
    name="Demo",
    type=ApplicationType.PUBLIC,
    secrets=(),
    grants=frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN}),
    redirect_uris=(REDIRECT_URI,),
    post_logout_redirect_uris=("https://app.partner-ops.example/",),
    audience="https://api.partner-ops.example",
    first_party=True,
    requires_authorization=False,
)

ASKED: dict[str, list[str]] = {
    "client_id": ["demo-app"],
    "redirect_uri": [REDIRECT_URI],
    "response_type": ["code"],
    "scope": ["openid email"],
    "state": ["state-canary"],
    "nonce": ["nonce-canary"],
    "code_challenge": [CHALLENGE],
    "code_challenge_method": ["S256"],
}
"""The parameters of an authorize request that passes every check."""

REQUEST = AuthorizeRequest(
    application_id=APPLICATION.id,
    redirect_uri=REDIRECT_URI,
    response_mode=ResponseMode.QUERY,
    scopes=("openid", "email"),
    state="state-canary",
    nonce="nonce-canary",
    code_challenge=pkce.challenge_of(VERIFIER),
    prompts=frozenset(),
    max_age=None,
    id_token_hint=None,
    login_hint=None,
    organization=None,
    provider=None,
    pushed=None,
)

PUSHED = Pushed(id=PushedRequestId("par_1"), at=NOW)
"""What marks a request as one that was pushed."""

SESSION = Session(
    id=SessionId("ses_1"),
    secret=KeyedHash("secret-canary"),
    user_id=ADA,
    connection_id=ConnectionId("con_1"),
    browser="Firefox on Linux",
    auth_time=NOW - 100,
    last_seen_at=NOW - 10,
    ended_at=None,
)

GRANT = Grant(
    id=GrantId("gnt_1"),
    code=KeyedHash("code-canary"),
    application_id=APPLICATION.id,
    user_id=ADA,
    session_id=SESSION.id,
    redirect_uri=REDIRECT_URI,
    scopes=("openid", "email"),
    organization=None,
    nonce="nonce-canary",
    code_challenge=CHALLENGE,
    auth_time=NOW - 100,
    created_at=NOW,
    kept_until=NOW + 43_260,
)

ATTEMPT = SignInAttempt(
    id=AttemptId("att_1"),
    purpose=Purpose.SIGN_IN,
    registration=GOOGLE,
    organization=None,
    initiator=None,
    state="state-canary",
    nonce="nonce-canary",
    code_verifier="verifier-canary",
    scopes=("openid", "email"),
    continue_to="client_id=demo-app&state=continue-canary",
    started_at=NOW,
    pushed=None,
)


def asked(**changes: str | list[str] | None) -> dict[str, list[str]]:
    """The right request with some parameters changed, or (None) left out."""
    parameters = dict(ASKED)
    for name, value in changes.items():
        parameters.pop(name, None)
        if value is not None:
            parameters[name] = [value] if isinstance(value, str) else value
    return parameters


def shortened(value: str) -> str:
    """The name of a test about `value`."""
    return ascii(value) if len(value) <= 60 else f"{value[:40]!a} and so on, {len(value)} characters"
