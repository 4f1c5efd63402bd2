"""Owns "Accept and continue": whoever was asked has accepted the documents in force, and the sign-in is finished.

Refuses to persist anything before that. An answer without both words, or to documents that have changed meanwhile, is
asked for again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from broker.domain.attempt import check_initiator
from broker.domain.errors import Refusal
from broker.domain.optional import offered
from broker.domain.request_refused import tell_application
from broker.flows.found import LiveSession
from broker.flows.ports import Ports
from broker.flows.sign_in.answer import Given, Return
from broker.flows.sign_in.settlement import Finished, asked_by, settle
from broker.flows.sign_in.waiting import AcceptanceNeeded, acceptance_needed, came_back


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the page sent. `form` is what waited in it, `agreed` the optional subjects that were ticked."""

    form: str = field(repr=False)
    accepted: bool
    adult: bool
    agreed: frozenset[str]


async def accept(
    answer: Answer,
    cookie: str | None,
    signed_in: LiveSession | None,
    ports: Ports,
    *,
    browser: str,
    request_id: str,
    address: str = "",
) -> Finished | AcceptanceNeeded:
    """Finish a trip whose person was asked. `cookie` is the sealed attempt that this browser holds; `address` as for
    `finish`.

    Raises `Refusal` (to show), `RequestRefused` (to send to the Application) or `Fault`: then they may answer again.
    """
    waiting = came_back(cookie, answer.form, ports)
    check_initiator(waiting.attempt, None if signed_in is None else signed_in.user.id)
    back = Return(
        attempt=waiting.attempt,
        proof=waiting.proof,
        signed_in=signed_in,
        asked=await asked_by(waiting.attempt, ports),
        browser=browser,
        request_id=request_id,
        address=ports.policy.ledger.told_of(address),
    )
    documents, again = ports.policy.documents, acceptance_needed(back, ports)
    if documents.lacks(waiting.shown):
        return replace(again, changed=True)
    if documents.asked and not (answer.accepted and answer.adult):
        return replace(again, not_accepted=not answer.accepted, not_adult=not answer.adult)
    try:
        given = Given(agreed=answer.agreed & offered(again.options))
        return await settle(replace(back, given=given), ports) or again
    except Refusal as refusal:
        if back.asked is None or refusal.code == "used_state":
            raise
        raise tell_application(refusal, back.asked[0]) from refusal
