"""Owns the content hash by which the ledger names an attribute policy: equal policies have equal ones, however written.

Refuses to leave a part out: whatever fields a policy has are hashed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from typing import Any

from broker.domain.policy import AttributePolicy

IN_FORCE = "policy.in_force"
"""What the ledger calls a policy from which on another one is in force."""


def content_hash(policy: AttributePolicy) -> str:
    """SHA-256 of the policy as sorted JSON, in hexadecimal digits."""
    text = json.dumps(_plain(policy), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, Set):
        return sorted(map(_plain, value))
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    return value
