"""Owns the Application: software that sends browsers here, and where they may be sent back to.

Refuses redirect targets that are not registered to the byte (RFC 9700 section 4.1), and registrations that could
leak a code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import parse_qsl

from broker.domain.ids import ApplicationId, KeyedHash
from broker.domain.redirect import ANSWERS

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_LOOPBACK_LITERAL = re.compile(r"http://(127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?(/.*)?")
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]+")
_URI = re.compile(r"(?:[A-Za-z0-9._~:/?\[\]@!$&'()+,;=-]|%[0-9A-Fa-f]{2})+")  # RFC 3986 section 2, without "#" and "*"
_WEB = re.compile(r"(https?)://([^/]*)(.*)")
# A name's last label begins with a letter: 127.1 and 0x7f.1 are IPv4 addresses to browsers, and names to others.
_AUTHORITY = re.compile(
    r"(?:(?P<name>(?:[a-z0-9_-]+\.)*[a-z](?:[a-z0-9-]*[a-z0-9])?)|(?P<ip>[0-9.]+|\[[0-9a-f:.]+\]))"
    r"(?::(?P<port>[0-9]{1,5}))?",
    re.IGNORECASE,
)
_PRIVATE = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:/.*")  # RFC 8252 section 7.1: a reversed domain name
_DOT_SEGMENT = re.compile(r"/(?:\.|%2[Ee]){1,2}(?=[/;]|$)")  # some servers read "/..;/" as "/../"
_PORTS = range(1, 65536)
_MAX_URI = 2000


class ApplicationType(StrEnum):
    """RFC 6749 section 2.1: whether the Application can keep a secret."""

    PUBLIC = "public"
    CONFIDENTIAL = "confidential"


class GrantType(StrEnum):
    """The grants an Application can be registered for."""

    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"
    CLIENT_CREDENTIALS = "client_credentials"


@dataclass(frozen=True, kw_only=True, slots=True)
class Application:
    """A relying party. `secrets` are keyed hashes; `audience` names the downstream service its session JWTs are for."""

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
    if len(uri) > _MAX_URI or _VISIBLE_ASCII.fullmatch(uri) is None or "\\" in uri:
        return f"must be at most {_MAX_URI} visible ASCII characters without backslashes"
    if "*" in uri:
        return "must not hold a wildcard"
    if "#" in uri:
        return "must not have a fragment (RFC 6749 section 3.1.2)"
    if _URI.fullmatch(uri) is None:
        return "holds characters that have to be percent-encoded (RFC 3986 section 2)"
    path, _, query = uri.partition("?")
    if (web := _WEB.fullmatch(path)) is not None:
        scheme, authority, path = web.groups()
        problem = _authority_problem(scheme, authority)
    elif _PRIVATE.fullmatch(path):
        problem = "must not hold a user name" if "@" in path else None
    else:
        problem = "must be https, http to a loopback host, or a private-use scheme such as com.example.app:/callback"
    if problem is None and _DOT_SEGMENT.search(path):
        problem = "must not have . or .. as a part of its path"
    if problem is None and ANSWERS & {name for name, _ in parse_qsl(query, keep_blank_values=True)}:
        problem = f"must not hold a parameter that answers use: {', '.join(sorted(ANSWERS))}"
    return problem


def _authority_problem(scheme: str, authority: str) -> str | None:
    if "@" in authority:
        return "must not hold a user name"
    match = _AUTHORITY.fullmatch(authority)
    if match is None or not (match["name"] or _is_address(match["ip"])) or int(match["port"] or 443) not in _PORTS:
        return "has no host, or none in its usual spelling"
    if scheme == "http" and (match["name"] or match["ip"]).lower().strip("[]") not in LOOPBACK_HOSTS:
        return "must be https, as its host is not a loopback host"
    return None


def _is_address(written: str) -> bool:
    try:
        IPv6Address(written[1:-1]) if written.startswith("[") else IPv4Address(written)
    except ValueError:
        return False
    return True


def _without_loopback_port(uri: str) -> str | None:
    match = _LOOPBACK_LITERAL.fullmatch(uri)
    if match is None:
        return None
    host, port, rest = match.groups()
    if port is not None and int(port[1:]) not in _PORTS:
        return None
    return f"http://{host}{rest or ''}"
