"""GitHub and GitHub Enterprise: facts. No ID token here: GitHub speaks OAuth 2.0 and tells about people in documents.

Refuses the login name as an identity (people change it), and addresses that are not both primary and verified.
https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
"""

from __future__ import annotations

from collections.abc import Mapping

from providers.claims import text
from providers.spec import (
    Attribute,
    Authentication,
    BlastRadius,
    Claims,
    Dialect,
    Document,
    EmailTrust,
    Endpoints,
    Provider,
    Refresh,
    RefreshModel,
    Revocation,
    RevocationStrategy,
    Where,
    oauth_error,
)

_GITHUB = "https://github.com"
_GITHUB_API = "https://api.github.com"
_IN_OUR_WORDS = {  # GitHub's own error codes, in those of RFC 6749 section 5.2
    "bad_verification_code": "invalid_grant",
    "incorrect_client_credentials": "invalid_client",
    "redirect_uri_mismatch": "unauthorized_client",
    "application_suspended": "unauthorized_client",
}


def _endpoints(issuer: str) -> Endpoints:
    api = _GITHUB_API if issuer == _GITHUB else f"{issuer}/api/v3"
    return Endpoints(
        authorization=f"{issuer}/login/oauth/authorize",
        token=f"{issuer}/login/oauth/access_token",
        revocation=f"{api}/applications/{{application_id}}/grant",
        documents={"user": f"{api}/user", "emails": f"{api}/user/emails"},
    )


def _user(document: object) -> Claims | None:
    return document if isinstance(document, Mapping) and "id" in document else None


def _primary_email(document: object) -> Claims | None:
    """The one address that is both primary and verified, as OpenID Connect would name it."""
    if not isinstance(document, list):
        return None
    for entry in document:
        if isinstance(entry, Mapping) and entry.get("primary") is True and entry.get("verified") is True:
            return {"email": entry.get("email"), "email_verified": True}
    return {}


def _subject(claims: Claims) -> str | None:
    number = claims["user"].get("id") if isinstance(claims.get("user"), Mapping) else None
    return str(number) if type(number) is int and number > 0 else None


def _verified_email(claims: Claims, trusted: frozenset[str]) -> str | None:
    emails = claims.get("emails")
    if not isinstance(emails, Mapping) or emails.get("email_verified") is not True:
        return None
    return text(emails, "email")


def _token_error(document: Claims) -> str | None:
    """GitHub answers errors with HTTP 200, and has codes of its own."""
    error = oauth_error(document)
    return None if error is None else _IN_OUR_WORDS.get(error, error)


def _permissions_page(issuer: str, application_id: str) -> str | None:
    return f"{issuer}/settings/connections/applications/{application_id}"


def _in_user(name: str) -> Attribute:
    return Attribute(path=("user", name), scope=None, where=Where.DOCUMENT)


GITHUB = Provider(
    name="github",
    label="GitHub",
    dialect=Dialect.OAUTH2,
    issuer=_GITHUB,
    endpoints=_endpoints,
    documents={
        "user": Document(scope=None, read=_user),
        "emails": Document(scope="user:email", read=_primary_email),
    },
    subject=_subject,
    attributes={
        "email": Attribute(path=("emails", "email"), scope="user:email", where=Where.DOCUMENT),
        "name": _in_user("name"),
        "preferred_username": _in_user("login"),
        "picture": _in_user("avatar_url"),
        "company": _in_user("company"),
    },
    base_scopes=(),  # without any scope GitHub tells what is public, and the id is
    granted_separator=",",
    email_trust=EmailTrust(kind="claim", verified=_verified_email),
    login_prompt="select_account",
    login_hint_parameter=None,  # GitHub's own `login` wants a user name, which nobody here knows
    authentication=Authentication.POST,
    token_error=_token_error,
    refresh=Refresh(model=RefreshModel.NONE),
    revocation=Revocation(
        strategy=RevocationStrategy.GITHUB_GRANT,
        radius=BlastRadius.GRANT,
        reach="GitHub ends everything that you allowed Partner Ops, and asks you anew the next time.",
        permissions_page=_permissions_page,
    ),
)
