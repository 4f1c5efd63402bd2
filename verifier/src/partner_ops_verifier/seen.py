"""Owns which tokens were found good before, by digest and signature: a bounded number, the oldest forgotten first.

Keeps no token. Remembers that a signature was good and claims were right, never that a token is good now.
"""

from __future__ import annotations

from typing import NamedTuple

from partner_ops_verifier.jwk import VerifyingKey
from partner_ops_verifier.revoked import Mark
from partner_ops_verifier.session import Session


class Seen(NamedTuple):
    """A Session, the key that proved it, everything by which it can be revoked, and from when until when it is good."""

    session: Session
    key: VerifyingKey
    marks: tuple[Mark, ...]
    begins: int
    ends: int


class SeenTokens:
    """A token's name -> what it came to, `most` of them; fewer than two are none. Any thread may read and write.

    Two halves: when the young one is full, it becomes the old one, whose tokens are forgotten but for those that were
    asked for meanwhile. So nothing has to be locked, counted or sorted.
    """

    def __init__(self, most: int) -> None:
        self._half = most // 2
        self._young: dict[bytes, Seen] = {}
        self._old: dict[bytes, Seen] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, name: bytes) -> Seen | None:
        """What was remembered."""
        seen = self._young.get(name)
        if seen is None:
            seen = self._old.get(name)
            if seen is not None:
                self.put(name, seen)
        return seen

    def put(self, name: bytes, seen: Seen) -> None:
        """Remember it."""
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
        if self._half:
            self._young[name] = seen

    def forget(self, name: bytes) -> None:
        """Make room early for a token that has ended."""
        self._young.pop(name, None)
        self._old.pop(name, None)
