"""Owns the return from a Provider: prove that this browser asked for it, exchange, decide, write once.

Refuses callbacks that this browser did not ask for. A plaintext token is held here between the Provider and the seal.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs

from broker.domain.application import Application
from broker.domain.attempt import SignInAttempt, check_callback, check_initiator
from broker.domain.authorize_request import AuthorizeRequest, application_id_of, check
from broker.domain.changes import TakeAttempt, TakePushedRequest
from broker.domain.errors import Conflict, Fault, Refusal
from broker.domain.identity import normalise_email
from broker.domain.redirect import Onward
from broker.domain.request_refused import tell_application
from broker.flows.found import LiveSession
from broker.flows.ports import Callback, Ports
from broker.flows.sign_in.answer import Return
from broker.flows.sign_in.decision import Decision, decide, may_be_kept

_TRIES = 64
"""How often a lost race (two first sign-ins at once, an invitation taken meanwhile) is decided afresh.

Somebody wins each round, so as many as this can come back with one account at the same moment; the code is spent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished(Onward):
    """Send the browser on. `session_cookie` is None when it keeps the Session it has."""

    session_cookie: str | None = field(repr=False)


async def finish(
    callback: Callback,
    cookie: str | None,
    signed_in: LiveSession | None,
    ports: Ports,
    *,
    browser: str,
    request_id: str,
    address: str = "",
) -> Finished:
    """Finish a trip. `cookie` is the sealed attempt that this browser holds for the callback's state.

    `address`: where the request comes from.

    Raises `Refusal` (to show), `RequestRefused` (to send to the Application) or `Fault`; nothing was changed then.
    """
    attempt = ports.secrets.open_attempt(cookie) if cookie else None
    if attempt is None:
        raise Refusal("invalid_state", "This sign-in was not started in this browser.", detail="no attempt")
    check_callback(attempt, registration=callback.registration, state=callback.state, now=ports.clock.now())
    check_initiator(attempt, None if signed_in is None else signed_in.user.id)
    asked = await _asked(attempt, ports)
    try:
        verified = await ports.upstream.exchange(attempt, callback, may_be_kept(attempt, ports))
        email = normalise_email(verified.verified_email or "")
        back = Return(
            attempt=attempt,
            verified=verified,
            identity_hash=ports.secrets.keyed_hash("identity", verified.identity.key()),
            email_hash=None if email is None else ports.secrets.keyed_hash("email", email),
            signed_in=signed_in,
            asked=asked,
            browser=browser,
            address=ports.policy.ledger.told_of(address),
            request_id=request_id,
        )
        decision = await _settle(back, ports)
    except (Refusal, Fault) as error:
        if asked is None or error.code == "invalid_state":
            raise
        raise tell_application(error, asked[0]) from error
    onward = decision.onward
    return Finished(session_cookie=decision.session_cookie, url=onward.url, fields=onward.fields)


async def _asked(attempt: SignInAttempt, ports: Ports) -> tuple[AuthorizeRequest, Application] | None:
    """The authorize request that waits for this sign-in, checked once more: its Application may have changed."""
    parameters = parse_qs(attempt.continue_to) if attempt.page is None else {}
    found = await ports.store.attempt(attempt.id, application_id_of(parameters) if parameters else None)
    if found.taken:
        raise _taken()
    if not parameters:
        return None
    if found.application is None:
        raise Refusal("unknown_application", "The application you were signing in to is not known here any more.")
    return check(parameters, found.application, pushed=attempt.pushed), found.application


async def _settle(back: Return, ports: Ports) -> Decision:
    """Decide and write; decide afresh when somebody else wrote meanwhile. Tokens that nobody will keep are revoked."""
    for _ in range(_TRIES):
        arrival = await ports.store.arrival(
            back.attempt.registration,
            back.identity_hash,
            back.email_hash,
            None if back.connecting is None else back.connecting.user.id,
        )
        try:
            decision = await decide(back, arrival, ports)
        except (Refusal, Fault):
            # Where a Connection lives, its Provider might end that one too: revocation often reaches the whole grant.
            known = arrival.known
            if known is None or known.connection is None or known.connection.sealed_tokens is None:
                await ports.upstream.revoke(back.attempt.registration, back.verified.tokens)
            raise
        try:
            await ports.store.write(*decision.changes)  # after a Fault here nobody knows whether the tokens were kept
        except Conflict as conflict:
            if conflict.what == TakeAttempt.__name__:
                raise _taken() from None
            if conflict.what == TakePushedRequest.__name__:  # they have signed in for all that, as the next round says
                back = replace(back, used_up=True)
        else:
            return decision
    raise Fault("contention", "Somebody signed in with this account at the same moment. Please try again.")


def _taken() -> Refusal:
    return Refusal("invalid_state", "This sign-in was finished before.", detail="attempt taken")
