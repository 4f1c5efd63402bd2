"""Owns base64url without padding (RFC 4648 section 5, RFC 7515 section 2).

Refuses every second spelling of the same bytes.
"""

from __future__ import annotations

import base64
import binascii
import re

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*")


def encode(data: bytes) -> str:
    """Four characters for three bytes, no padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes | None:
    """The bytes that `encode` spells exactly so; None for padding, other characters and stray last bits."""
    if _ALPHABET.fullmatch(text) is None:
        return None
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return None
    return data if encode(data) == text else None
