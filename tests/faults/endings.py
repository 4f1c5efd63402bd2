"""What ended families of tokens and Sessions in a history: surely, and from when on; or perhaps, and since when.

Refuses to call an ending sure whose answer did not come, and a refusal explained by what began after it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field

from broker.domain.grant import CODE_LIFETIME
from broker.domain.refresh_token import REPLAY_WITHIN
from tests.faults.history import History, Operation

SKEW = 1.0
"""Seconds that a broker's clock of whole seconds, and one that is set right meanwhile, may differ from ours."""
ISSUES = ("sign_in", "authorize", "allow")
Moments = dict[str, float]
Given = tuple[str, str]
"""A User, and the Application that they gave access."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Endings:
    """Of one history. `sure_…`: from when on nothing of it may be good; `possible_…`: since when perhaps nothing is."""

    sure_families: Moments = field(default_factory=dict)
    sure_sessions: Moments = field(default_factory=dict)
    possible_families: Moments = field(default_factory=dict)
    possible_sessions: Moments = field(default_factory=dict)
    removals: dict[Given, list[Operation]] = field(default_factory=lambda: defaultdict(list))

    def sure(self, operation: Operation) -> float:
        """From when on what this operation was asked with is over for good."""
        family = math.inf if operation.kind in ISSUES else self.sure_families.get(operation.code, math.inf)
        return min(family, self.sure_sessions.get(operation.session, math.inf))

    def explain(self, operation: Operation) -> bool:
        """Whether anything may have ended what it was asked with, before it was answered."""
        removals = self.removals.get((operation.user, operation.application), ()) if operation.code else ()
        moments = [
            self.possible_families.get(operation.code, math.inf),
            self.possible_sessions.get(operation.session, math.inf),
            *(removal.invoked for removal in removals),
        ]
        return min(moments) < operation.until


def endings(history: History) -> Endings:
    """All of them."""
    found = Endings()
    for operation in history:
        done, perhaps = operation.outcome == "ok", operation.outcome != "fail"
        if operation.kind == "revoke":
            _sooner(found.possible_families, operation.code, operation.invoked, perhaps)
            _sooner(found.sure_families, operation.code, operation.completed, done)
        elif operation.kind == "sign_out":
            _sooner(found.possible_sessions, operation.session, operation.invoked, perhaps)
            _sooner(found.sure_sessions, operation.session, operation.completed, done)
        elif operation.kind == "remove_access" and perhaps:
            found.removals[operation.user, operation.application].append(operation)
        elif operation.kind == "refresh":  # refused: it was over, or is from now on
            _sooner(found.sure_families, operation.code, operation.completed, operation.reason == "invalid_grant")
    _removed(history, found)
    _misused(history, found)
    _reused(history, found)
    return found


def _removed(history: History, found: Endings) -> None:
    """With an Application's access everything goes that came of a code before."""
    for issue in history:
        if issue.kind in ISSUES and issue.outcome == "ok" and issue.code:
            for removal in found.removals.get((issue.user, issue.application), ()):
                after = removal.outcome == "ok" and removal.invoked > issue.completed
                _sooner(found.sure_families, issue.code, removal.completed, after)


def _misused(history: History, found: Endings) -> None:
    """A code used late ends its family, or twice, whichever of two at once came first (RFC 6749 section 4.1.2)."""
    issued = {o.code: o.invoked for o in history if o.kind in ISSUES and o.outcome == "ok"}
    for code, same in _uses(history, "redeem").items():
        twice = sorted(operation.invoked for operation in same)[1:2]
        late = issued.get(code, math.inf) + CODE_LIFETIME - 1 - SKEW
        for operation in same:
            moment = max(operation.invoked, min([late, *twice]))
            _sooner(found.possible_families, code, moment, moment < operation.until)
            once = operation.reason == "invalid_grant" and any(other.outcome == "ok" for other in same)
            _sooner(found.sure_families, code, operation.completed, once)


def _reused(history: History, found: Endings) -> None:
    """A refresh token ends its family when it is used late, or after its successor was (RFC 9700 section 4.14.2)."""
    uses = _uses(history, "refresh")
    for same in uses.values():
        successors = {operation.successor for operation in same} - {""}
        onward = min((use.invoked for name in successors for use in uses.get(name, ())), default=math.inf)
        for operation in same:
            first = min((other.invoked for other in same if other is not operation), default=math.inf)
            moment = max(operation.invoked, min(first + REPLAY_WITHIN - 1 - SKEW, onward))
            _sooner(found.possible_families, operation.code, moment, moment < operation.until)


def _uses(history: History, kind: str) -> dict[str, list[Operation]]:
    """By what was used: a code, or a refresh token."""
    found = defaultdict[str, list[Operation]](list)
    for operation in history:
        if operation.kind == kind and operation.reason != "not_sent":
            found[operation.code if kind == "redeem" else operation.token].append(operation)
    return found


def _sooner(moments: Moments, name: str, moment: float, counts: bool) -> None:
    if counts:
        moments[name] = min(moment, moments.get(name, math.inf))
