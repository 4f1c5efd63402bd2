"""Owns the rule that what is acknowledged has its line in the ledger, in the same write; the in-memory store holds it.

Refuses silence: a Change that needs no line stands here, with the reason.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from types import FrameType

from broker.domain import changes as c
from broker.domain.changes import Change

WITHOUT_EVENT: Mapping[type[Change], str] = {
    c.TouchSession: "nobody decided anything: when a Session was last seen",
    c.PollDeviceRequest: "the device is told to ask again; its answer has a line",
    c.RetryRevocation: "a try; what comes of it in the end has a line",
    c.RetryLogout: "a try; what comes of it in the end has a line",
    c.TakeAssertion: "uses up a proof; whatever else happens by it has a line",
    c.AddKeyCheck: "what the keyring is recognised by, once for a database",
    c.AddLink: "the chain over the ledger itself",
    c.AddLedgerHead: "what is signed of the chain",
}


class NotRecorded(AssertionError):
    """A flow has written something that the ledger says nothing of."""


def require_event(changes: Sequence[Change]) -> None:
    """Raise `NotRecorded` for a write by a flow which changes something, but appends nothing to the ledger."""
    silent = [type(change).__name__ for change in changes if type(change) not in WITHOUT_EVENT]
    if silent and not any(isinstance(change, c.Record) for change in changes) and _by_a_flow():
        raise NotRecorded(", ".join(silent))


def _by_a_flow() -> bool:
    """Whether the nearest code that is no test's own is a flow's: tests set the scene as they like."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_globals["__name__"].startswith("tests.fakes."):
        if frame.f_code.co_name == "_rivals_act":
            return False
        frame = frame.f_back
    return frame is not None and bool(frame.f_globals["__name__"].startswith("broker."))
