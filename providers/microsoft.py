"""Microsoft Entra ID and personal Microsoft accounts: facts.

Refuses the mutable: neither e-mail nor user name identifies anybody, and an address is proven by `xms_edov` alone.
https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
"""

from __future__ import annotations

import re

from providers.claims import text, told
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

CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of all personal Microsoft accounts."""
_TEMPLATE = "{tenantid}"
_MANY_TENANTS = frozenset({"common", "organizations", "consumers"})
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NINETY_DAYS = 90 * 24 * 3600


def _tenant(issuer: str) -> tuple[str, str]:
    """An issuer's base address and its tenant; the tenant is "" when it has not the form {base}/{tenant}/v2.0."""
    base, _, tenant = issuer.removesuffix("/v2.0").rpartition("/")
    return (base, tenant) if issuer.endswith("/v2.0") and base else (issuer, "")


def _may_publish(configured: str, published: str) -> bool:
    """For many tenants the document names a template, for one its GUID, even when it was asked for by domain name."""
    base, tenant = _tenant(configured)
    published_base, published_tenant = _tenant(published)
    if not tenant or published_base != base:
        return False
    if tenant == "consumers":
        return published_tenant in {CONSUMERS, _TEMPLATE}
    if tenant in _MANY_TENANTS:
        return published_tenant == _TEMPLATE
    if _GUID.fullmatch(tenant):
        return published_tenant == tenant
    return _GUID.fullmatch(published_tenant) is not None


def _issuer_of(configured: str, published: str, claims: Claims) -> str | None:
    """The issuer must be that of the tenant which the token itself names, and that tenant one which was asked for."""
    tid = text(claims, "tid")
    if tid is None or not _GUID.fullmatch(tid):
        return None
    base, tenant = _tenant(configured)
    if (tenant == "organizations" and tid == CONSUMERS) or (tenant == "consumers" and tid != CONSUMERS):
        return None
    expected = f"{base}/{tid}/v2.0"
    if published not in {expected, f"{base}/{_TEMPLATE}/v2.0"}:
        return None
    return expected if claims.get("iss") == expected else None


def _subject(claims: Claims) -> str | None:
    """`sub` differs from application to application; `oid` is the person's within a tenant."""
    tid, oid = text(claims, "tid"), text(claims, "oid")
    return None if tid is None or oid is None else f"{tid}:{oid}"


def _verified_email(claims: Claims, trusted: frozenset[str]) -> str | None:
    """A tenant's administrator can write any address into `email` ("nOAuth"); with `xms_edov` they own its domain."""
    return text(claims, "email") if claims.get("xms_edov") is True else None


def _permissions_page(issuer: str, application_id: str) -> str | None:
    return "https://myapplications.microsoft.com/"


MICROSOFT = Provider(
    name="microsoft",
    label="Microsoft",
    dialect=Dialect.OIDC,
    issuer="https://login.microsoftonline.com/common/v2.0",
    issuer_rule=IssuerRule(may_publish=_may_publish, issuer_of=_issuer_of),
    subject=_subject,
    attributes={
        **told(Where.ID_TOKEN, None, ["name", "preferred_username"]),
        **told(Where.ID_TOKEN, None, ["given_name", "family_name"]),  # optional claims of the app registration
        **told(Where.ID_TOKEN, "email", ["email"]),
    },
    base_scopes=("openid", "profile"),  # without `profile` there is no `oid`, and so no subject
    email_trust=EmailTrust(kind="claim", verified=_verified_email),
    id_token_algorithms=frozenset({"RS256"}),
    login_prompt="login",
    connect_prompt="consent",
    authentication=Authentication.POST,
    refresh=Refresh(model=RefreshModel.ROTATING, idle=_NINETY_DAYS),
    revocation=Revocation(
        strategy=RevocationStrategy.NONE,
        radius=BlastRadius.NONE,
        reach="Microsoft cannot be told: Partner Ops forgets its access, and you remove the permission there.",
        permissions_page=_permissions_page,
    ),
)
