"""Owns "Do not continue": whoever was asked to accept the documents does not, and nothing is kept of them.

Refuses to leave the Provider's tokens alive: they are revoked before the attempt is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.attempt import check_initiator
from broker.domain.changes import Record, TakeAttempt
from broker.domain.errors import Conflict, Refusal
from broker.domain.ids import RegistrationId
from broker.domain.ledger import AuditEvent
from broker.domain.outbox import RevocationResult
from broker.domain.redirect import Onward, answer_to
from broker.flows.found import LiveSession
from broker.flows.ports import Ports
from broker.flows.sign_in.answer import Return
from broker.flows.sign_in.settlement import arrival_of, asked_by, let_go, taken
from broker.flows.sign_in.waiting import came_back

_DONE = (RevocationResult.REVOKED, RevocationResult.ALREADY_DEAD)


@dataclass(frozen=True, kw_only=True, slots=True)
class Declined:
    """`onward` is None where no Application waits. `told`: the Provider knows; None: it was not to be told."""

    registration: RegistrationId
    onward: Onward | None
    told: bool | None


async def decline(
    form: str, cookie: str | None, signed_in: LiveSession | None, ports: Ports, *, request_id: str
) -> Declined:
    """End a trip whose person was asked. `form` and `cookie` as for `accept`. Raises `Refusal` or `Fault`."""
    waiting = came_back(cookie, form, ports)
    attempt = waiting.attempt
    check_initiator(attempt, None if signed_in is None else signed_in.user.id)
    try:
        asked = await asked_by(attempt, ports)
    except Refusal as refusal:
        if refusal.code == "used_state":
            raise
        asked = None  # there is nobody any more who could be told
    back = Return(
        attempt=attempt, proof=waiting.proof, signed_in=signed_in, asked=asked, browser="", request_id=request_id
    )
    arrival = await arrival_of(back, ports)
    result = await let_go(back, arrival, ports)
    event = AuditEvent(
        at=ports.clock.now(),
        action=f"{attempt.purpose}.decline",
        outcome="done",
        reason="" if result is None else result.value,
        request_id=request_id,
        user_id=None if arrival.known is None else arrival.known.user.id,
        application_id=None if asked is None else asked[1].id,
        registration=attempt.registration,
    )
    try:
        await ports.store.write(TakeAttempt(attempt_id=attempt.id, expires_at=attempt.expires_at), Record(event=event))
    except Conflict:
        raise taken() from None
    onward = None
    if asked is not None:
        onward = answer_to(
            asked[0], ports.issuer, error="access_denied", error_description="The person did not accept the terms."
        )
    return Declined(registration=attempt.registration, onward=onward, told=None if result is None else result in _DONE)
