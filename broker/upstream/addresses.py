"""Owns where the broker may connect to. Refuses all but the public internet, unless the operator lists a network.

The address that counts is the one which is connected to: a name may answer differently every time it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from broker.upstream.errors import misconfigured

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291 section 2.4: all that is assigned
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052 section 2.1: carries an IPv4 address
# Nothing that two parsers could read in two ways: no user name, no backslash, no escape before the path, no fragment.
_URL = re.compile(
    r"(https?)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(/[!$&'()*+,;=:@%A-Za-z0-9._~/-]*)?(\?[^#\s\\]*)?"
)


def is_url(url: object) -> bool:
    """Whether this is an absolute URL over TLS; plain http is for loopback hosts only."""
    if not isinstance(url, str) or len(url) > 2048:
        return False
    match = _URL.fullmatch(url)
    return match is not None and (match[1] == "https" or _is_loopback(match[2]))


def checked_url(url: object, what: str) -> str:
    """`url` itself; raises `Fault` with the name of `what` it was to be."""
    if not is_url(url):
        raise misconfigured(f"{what} is no URL over TLS")
    return str(url)


def origin(url: str) -> tuple[str, str]:
    """Scheme and authority of a checked URL."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def may_connect(address: str, allowed: Iterable[Network]) -> bool:
    """Whether a socket may be connected to this numeric address.

    An IPv4 address inside an IPv6 one counts as what it is (RFC 4291 section 2.5.5.2, RFC 6052, RFC 3056).
    """
    try:
        outer = ip_address(address)
    except ValueError:
        return False
    inner = _inside(outer)
    return any(inner in network for network in allowed) or _is_public(inner)


def _inside(address: Address) -> Address:
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_public(address: Address) -> bool:
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    return isinstance(address, IPv4Address) or address in _GLOBAL_UNICAST


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761 section 6.3
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
