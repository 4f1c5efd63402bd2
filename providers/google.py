"""Google: facts. Refuses to take a Google account's address for proven where Google does not run the mailbox.

https://developers.google.com/identity/openid-connect/openid-connect
"""

from __future__ import annotations

from providers.claims import domain_of, sub, text, told
from providers.spec import (
    Authentication,
    BlastRadius,
    Claims,
    Dialect,
    EmailTrust,
    IssuerRule,
    Provider,
    Refresh,
    RefreshModel,
    Revocation,
    RevocationStrategy,
    Where,
)

_ISSUER = "https://accounts.google.com"
_WITHOUT_SCHEME = "accounts.google.com"  # the other spelling that Google documents for `iss`
_SCOPES = "https://www.googleapis.com/auth/"
_HALF_A_YEAR = 182 * 24 * 3600


def _issuer_of(configured: str, published: str, claims: Claims) -> str | None:
    spellings = {_ISSUER, _WITHOUT_SCHEME} if published == _ISSUER else {published}
    issuer = text(claims, "iss")
    return published if issuer in spellings else None


def _verified_email(claims: Claims, trusted: frozenset[str]) -> str | None:
    """Google is authoritative for gmail.com, and for a Workspace domain, which it names in `hd`. For no other address:
    its owner may have lost it since Google looked."""
    email = text(claims, "email")
    if email is None or claims.get("email_verified") is not True:
        return None
    domain = domain_of(email)
    hosted = text(claims, "hd")
    at_google = domain == "gmail.com" or (hosted is not None and domain == hosted.lower())
    return email if at_google else None


def _permissions_page(issuer: str, application_id: str) -> str | None:
    return "https://myaccount.google.com/connections" if issuer == _ISSUER else None


GOOGLE = Provider(
    name="google",
    label="Google",
    dialect=Dialect.OIDC,
    issuer=_ISSUER,
    issuer_rule=IssuerRule(issuer_of=_issuer_of),
    subject=sub,
    attributes={
        **told(Where.ID_TOKEN, None, ["hd"]),
        **told(Where.ID_TOKEN, "email", ["email"]),
        **told(Where.ID_TOKEN, "profile", ["name", "given_name", "family_name", "picture", "locale"]),
    },
    base_scopes=("openid",),
    granted_as={f"{_SCOPES}userinfo.email": "email", f"{_SCOPES}userinfo.profile": "profile"},
    email_trust=EmailTrust(kind="hd", verified=_verified_email),
    id_token_algorithms=frozenset({"RS256"}),
    # Only a refresh token lives long enough to end the grant with, when the person wants that months later.
    authorize_parameters={"access_type": "offline"},
    login_prompt="select_account",  # Google has no prompt=login
    connect_prompt="consent",  # a refresh token comes with the first consent only, unless consent is asked for again
    authentication=Authentication.POST,
    refresh=Refresh(model=RefreshModel.STATIC, idle=_HALF_A_YEAR),
    revocation=Revocation(
        strategy=RevocationStrategy.RFC7009,
        radius=BlastRadius.GRANT,
        reach="Google ends everything that you allowed Partner Ops, on all your devices.",
        permissions_page=_permissions_page,
    ),
)
