"""Example, an OpenID Provider with ways of its own: facts. It would be `providers/example.py`.

Refuses to take an address for proven unless Example itself runs the mailbox.
"""

from __future__ import annotations

from providers.claims import domain_of, sub, text, told
from providers.spec import (
    BlastRadius,
    Claims,
    Dialect,
    EmailTrust,
    Provider,
    Refresh,
    RefreshModel,
    Revocation,
    RevocationStrategy,
    Where,
)


def _verified_email(claims: Claims, trusted: frozenset[str]) -> str | None:
    """Example runs the mailboxes of its own domain, and of no other."""
    email = text(claims, "email")
    if email is None or claims.get("email_verified") is not True:
        return None
    return email if domain_of(email) == "mail.example" else None


EXAMPLE = Provider(
    name="example",
    label="Example",
    dialect=Dialect.OIDC,
    issuer="https://login.example",
    subject=sub,
    attributes={
        **told(Where.ID_TOKEN, "email", ["email"]),
        **told(Where.USERINFO, "profile", ["name", "picture"]),
    },
    base_scopes=("openid",),
    email_trust=EmailTrust(kind="domain", verified=_verified_email),
    id_token_algorithms=frozenset({"ES256"}),
    login_prompt="login",
    refresh=Refresh(model=RefreshModel.ROTATING),
    revocation=Revocation(
        strategy=RevocationStrategy.RFC7009,
        radius=BlastRadius.TOKEN,
        reach="Example is asked to end the tokens it gave Partner Ops.",
    ),
)
