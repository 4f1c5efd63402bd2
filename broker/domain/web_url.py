"""Owns how a URL of ours, of an Application or of a Provider must be written.

Refuses every spelling that two parsers may read in two ways, and plain http to anything but a loopback host.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
MAX_URL = 2000
MAX_ORIGIN = 255
"""Characters. The issuer stands in every token, and a token never exceeds 4 KiB."""
PORTS = range(1, 65536)
_DEFAULT_PORTS = {"https": 443, "http": 80}
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]+")
_URI = re.compile(r"(?:[A-Za-z0-9._~:/?\[\]@!$&'()+,;=-]|%[0-9A-Fa-f]{2})+")  # RFC 3986 section 2, without "#" and "*"
_WEB = re.compile(r"(https?)://([^/?]*)(.*)")
# A name's last label begins with a letter: 127.1 and 0x7f.1 are IPv4 addresses to browsers, and names to others.
_AUTHORITY = re.compile(
    r"(?:(?P<name>(?:[a-z0-9_-]+\.)*[a-z](?:[a-z0-9-]*[a-z0-9])?)|(?P<ip>[0-9.]+|\[[0-9a-f:.]+\]))"
    r"(?::(?P<port>[0-9]{1,5}))?",
    re.IGNORECASE,
)
_DOT_SEGMENT = re.compile(r"/(?:\.|%2[Ee]){1,2}(?=[/;]|$)")  # some servers read "/..;/" as "/../"
_NOT_WEB = "must be an https URL (http to a loopback host only)"


def spelling_problem(uri: str, longest: int = MAX_URL) -> str | None:
    """Why not every parser reads these characters alike, or None; of any scheme, without a fragment."""
    if len(uri) > longest or _VISIBLE_ASCII.fullmatch(uri) is None or "\\" in uri:
        return f"must be at most {longest} visible ASCII characters without backslashes"
    if "*" in uri:
        return "must not hold a wildcard"
    if "#" in uri:
        return "must not have a fragment (RFC 6749 section 3.1.2)"
    if _URI.fullmatch(uri) is None:
        return "holds characters that have to be percent-encoded (RFC 3986 section 2)"
    return None


def web_parts(url: str) -> tuple[str, str, str] | None:
    """Scheme, authority and the rest of an http or https URL; None of any other."""
    match = _WEB.fullmatch(url)
    return None if match is None else (match[1], match[2], match[3])


def authority_problem(scheme: str, authority: str) -> str | None:
    """Why this is no host, with or without a port, that may be reached by `scheme`; or None."""
    if "@" in authority:
        return "must not hold a user name"
    match = _AUTHORITY.fullmatch(authority)
    if match is None or not (match["name"] or _is_address(match["ip"])) or int(match["port"] or 443) not in PORTS:
        return "has no host, or none in its usual spelling"
    if scheme == "http" and (match["name"] or match["ip"]).lower().strip("[]") not in LOOPBACK_HOSTS:
        return "must be https, as its host is not a loopback host"
    return None


def path_problem(path: str) -> str | None:
    """Why not every server reads this path alike, or None."""
    return "must not have . or .. as a part of its path" if _DOT_SEGMENT.search(path) else None


def issuer_problem(url: str) -> str | None:
    """Why `url` cannot be a Provider's issuer (OpenID Connect Discovery 1.0 section 3), or None when it can."""
    if (problem := spelling_problem(url)) is not None:
        return problem
    if (parts := web_parts(url)) is None:
        return _NOT_WEB
    scheme, authority, path = parts
    if (problem := authority_problem(scheme, authority) or path_problem(path)) is not None:
        return problem
    return "must not have a query" if "?" in path else None


def origin_problem(url: str) -> str | None:
    """Why `url` cannot be this broker's own issuer, or None when it can.

    It is an origin, as browsers write it (RFC 6454 section 6.2): what they send as `Origin` is compared to the byte.
    """
    if (problem := spelling_problem(url, MAX_ORIGIN)) is not None:
        return problem
    if (parts := web_parts(url)) is None:
        return _NOT_WEB
    scheme, authority, path = parts
    if (problem := authority_problem(scheme, authority)) is not None:
        return problem
    if path:
        return "must be an origin without a path or a trailing slash, such as https://id.example.com"
    written = _as_browsers_write(url)
    return None if url == written else f"must be written as browsers do: {written}"


def _as_browsers_write(origin: str) -> str:
    """Host in lower case, addresses at their shortest, and no port where it is the scheme's own."""
    parts = urlsplit(origin)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{IPv6Address(host)}]"
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def _is_address(written: str) -> bool:
    try:
        IPv6Address(written[1:-1]) if written.startswith("[") else IPv4Address(written)
    except ValueError:
        return False
    return True
