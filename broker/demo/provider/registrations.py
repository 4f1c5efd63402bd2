"""The software registered at the demo Provider, and how it proves itself at the token endpoint.

A registration without its secret proves nothing: there are no public registrations here.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote_plus


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoRegistration:
    """One registration, in OAuth's own words. `redirect_uris` are compared as strings, whole."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uris: Sequence[str]
    name: str = "Partner Ops"
    backchannel_logout_uri: str | None = None


class TwoMethods(Exception):
    """The request proves itself in the header and in the body at once (RFC 6749 section 2.3)."""


def authenticate(
    registrations: Mapping[str, DemoRegistration], header: str, form: Mapping[str, str]
) -> DemoRegistration | None:
    """The registration that sent a request, by client_secret_basic or client_secret_post; None if unproven.

    Raises `TwoMethods`. Source: RFC 6749 section 2.3.1.
    """
    if header and "client_secret" in form:
        raise TwoMethods
    name, secret = _basic(header) if header else (form.get("client_id", ""), form.get("client_secret", ""))
    registration = registrations.get(name)
    if registration is None or form.get("client_id", name) != name:
        return None
    proven = hmac.compare_digest(registration.client_secret.encode(), secret.encode())
    return registration if proven and secret else None


def _basic(header: str) -> tuple[str, str]:
    scheme, _, value = header.partition(" ")
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    name, _, secret = text.partition(":")
    return (unquote_plus(name), unquote_plus(secret)) if scheme.lower() == "basic" else ("", "")
