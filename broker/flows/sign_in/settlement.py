"""Owns the end of a return that holds: decide, write once, or say that its person has to be asked first. A step of
`finish`, `accept` and `decline`.

Refuses to finish an attempt twice. Tokens that nobody will keep are revoked.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs

from broker.domain.application import Application
from broker.domain.attempt import SignInAttempt
from broker.domain.authorize_request import AuthorizeRequest, application_id_of, check
from broker.domain.changes import AddPendingRevocation, RenewSession, TakeAttempt, TakePushedRequest
from broker.domain.errors import Conflict, Fault, Refusal
from broker.domain.outbox import RevocationResult
from broker.domain.redirect import Onward
from broker.flows.found import Arrival
from broker.flows.orphaned import orphaned
from broker.flows.ports import Ports
from broker.flows.sign_in.answer import Return
from broker.flows.sign_in.decision import Decision, decide, lacks_acceptance, require_theirs

_TRIES = 64
"""How often a lost race (two first sign-ins at once, an invitation taken meanwhile) is decided afresh.

Somebody wins each round, so as many as this can come back with one account at the same moment; the code is spent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished(Onward):
    """Send the browser on. `session_cookie` is None when it keeps the Session it has."""

    session_cookie: str | None = field(repr=False)


async def asked_by(attempt: SignInAttempt, ports: Ports) -> tuple[AuthorizeRequest, Application] | None:
    """The authorize request that waits for this sign-in, checked once more: its Application may have changed."""
    parameters = parse_qs(attempt.continue_to) if attempt.page is None else {}
    found = await ports.store.attempt(attempt.id, application_id_of(parameters) if parameters else None)
    if found.taken:
        raise taken()
    if not parameters:
        return None
    if found.application is None:
        raise Refusal("unknown_application", "The application you were signing in to is not known here any more.")
    return check(parameters, found.application, pushed=attempt.pushed), found.application


async def settle(back: Return, ports: Ports) -> Finished | None:
    """Decide and write; decide afresh when somebody else wrote meanwhile. None: this person has to accept first."""
    for _ in range(_TRIES):
        arrival = await arrival_of(back, ports)
        try:
            require_theirs(back, arrival)
            if back.given is None and lacks_acceptance(back, arrival, ports):
                return None
            decision = await decide(back, arrival, ports)
        except (Refusal, Fault):
            await let_go(back, arrival, ports)
            raise
        try:
            await ports.store.write(*decision.changes)  # after a Fault here nobody knows whether the tokens were kept
        except Conflict as conflict:
            if conflict.what == TakeAttempt.__name__:
                raise taken() from None
            if conflict.what == TakePushedRequest.__name__:  # they have signed in for all that, as the next round says
                back = replace(back, used_up=True)
            if conflict.what == RenewSession.__name__:  # another tab has, or it has ended: this browser gets a new one
                back = replace(back, signed_in=None)
        else:
            return _finished(decision)
    raise Fault("contention", "Somebody signed in with this account at the same moment. Please try again.")


async def arrival_of(back: Return, ports: Ports) -> Arrival:
    """What is known of whoever is back."""
    return await ports.store.arrival(
        back.attempt.registration,
        back.proof.identity_hash,
        back.proof.email_hash,
        None if back.connecting is None else back.connecting.user.id,
    )


async def let_go(back: Return, arrival: Arrival, ports: Ports) -> RevocationResult | None:
    """Have the Provider revoke the tokens that nobody will keep; one that does not answer now is told later.

    None where a Connection lives: its Provider might end that one too, as revocation often reaches the whole grant.
    """
    known = arrival.known
    if known is not None and known.connection is not None and known.connection.sealed_tokens is not None:
        return None
    registration, tokens = back.attempt.registration, back.proof.tokens
    result = await ports.upstream.revoke(registration, tokens)
    if result is RevocationResult.PENDING:
        await ports.store.write(AddPendingRevocation(pending=await orphaned(tokens, registration, ports)))
    return result


def taken() -> Refusal:
    """Somebody has finished this attempt."""
    return Refusal("used_state", "This sign-in was finished before.", detail="attempt taken")


def _finished(decision: Decision) -> Finished:
    onward = decision.onward
    return Finished(session_cookie=decision.session_cookie, url=onward.url, fields=onward.fields)
