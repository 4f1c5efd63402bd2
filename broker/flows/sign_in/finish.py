"""Owns the return from a Provider: prove that this browser asked for it, exchange, decide, write once.

Refuses callbacks that this browser did not ask for. A plaintext token is held here between the Provider and the seal.
"""

from __future__ import annotations

from broker.domain.attempt import check_callback, check_initiator
from broker.domain.errors import Fault, Refusal
from broker.domain.request_refused import tell_application
from broker.flows.found import LiveSession
from broker.flows.ports import Callback, Ports
from broker.flows.sign_in.answer import Return
from broker.flows.sign_in.proof import may_be_kept, proof_of
from broker.flows.sign_in.settlement import Finished, asked_by, settle
from broker.flows.sign_in.waiting import AcceptanceNeeded, acceptance_needed


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
        verified = await ports.upstream.exchange(attempt, callback, may_be_kept(attempt, ports))
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
        if asked is None or error.code == "invalid_state":
            raise
        raise tell_application(error, asked[0]) from error
