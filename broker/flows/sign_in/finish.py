"""Owns the return from a Provider: prove that this browser asked for it, exchange, decide, write once.

Refuses callbacks that this browser did not ask for. A plaintext token is held here between the Provider and the seal.
"""

from __future__ import annotations

from broker.domain.attempt import SignInAttempt, check_callback, check_initiator
from broker.domain.errors import Fault, Refusal
from broker.domain.request_refused import tell_application
from broker.flows.found import LiveSession
from broker.flows.ports import Callback, Ports
from broker.flows.proven import VerifiedSignIn
from broker.flows.sign_in.answer import Return
from broker.flows.sign_in.proof import may_be_kept, proof_of
from broker.flows.sign_in.settlement import Finished, asked_by, settle, taken
from broker.flows.sign_in.waiting import AcceptanceNeeded, acceptance_needed

LEASE_SECONDS = 60
"""Longer than a Provider takes at the worst to redeem a code and answer all that follows it."""


async def finish(
    callback: Callback,
    cookie: str | None,
    signed_in: LiveSession | None,
    ports: Ports,
    *,
    browser: str,
    request_id: str,
    address: str = "",
) -> Finished | AcceptanceNeeded:
    """Finish a trip. `cookie` is the sealed attempt that this browser holds for the callback's state.

    `address`: where the request comes from. Whoever has not accepted the documents in force is to be asked first:
    nothing was changed then. Raises `Refusal` (to show), `RequestRefused` (to send to the Application) or `Fault`;
    nothing was changed then either.
    """
    attempt = ports.secrets.open_attempt(cookie) if cookie else None
    if attempt is None:
        raise Refusal("invalid_state", "This sign-in was not started in this browser.", detail="no attempt")
    check_callback(attempt, registration=callback.registration, state=callback.state, now=ports.clock.now())
    check_initiator(attempt, None if signed_in is None else signed_in.user.id)
    asked = await asked_by(attempt, ports)
    try:
        verified = await _exchanged(attempt, callback, ports)
        back = Return(
            attempt=attempt,
            proof=proof_of(attempt, verified, ports.secrets),
            signed_in=signed_in,
            asked=asked,
            browser=browser,
            address=ports.policy.ledger.told_of(address),
            request_id=request_id,
        )
        return await settle(back, ports) or acceptance_needed(back, ports)
    except (Refusal, Fault) as error:
        if asked is None or error.code == "used_state":
            raise
        raise tell_application(error, asked[0]) from error


async def _exchanged(attempt: SignInAttempt, callback: Callback, ports: Ports) -> VerifiedSignIn:
    """Redeem the code, unless the same callback is at it already: Providers may end the tokens of a code that comes
    twice (RFC 6749 section 4.1.2). A lease spares them that; that an attempt counts once is for its unique key to say.
    """
    lease, holder, now = f"callback {attempt.id}", ports.secrets.token(), ports.clock.now()
    if not await ports.store.take_lease(lease, holder, now, LEASE_SECONDS):
        raise taken()
    try:
        return await ports.upstream.exchange(attempt, callback, may_be_kept(attempt, ports))
    except (Refusal, Fault):
        await ports.store.take_lease(lease, holder, now, 0)  # whoever tries again is told the same, or gets in
        raise
