"""Owns telling an Application of Sessions that have ended (OpenID Connect Back-Channel Logout 1.0), until it knows.

Refuses to tell the same twice at once, and to give up early: an Application that is away is asked again for a day.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from broker.domain.application import Application
from broker.domain.changes import Record, RetryLogout, SettleLogout
from broker.domain.errors import Conflict
from broker.domain.ids import ApplicationId
from broker.domain.ledger import AuditEvent
from broker.domain.logout import GIVE_UP_AFTER, TYPE, LogoutResult, PendingLogout, logout_claims
from broker.domain.outbox import next_wait
from broker.flows.ports import Applications, Ports

AT_A_TIME = 8
"""Of one Application. Others are not waited for: each has its own run."""


async def deliver_logouts(
    application_id: ApplicationId, applications: Applications, ports: Ports
) -> Sequence[LogoutResult]:
    """Tell this Application what is due now, each once; any number of processes may. What came of those it told."""
    due = await ports.store.due_logouts(application_id, ports.clock.now(), AT_A_TIME)
    application = await ports.store.application(application_id)
    tries = (_deliver(pending, application, applications, ports) for pending in due)
    results = await asyncio.gather(*tries, return_exceptions=True)  # one that fails does not cut the others short
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if isinstance(result, LogoutResult)]


async def _deliver(
    pending: PendingLogout, application: Application | None, applications: Applications, ports: Ports
) -> LogoutResult | None:
    """None when another process was first."""
    now = ports.clock.now()
    claim = RetryLogout(
        about=pending.about,
        application_id=pending.application_id,
        expected_tries=pending.tries,
        next_try_at=now + next_wait(pending.tries + 1),  # 10 s at least: until then this try has ended
    )
    try:
        await ports.store.write(claim)
    except Conflict:
        return None
    result = await _tell(pending, application, applications, ports)
    if result is LogoutResult.PENDING and now >= pending.created_at + GIVE_UP_AFTER:
        result = LogoutResult.GIVEN_UP
    if result is LogoutResult.PENDING:
        return result
    event = AuditEvent(
        at=now,
        action="session.tell_application",
        outcome="done" if result is LogoutResult.DELIVERED else "failed",
        reason=result.value,
        user_id=pending.user_id,
        application_id=pending.application_id,
        object_id=pending.session_id,
    )
    settled = SettleLogout(about=pending.about, application_id=pending.application_id, result=result)
    await ports.store.write(settled, Record(event=event))
    return result


async def _tell(
    pending: PendingLogout, application: Application | None, applications: Applications, ports: Ports
) -> LogoutResult:
    if application is None or application.backchannel_logout_uri is None:  # it was removed, or asks no more
        return LogoutResult.GIVEN_UP
    claims = logout_claims(pending, issuer=ports.issuer, jti=ports.secrets.new_id("lgt"), now=ports.clock.now())
    token = ports.signer.sign(claims, typ=TYPE, alg=application.signing_algorithm)
    return await applications.tell_logout(application.backchannel_logout_uri, token)
