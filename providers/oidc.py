"""Any other OpenID Provider: facts of the standard, with nothing assumed. The registration names the issuer.

Refuses to trust an address because a Provider says so: the operator must have listed its domain for this Provider.
"""

from __future__ import annotations

from providers.claims import TRUSTED_IN_DOMAINS, sub, told
from providers.spec import (
    BlastRadius,
    Dialect,
    Provider,
    Refresh,
    RefreshModel,
    Revocation,
    RevocationStrategy,
    Where,
)

OIDC = Provider(
    name="oidc",
    label="OpenID Connect",
    dialect=Dialect.OIDC,
    issuer=None,
    subject=sub,
    attributes={  # OpenID Connect Core section 5.4
        **told(Where.USERINFO, "email", ["email"]),
        **told(Where.USERINFO, "profile", ["name", "given_name", "family_name", "preferred_username"]),
        **told(Where.USERINFO, "profile", ["picture", "locale", "zoneinfo"]),
        **told(Where.USERINFO, "phone", ["phone_number"]),
    },
    base_scopes=("openid",),
    email_trust=TRUSTED_IN_DOMAINS,
    id_token_algorithms=frozenset(
        {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
    ),
    login_prompt="login",
    refresh=Refresh(model=RefreshModel.ROTATING),
    revocation=Revocation(
        strategy=RevocationStrategy.RFC7009,
        radius=BlastRadius.TOKEN,
        reach="The service you sign in with is asked to end the tokens it gave Partner Ops.",
    ),
)
