"""Owns a step that several flows share, no verb of its own: that an Application is told other attributes is recorded.

Refuses to write in the plain case, in which the Grant remembers the very same ones.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from broker.domain.changes import Record, RememberReleased
from broker.domain.disclosure import remembered_now
from broker.domain.errors import Conflict, Fault
from broker.domain.ids import ApplicationId
from broker.domain.policy import Context
from broker.flows.found import GrantInFull
from broker.flows.issued import grant_event
from broker.flows.ports import Ports

_TRIES = 8


async def record_release(
    found: GrantInFull,
    told: Collection[str],
    ports: Ports,
    *,
    now: int,
    request_id: str = "",
    claims: Mapping[str, Any] | None = None,
) -> None:
    """Before `told` is told: a line of the ledger, unless it was told before. `found` is as narrow as what tells it.

    `claims` are those of a session JWT that asks. Where an exchange made it for another Application, that had its own
    line, and remembers in the token what it was told. Raises `Fault`.
    """
    if claims is not None and claims["client_id"] != found.application.id:
        in_tokens = ports.policy.releases(found.connection.registration, (), Context.TOKENS).keys()
        if (in_tokens & set(told)) - claims.keys():
            await _of_exchanged(found, ApplicationId(claims["client_id"]), told, ports, now=now, request_id=request_id)
        return
    for _ in range(_TRIES):
        after = remembered_now(found.grant, told)
        if after == found.grant.released:
            return
        event = grant_event(found, "attributes.release", now=now, request_id=request_id, released=after)
        remember = RememberReleased(grant_id=found.grant.id, expected=found.grant.released, released=after)
        try:
            await ports.store.write(remember, Record(event=event))
        except Conflict:
            newest = await ports.store.grant(found.grant.id)
            if newest is None:
                return  # forgotten meanwhile, so nothing that is told now is accepted any more
            found = replace(found, grant=replace(found.grant, released=newest.grant.released))
        else:
            return
    raise Fault("contention", "Something was changed at this moment. Please try again.")


async def _of_exchanged(
    found: GrantInFull,
    holder: ApplicationId,
    told: Collection[str],
    ports: Ports,
    *,
    now: int,
    request_id: str,
) -> None:
    """The Grant remembers nothing of it: the next token that is exchanged has it."""
    application = await ports.store.application(holder)
    if application is None:
        return  # removed meanwhile, and its tokens with it
    told_to = replace(found, application=application)
    event = grant_event(told_to, "attributes.release", now=now, request_id=request_id, released=told)
    await ports.store.write(Record(event=event))
