"""Owns the legal hold: whoever is held loses nothing to a rule of retention, nor to an erasure.

Refuses a reference that could say anything about a person: it is a short code, for whoever keeps the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from broker.domain.errors import Refusal
from broker.domain.ids import UserId

REFERENCE = re.compile(r"[A-Za-z0-9._/-]{1,64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """`reference`: where the reason is on file. `since`: seconds since the epoch."""

    user_id: UserId
    reference: str
    since: int


def require_reference(text: str) -> None:
    """Raise `Refusal` unless `text` can be the reference of a hold."""
    if REFERENCE.fullmatch(text) is None:
        raise Refusal(
            "hold_reference", "A reference is up to 64 letters, digits, dots, slashes, hyphens and underscores."
        )
