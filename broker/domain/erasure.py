"""Owns how an account is erased."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasureRules:
    """`grace_days`: how long a User can change their mind; 0: erased at once."""

    grace_days: int = 7
