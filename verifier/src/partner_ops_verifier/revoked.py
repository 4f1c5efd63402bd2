"""Owns what was revoked and could still be presented: a set that forgets each entry when its tokens have expired.

Refuses to grow beyond a bound, and remembers then, for as long as it matters, that it does not know everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from partner_ops_verifier.session import Session

CLAIMS: Final = frozenset({"sid", "sub", "jti", "client_id", "org", "kid"})
"""What a revocation may name: a claim; "org" a Client of `authorizations` or `org_id`; "kid" the header's key."""
LONGEST_VALUE: Final = 512

Mark = tuple[str, str]
"""(claim, value): one thing that a token says, and by which it can be revoked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Revocation:
    """Tokens of this mark are no good; of those, with `epoch` only older epochs, with `before` only those made by then.

    `until`: the second at which the last of them expires.
    """

    mark: Mark
    until: int
    epoch: int | None = None
    before: int | None = None

    @property
    def known(self) -> bool:
        """Whether it can be told which tokens are meant."""
        return self.mark[0] in CLAIMS

    def covers(self, epoch: int | None, issued_at: int) -> bool:
        """Whether a token of this mark is meant. Within the second of `before` nobody can tell: it is."""
        older = self.epoch is None or epoch is None or epoch < self.epoch
        return older and (self.before is None or issued_at <= self.before)


def revocation(document: Mapping[str, Any]) -> Revocation:
    """Raises `ValueError` for what is no revocation."""
    claim, value, until = document.get("claim"), document.get("value"), document.get("until")
    if not isinstance(claim, str) or not isinstance(value, str) or not 0 < len(value) <= LONGEST_VALUE:
        raise ValueError("a revocation names nothing")
    if type(until) is not int:
        raise ValueError("a revocation has no end")
    epoch, before = (_whole(document.get(name)) for name in ("epoch", "before"))
    return Revocation(mark=(claim, value), until=until, epoch=epoch, before=before)


def _whole(value: Any) -> int | None:
    if value is not None and type(value) is not int:
        raise ValueError("neither a whole number nor absent")
    return value


def marks_of(session: Session, kid: str) -> tuple[Mark, ...]:
    """Everything by which this token can be revoked. The part of `jti` before its dot is the grant it comes from."""
    marks = [("sub", session.user), ("jti", session.token_id), ("client_id", session.application_id), ("kid", kid)]
    grant, dot, _ = session.token_id.partition(".")
    if dot:
        marks.append(("jti", grant))
    if session.id is not None:
        marks.append(("sid", session.id))
    orgs = session.client_orgs | ({session.organization} if session.organization is not None else set())
    return (*marks, *(("org", org) for org in sorted(orgs)))


class RevokedSet:
    """One writes, many read: a mark's entries are replaced as a whole. `most`: entries. Times are the wall clock's."""

    def __init__(self, *, most: int, leeway: int) -> None:
        self._most = most
        self._leeway = leeway
        self._held: dict[Mark, tuple[Revocation, ...]] = {}
        self._number = 0
        self._incomplete_until = 0

    def __len__(self) -> int:
        return self._number

    def covers(self, marks: Iterable[Mark], epoch: int | None, issued_at: int) -> bool:
        """Whether a token with these marks was revoked."""
        held = self._held
        if not held:
            return False
        return any(one.covers(epoch, issued_at) for mark in marks for one in held.get(mark, ()))

    def complete(self, now: int) -> bool:
        """Whether every revocation that matters now is held."""
        return now > self._incomplete_until

    def add(self, entry: Revocation, now: int) -> None:
        """Hold one more, if there is room."""
        if entry.until + self._leeway < now:
            return
        if not entry.known:
            self._missed(entry)
            return
        before = self._held.get(entry.mark, ())
        others = tuple(one for one in before if (one.epoch, one.before) != (entry.epoch, entry.before))
        if len(others) == len(before):
            if self._number >= self._most:
                self.forget_expired(now)
            if self._number >= self._most:
                self._missed(entry)
                return
            self._number += 1
            self._held[entry.mark] = (*self._held.get(entry.mark, ()), entry)
            return
        longest = max(entry, *(one for one in before if one not in others), key=lambda one: one.until)
        self._held[entry.mark] = (*others, longest)

    def replace(self, entries: Iterable[Revocation], now: int) -> None:
        """Hold these and nothing else. Readers see the old set or the new one."""
        fresh = RevokedSet(most=self._most, leeway=self._leeway)
        for entry in entries:
            fresh.add(entry, now)
        self._held, self._number, self._incomplete_until = fresh._held, fresh._number, fresh._incomplete_until

    def forget_expired(self, now: int) -> None:
        """Let go of entries whose tokens have all expired, by every clock that is accepted."""
        for mark, entries in list(self._held.items()):
            left = tuple(one for one in entries if one.until + self._leeway >= now)
            self._number -= len(entries) - len(left)
            if not left:
                del self._held[mark]
            elif len(left) < len(entries):
                self._held[mark] = left

    def _missed(self, entry: Revocation) -> None:
        self._incomplete_until = max(self._incomplete_until, entry.until + self._leeway)
