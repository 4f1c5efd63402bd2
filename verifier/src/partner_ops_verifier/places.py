"""Owns which addresses are spoken to: https, or http on the machine itself, at the issuer's own origin.

Refuses user names, fragments, and other origins unless the service named them.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

DISCOVERY_PATH: Final = "/.well-known/openid-configuration"
REVOCATIONS_PATH: Final = "/api/v1/revocations"
_PORTS: Final = {"https": 443, "http": 80}


def origin_of(url: str) -> str:
    """Scheme, host and port (RFC 6454 section 4). Raises `ValueError` for an address that is not spoken to."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise ValueError("an address is spelt in printable ASCII")
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("an address begins with https:// and a host")
    if "@" in parts.netloc or "#" in url:
        raise ValueError("an address has neither a user name nor a fragment")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError("http is spoken within one machine only")
    return f"{parts.scheme}://{parts.hostname}:{parts.port or _PORTS[parts.scheme]}"


def checked_issuer(issuer: str) -> str:
    """An issuer has neither query nor a slash at its end (RFC 8414 section 2). Raises `ValueError`."""
    origin_of(issuer)
    if "?" in issuer or issuer.endswith("/"):
        raise ValueError("an issuer has neither a query nor a slash at its end")
    return issuer


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
