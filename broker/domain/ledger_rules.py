"""Owns what the policy says about the ledger. Refuses whole addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerRules:
    """`address`: whether the ledger holds from which network somebody signed in, sealed under their own key."""

    address: Literal["none", "shortened"] = "none"
