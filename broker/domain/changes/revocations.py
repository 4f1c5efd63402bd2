"""Owns the notices of what has ended: which Change gives rise to one, and the Change that is nothing else.

Refuses to be asked by flows for the notices of other Changes: the store writes those itself, of what has really ended.
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.revocation import Notice


@dataclass(frozen=True, kw_only=True, slots=True)
class Announce:
    """Tell whoever follows revocations. Only for what no other Change of the same write tells already."""

    notice: Notice
