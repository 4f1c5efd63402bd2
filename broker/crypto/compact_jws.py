"""Owns the form of a compact JWS (RFC 7515 section 7.1), without padding, and its header, of which nothing is believed.

Refuses the JSON serialisation.
"""

from __future__ import annotations

import json
import re
from typing import Any

from broker.crypto import base64url

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


def is_compact(token: str, *, longest: int) -> bool:
    """Whether it has the form. `longest` in characters."""
    return len(token) <= longest and _COMPACT.fullmatch(token) is not None


def compact_header(token: str) -> dict[str, Any] | None:
    """The header of what has the form; None where it is no JSON object."""
    try:
        header = json.loads(base64url.decode(token.partition(".")[0]) or b"")
    except (ValueError, RecursionError):
        return None
    return header if isinstance(header, dict) else None
