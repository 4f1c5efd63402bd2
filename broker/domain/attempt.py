"""Owns the sign-in attempt: one browser's pending trip to a Provider.

It travels sealed in that browser's own cookie, so beginning a sign-in writes nothing.
Refuses callbacks that are late, or meant for another registration or another person.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from broker.domain.errors import Refusal
from broker.domain.ids import AttemptId, ClientOrgId, RegistrationId, UserId
from broker.domain.own_page import own_page
from broker.domain.pushed_request import Pushed

LIFETIME = 600
"""Seconds from "Sign in with …" to the callback (OWASP ASVS 5.0 10.1.2 asks for a short one)."""
MAX_IN_ONE_BROWSER = 5
"""Attempts (tabs) at a time; the oldest is forgotten. Together they stay within what servers accept as headers."""


class Purpose(StrEnum):
    """What the trip is for."""

    SIGN_IN = "sign_in"
    CONNECT = "connect"


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInAttempt:
    """`continue_to` is the validated authorize request's query, or a path of ours, or "" for the User's own pages;
    `pushed` whether that request was pushed.

    `initiator` is the User who was signed in when the trip began; a CONNECT trip needs one. `asked_at`: when its person
    was back and was asked to accept the documents; None before that.
    """

    id: AttemptId
    purpose: Purpose
    registration: RegistrationId
    organization: ClientOrgId | None
    initiator: UserId | None
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    scopes: tuple[str, ...]
    continue_to: str = field(repr=False)
    started_at: int
    pushed: Pushed | None
    asked_at: int | None = None

    @property
    def page(self) -> str | None:
        """The page of ours that it leads back to, where no Application waits for it."""
        return own_page(self.continue_to)

    @property
    def expires_at(self) -> int:
        """Seconds since the epoch. Who is asked something has as long again."""
        return (self.started_at if self.asked_at is None else self.asked_at) + LIFETIME

    def to_bytes(self) -> bytes:
        """The plaintext that is sealed into the cookie."""
        document = asdict(self)
        if self.asked_at is None:
            del document["asked_at"]  # a process of the version before, which does not know it, takes this up
        return json.dumps(document).encode()

    @classmethod
    def from_bytes(cls, plaintext: bytes) -> SignInAttempt:
        """The inverse of `to_bytes`."""
        document = json.loads(plaintext)
        document["purpose"] = Purpose(document["purpose"])
        document["scopes"] = tuple(document["scopes"])
        if document["pushed"] is not None:
            document["pushed"] = Pushed(**document["pushed"])
        return cls(**document)


def check_callback(attempt: SignInAttempt, *, registration: RegistrationId, state: str, now: int) -> None:
    """Raise `Refusal` unless this callback is the one that the attempt waits for (RFC 9700 sections 4.4 and 4.7)."""
    if not state.isascii() or not hmac.compare_digest(attempt.state, state):  # other text it does not compare at all
        raise Refusal("invalid_state", "This sign-in was not started in this browser.", detail="state differs")
    if attempt.asked_at is not None:
        raise Refusal("asked_already", "This page can be answered, but not loaded again.", detail="code was used")
    check_in_time(attempt, now)
    if attempt.registration != registration:
        detail = f"attempt is for {attempt.registration}, callback at {registration}"
        raise Refusal("provider_mismatch", "The answer came from another service than the one asked.", detail=detail)


def check_in_time(attempt: SignInAttempt, now: int) -> None:
    """Raise `Refusal` when it is too late."""
    if now >= attempt.expires_at:
        raise Refusal("expired_state", "This sign-in took too long and has expired.")


def check_initiator(attempt: SignInAttempt, signed_in: UserId | None) -> None:
    """Raise `Refusal` when a CONNECT trip comes back to a browser in which somebody else, or nobody, is signed in."""
    if attempt.purpose is Purpose.CONNECT and (attempt.initiator is None or attempt.initiator != signed_in):
        raise Refusal("initiator_mismatch", "Only the person who started connecting this account can finish it.")
