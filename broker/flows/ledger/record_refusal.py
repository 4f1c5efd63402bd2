"""Owns writing down that something was refused, once for each refused request. Refuses values: codes and ids only."""

from __future__ import annotations

from broker.domain.changes import Record
from broker.domain.errors import BrokerError, Fault
from broker.domain.ids import ApplicationId, RegistrationId, UserId
from broker.domain.ledger import AuditEvent
from broker.domain.request_refused import RequestRefused
from broker.flows.ports import Ports


async def record_refusal(
    error: BrokerError,
    action: str,
    ports: Ports,
    *,
    request_id: str,
    user_id: UserId | None = None,
    application_id: ApplicationId | None = None,
    registration: RegistrationId | None = None,
) -> None:
    """Append one event with the error's code as its reason.

    A caller chooses the last two names. One that is not known here could be anything, and the ledger forgets nothing.
    """
    if application_id is not None and await ports.store.application(application_id) is None:
        application_id = None
    if registration not in ports.upstream.registrations:
        registration = None
    event = AuditEvent(
        at=ports.clock.now(),
        action=action,
        outcome="failed" if isinstance(error, Fault) else "refused",
        reason=error.reason if isinstance(error, RequestRefused) else error.code,
        request_id=request_id,
        user_id=user_id,
        application_id=application_id,
        registration=registration,
    )
    await ports.store.write(Record(event=event))
