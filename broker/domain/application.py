"""Owns the Application: software that sends browsers here, and where they may be sent back to.

Refuses redirect targets that are not registered to the byte (RFC 9700 section 4.1), and registrations that could
leak a code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qsl

from broker.domain.ids import ApplicationId, KeyedHash
from broker.domain.redirect import ANSWERS
from broker.domain.web_url import PORTS, authority_problem, path_problem, spelling_problem, web_parts

_LOOPBACK_LITERAL = re.compile(r"http://(127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?(/.*)?")
_PRIVATE = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:/.*")  # RFC 8252 section 7.1: a reversed domain name


class ApplicationType(StrEnum):
    """RFC 6749 section 2.1: whether the Application can keep a secret."""

    PUBLIC = "public"
    CONFIDENTIAL = "confidential"


class GrantType(StrEnum):
    """The grants an Application can be registered for."""

    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"
    CLIENT_CREDENTIALS = "client_credentials"
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"  # RFC 8628 section 3.4
    TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


@dataclass(frozen=True, kw_only=True, slots=True)
class Application:
    """A relying party. `secrets` are keyed hashes; `audience` names the downstream service its session JWTs are for.

    `signing_algorithm` signs its tokens; None: the deployment's default. `scopes`: what it may ask for when it acts for
    itself. `public_keys`: JWKs as JSON, by which it can prove itself without a secret. `exchange_audiences`: the other
    services that it may exchange session JWTs for. `gateway`: a gateway in front of the service signs people in, and
    asks the broker before each request; there is one redirect URI then. `requires_pushed_requests`: no browser may
    bring an authorize request in the clear (RFC 9126 section 6). `backchannel_logout_uri`: where it is told that a
    Session has ended. `dpop`: it gets no token without a proof that it holds a key (RFC 9449 section 5.2).
    """

    id: ApplicationId
    name: str
    type: ApplicationType
    secrets: tuple[KeyedHash, ...] = field(repr=False)
    grants: frozenset[GrantType]
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    audience: str
    first_party: bool
    requires_authorization: bool
    signing_algorithm: str | None = None
    scopes: frozenset[str] = frozenset()
    public_keys: tuple[str, ...] = ()
    exchange_audiences: frozenset[str] = frozenset()
    gateway: bool = False
    requires_pushed_requests: bool = False
    backchannel_logout_uri: str | None = None
    dpop: bool = False

    def may_redirect_to(self, uri: str) -> bool:
        """Whether a browser may be sent to `uri` with an answer: byte-equal to a registered one.

        A public Application's loopback IP literal may differ in its port alone (RFC 8252 section 7.3).
        """
        if uri in self.redirect_uris:
            return True
        if self.type is not ApplicationType.PUBLIC:
            return False
        portless = _without_loopback_port(uri)
        return portless is not None and any(portless == _without_loopback_port(r) for r in self.redirect_uris)

    def may_return_after_logout_to(self, uri: str) -> bool:
        """Whether a browser may be sent to `uri` after signing out: byte-equal to a registered one."""
        return uri in self.post_logout_redirect_uris


def redirect_problem(uri: str) -> str | None:
    """Why `uri` must not be registered as a redirect target, or None when it may be.

    Accepted: https; http to a loopback host; a private-use scheme in reversed-domain form (RFC 8252 sections 7.1 to
    7.3). Only spellings that every parser of URIs reads alike: what is compared to the byte must not mean two things.
    """
    if (problem := spelling_problem(uri)) is not None:
        return problem
    path, _, query = uri.partition("?")
    if (web := web_parts(path)) is not None:
        scheme, authority, path = web
        problem = authority_problem(scheme, authority)
    elif _PRIVATE.fullmatch(path):
        problem = "must not hold a user name" if "@" in path else None
    else:
        problem = "must be https, http to a loopback host, or a private-use scheme such as com.example.app:/callback"
    if problem is None:
        problem = path_problem(path)
    if problem is None and ANSWERS & {name for name, _ in parse_qsl(query, keep_blank_values=True)}:
        problem = f"must not hold a parameter that answers use: {', '.join(sorted(ANSWERS))}"
    return problem


def backchannel_logout_problem(uri: str) -> str | None:
    """Why `uri` must not be registered as what is told of sign-outs (Back-Channel Logout 1.0 section 2.2), or None.

    The broker itself calls it: so it is https, or http to a loopback host, with its host as it is looked up.
    """
    if (problem := spelling_problem(uri)) is not None:
        return problem
    if (parts := web_parts(uri)) is None:
        return "must be an https URL (http to a loopback host only)"
    scheme, authority, path = parts
    problem = authority_problem(scheme, authority) or path_problem(path.partition("?")[0])
    if problem is None and authority != authority.lower():
        problem = "must have its host in lower case"
    return problem


def _without_loopback_port(uri: str) -> str | None:
    match = _LOOPBACK_LITERAL.fullmatch(uri)
    if match is None:
        return None
    host, port, rest = match.groups()
    if port is not None and int(port[1:]) not in PORTS:
        return None
    return f"http://{host}{rest or ''}"
