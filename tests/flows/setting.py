"""Who there is: Ada acts for acme and globex, Grace for globex, a stranger for nobody; four Applications; a policy.

Every value that a Provider tells is made up, and what the policy drops has "dropped-canary" in it.
"""

from __future__ import annotations

from typing import Any

from broker.domain.ids import ClientOrgId, RegistrationId
from broker.flows.ports import RegistrationFacts
from tests.fakes.upstream import Person

NOW = 1_900_000_000
ISSUER = "https://id.partner-ops.example"
GOOGLE, CORP = RegistrationId("google"), RegistrationId("corp")
ACME, GLOBEX = ClientOrgId("acme"), ClientOrgId("globex")

# RFC 7636 appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

ADA = Person(
    registration=GOOGLE,
    subject="107691504500061815001",
    profile={
        "email": "ada@acme.example",
        "name": "Ada Lovelace",
        "picture": "https://dropped-canary.example/ada",
        "locale": "en-dropped-canary",
        "phone": "+44-dropped-canary",
    },
    verified_email="ada@acme.example",
)
GRACE = Person(
    registration=GOOGLE,
    subject="107691504500061815002",
    profile={"email": "grace@globex.example", "name": "Grace Hopper"},
    verified_email="grace@globex.example",
)
STRANGER = Person(
    registration=GOOGLE,
    subject="107691504500061815003",
    profile={"email": "eve@elsewhere.example", "name": "Eve"},
    verified_email=None,
)
ADA_AT_CORP = Person(
    registration=CORP, subject="ada", profile={"email": "ada@corp.example"}, verified_email="ada@corp.example"
)


SECRETS = {"crm": "crm-secret-canary", "reports": "reports-secret-canary", "robot": "robot-secret-canary"}
CLIENTS: dict[str, Any] = {
    "acme": {
        "name": "Acme Inc.",
        "rights": ["invoices:read", "invoices:write", "reports:read"],
        "authorizations": [{"user": "ada@acme.example", "rights": ["invoices:read", "reports:read"]}],
    },
    "globex": {
        "name": "Globex Corporation",
        "rights": ["reports:read", "reports:write"],
        "authorizations": [
            {"user": "ada@acme.example", "rights": ["reports:read"]},
            {"user": "grace@globex.example", "rights": ["reports:read", "reports:write"]},
        ],
    },
}
APPLICATIONS: dict[str, Any] = {
    "demo-app": {
        "name": "Demo",
        "type": "public",
        "redirect_uris": ["https://demo-app.example/callback"],
        "post_logout_redirect_uris": ["https://demo-app.example/"],
        "audience": "https://api.partner-ops.example",
        "first_party": True,
    },
    "reports": {
        "name": "Reports",
        "type": "confidential",
        "secret": SECRETS["reports"],
        "redirect_uris": ["https://reports.example/callback"],
        "audience": "https://reports.example",
        "first_party": True,
        "requires_authorization": True,
    },
    "crm": {
        "name": "Somebody's CRM",
        "type": "confidential",
        "secrets": [SECRETS["crm"], "crm-old-secret-canary"],
        "redirect_uris": ["https://crm.example/callback"],
        "audience": "https://crm.example",
    },
    "robot": {
        "name": "Robot",
        "type": "confidential",
        "secret": SECRETS["robot"],
        "grants": ["client_credentials"],
        "redirect_uris": ["https://robot.example/callback"],
        "audience": "https://robot.example",
        "first_party": True,
    },
}
POLICY: dict[str, Any] = {
    "google": {
        "keep": {"email": "Contact address", "name": "Shown to colleagues"},
        "release": {"email": "Audit trails", "name": "Greeting"},
        "clients": {
            "acme": {"keep": ["email", "name"], "release": ["email"]},
            "globex": {"keep": ["email"], "release": ["email"]},
        },
    },
    "corp": {"keep": {"email": "Contact address"}},
}
KNOWN = {GOOGLE: frozenset({"email", "name", "picture", "locale"}), CORP: frozenset({"email"})}


def facts(registration: RegistrationId, *, can_revoke: bool = True) -> RegistrationFacts:
    """Of a Provider that any page of facts could describe."""
    return RegistrationFacts(
        id=registration,
        provider="google" if registration == GOOGLE else "oidc",
        label=registration.title(),
        attributes=KNOWN[registration],
        can_revoke=can_revoke,
        reach="everything that this account had allowed",
        permissions_page=None,
    )


def asked(application: str = "demo-app", **changes: str | None) -> dict[str, list[str]]:
    """The parameters of an authorize request that passes every check; None leaves one out."""
    parameters: dict[str, str | None] = {
        "client_id": application,
        "redirect_uri": f"https://{application}.example/callback",
        "response_type": "code",
        "scope": "openid email profile",
        "state": "state-canary",
        "nonce": "nonce-canary",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return {name: [value] for name, value in (parameters | changes).items() if value is not None}
