"""What many workers asked of a broker and what they were told, as it happened: one line of JSON each, in a file.

Holds no secret: codes, tokens and cookies are known by a mark of them. A session JWT stands there whole; it is over in
minutes.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Outcome = Literal["ok", "fail", "info"]
"""Done; refused, and nothing was changed; nobody knows, since no answer came, or one that says as much."""
Kind = Literal[
    "sign_in",  # a browser is back from its Provider: a Session, and a code for the Application that waited
    "authorize",  # a code for an Application in a Session that there is
    "allow",  # the same, with the User's consent
    "remove_access",  # an Application has nothing of a User any more
    "look",  # a page of the User's own
    "sign_out",
    "redeem",
    "refresh",
    "userinfo",
    "introspect",
    "revoke",
    "apply",  # Authorizations are given and withdrawn
    "keys",  # the published keys
]
Rights = Mapping[str, Sequence[str]]
"""Per Client."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One request and its answer; `invoked` and `completed` in seconds of the clock that the brokers go by.

    `code` is the code that a family of tokens came of, and is the family's name; `token` the refresh token that was
    presented, or that a code gave, `successor` the one that came for it; `members` all Authorizations as declared, per
    User. `last`: asked when everybody had gone, of a broker that was well. `reason`: why it was refused.
    """

    kind: Kind
    invoked: float
    completed: float
    outcome: Outcome
    request_id: str = ""
    reason: str = ""
    last: bool = False
    user: str = ""
    application: str = ""
    session: str = ""
    state: str = ""
    code: str = ""
    token: str = ""
    successor: str = ""
    jwt: str = ""
    subject: str = ""
    rights: Rights | None = None
    members: Mapping[str, Rights] = field(default_factory=dict)
    keys: Mapping[str, Any] = field(default_factory=dict)

    @property
    def until(self) -> float:
        """When whatever it did was done; of what nobody knows about, nobody knows when."""
        return math.inf if self.outcome == "info" else self.completed

    def __str__(self) -> str:
        names = ("user", "application", "session", "code", "token", "successor", "state", "reason")
        said = " ".join(f"{name}={value}" for name in names if (value := getattr(self, name)))
        return f"[{self.invoked:.3f} {self.completed:.3f}] {self.kind} {self.outcome} {said} {self.request_id}".rstrip()


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line of the ledger, in part."""

    action: str
    outcome: str
    request_id: str


History = Sequence[Operation]


class Recorder:
    """Writes a history. What was begun and never completed is known as such, whoever was killed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.completed = 0
        self._begun = 0
        self._released = False
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._file = path.open("w", encoding="utf-8")

    def invoke(self, kind: Kind, **known: Any) -> int:
        """Somebody is about to ask; the number of what they ask."""
        self._begun += 1
        self._write({"number": self._begun, "kind": kind, **known, "invoked": time.time()})
        return self._begun

    def complete(self, number: int, outcome: Outcome, **learnt: Any) -> None:
        """They were told."""
        self._write({"number": number, **learnt, "outcome": outcome, "completed": time.time()})
        self.completed += 1
        for waiting in [one for one in self._waiting if one[0] <= self.completed]:
            self._waiting.remove(waiting)
            waiting[1].set_result(None)

    async def after(self, more: int) -> bool:
        """Wait for so many more answers; False when they do not come, since everybody has gone."""
        if not self._released:
            reached = asyncio.get_running_loop().create_future()
            self._waiting.append((self.completed + more, reached))
            await reached
        return not self._released

    def release(self) -> None:
        """Let go whoever waits: everybody has gone."""
        self._released = True
        for _, reached in self._waiting:
            reached.set_result(None)
        self._waiting.clear()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing more will be written."""
        self._file.close()

    def _write(self, line: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")


def read_history(path: Path) -> list[Operation]:
    """The operations of a file, in the order in which they were begun."""
    found: dict[int, dict[str, Any]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        unknown = {"outcome": "info", "completed": math.inf}
        found.setdefault(told.pop("number"), unknown).update(told)
    return [Operation(**told) for told in found.values()]


def mark(secret: str) -> str:
    """What a secret is known by."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16]
