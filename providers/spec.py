"""Owns what may be said about a Provider: a page of facts, with a few pure hooks where facts do not suffice.

Refuses reach: a hook is given claims and names and returns a value, never a token, a store, the network or a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Claims = Mapping[str, Any]
"""What a Provider says about a person: verified ID token claims, or documents by name."""


class Dialect(StrEnum):
    """OpenID Connect with discovery, or plain OAuth 2.0 with documents about the person."""

    OIDC = "oidc"
    OAUTH2 = "oauth2"


class Where(StrEnum):
    """Where an attribute is told.

    `ID_TOKEN`: there or nowhere. `USERINFO`: in the ID token, or else at userinfo. `DOCUMENT`: in the document that
    the first step of its path names.
    """

    ID_TOKEN = "id_token"
    USERINFO = "userinfo"
    DOCUMENT = "document"


@dataclass(frozen=True, kw_only=True, slots=True)
class Attribute:
    """One thing a Provider can tell. `path` leads to it; `scope` is needed for it (None: signing in is enough)."""

    path: tuple[str, ...]
    scope: str | None
    where: Where

    def find(self, claims: Claims) -> object:
        """The value at the path, of whatever JSON type; None when it is not told."""
        value: object = claims
        for step in self.path:
            if not isinstance(value, Mapping):
                return None
            value = value.get(step)
        return value


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """What an OAuth 2.0 Provider tells about a person at a URL of its own.

    `scope` says when it can be read (None: always); `read` turns the parsed JSON into claims, or None when it is
    something else, such as an error.
    """

    scope: str | None
    read: Callable[[object], Claims | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoints:
    """Where an OAuth 2.0 Provider without discovery answers. In `revocation`, "{application_id}" is replaced."""

    authorization: str
    token: str
    revocation: str | None
    documents: Mapping[str, str]


def exactly_published(configured: str, published: str) -> bool:
    """OpenID Connect Discovery section 4.3: the document must name the issuer it was fetched for."""
    return configured == published


def exactly_issued(configured: str, published: str, claims: Claims) -> str | None:
    """OpenID Connect Core section 3.1.3.7, rule 2."""
    return published if claims.get("iss") == published else None


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuerRule:
    """`may_publish(configured, published)`: whether the metadata may name this issuer.

    `issuer_of(configured, published, claims)`: the issuer under which the person is known, always spelled the same;
    None when the claims come from anybody else.
    """

    may_publish: Callable[[str, str], bool] = exactly_published
    issuer_of: Callable[[str, str, Claims], str | None] = exactly_issued


EmailRule = Callable[[Claims, frozenset[str]], str | None]
"""(claims, the registration's trusted domains) -> the address when it is proven to be the person's, else None."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EmailTrust:
    """When an e-mail address may accept an invitation. `kind`: never, domain, hd or claim."""

    kind: str
    verified: EmailRule


class RefreshModel(StrEnum):
    """What becomes of a refresh token when it is used."""

    NONE = "none"
    STATIC = "static"
    ROTATING = "rotating"
    SINGLE_USE = "single_use"


@dataclass(frozen=True, kw_only=True, slots=True)
class Refresh:
    """The forecast of expiry, in seconds: unused for `idle`, or `life` after the first grant; None: not known to end.

    `leeway` is how long a rotated token still works.
    """

    model: RefreshModel
    leeway: int = 0
    idle: int | None = None
    life: int | None = None


class RevocationStrategy(StrEnum):
    """How a Provider is told that a connection has ended."""

    RFC7009 = "rfc7009"
    GITHUB_GRANT = "github_grant"
    NONE = "none"


class BlastRadius(StrEnum):
    """How far one revocation reaches."""

    TOKEN = "token"
    GRANT = "grant"
    ALL_APPS = "all_apps"
    NONE = "none"


def no_page(issuer: str, application_id: str) -> str | None:
    """The Provider has no page where a person can end it."""
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Revocation:
    """`reach` tells people how far it goes; `permissions_page(issuer, application_id)` where they can see it."""

    strategy: RevocationStrategy
    radius: BlastRadius
    reach: str
    permissions_page: Callable[[str, str], str | None] = no_page


class Authentication(StrEnum):
    """How a registration proves itself at the token endpoint (RFC 6749 section 2.3.1)."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"


def oauth_error(document: Claims) -> str | None:
    """The error code in an answer, whatever its HTTP status (RFC 6749 section 5.2); None when there is none."""
    error = document.get("error")
    return error if isinstance(error, str) and error else None


def no_endpoints(issuer: str) -> Endpoints | None:
    """They are found by discovery."""
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Provider:
    """A page of facts.

    `issuer`: where discovery begins, or the base address of an OAuth 2.0 Provider; None: the registration names it.
    `base_scopes`: what signing in as such needs. `scope_separator` stands between scopes that are asked for,
    `granted_separator` between those that come back; `granted_as`: other spellings in which they do.
    `authorize_parameters`: always sent. `login_prompt`, `connect_prompt`: values of `prompt` that make the Provider
    ask who it is, and whether to allow lasting access. `id_token_algorithms`: asymmetric ones only.
    `token_error`: reads an error out of an answer, in the words of RFC 6749 section 5.2.
    """

    name: str
    label: str
    dialect: Dialect
    issuer: str | None
    subject: Callable[[Claims], str | None]
    attributes: Mapping[str, Attribute]
    base_scopes: tuple[str, ...]
    email_trust: EmailTrust
    refresh: Refresh
    revocation: Revocation
    issuer_rule: IssuerRule = field(default_factory=IssuerRule)
    endpoints: Callable[[str], Endpoints | None] = no_endpoints
    documents: Mapping[str, Document] = field(default_factory=dict)
    id_token_algorithms: frozenset[str] = frozenset()
    scope_separator: str = " "
    granted_separator: str = " "
    granted_as: Mapping[str, str] = field(default_factory=dict)
    authorize_parameters: Mapping[str, str] = field(default_factory=dict)
    login_prompt: str | None = None
    connect_prompt: str | None = None
    login_hint_parameter: str | None = "login_hint"
    pkce: bool = True
    authentication: Authentication = Authentication.BASIC
    token_error: Callable[[Claims], str | None] = oauth_error
