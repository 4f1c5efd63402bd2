"""A User signs out everywhere: every browser, and every Application."""

from __future__ import annotations

import pytest

from broker.domain.errors import OAuthRefusal
from broker.domain.ledger import AuditEvent
from broker.domain.session import IDLE_LIFETIME
from broker.flows.sessions.end_all import end_all_sessions
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, GRACE, NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def test_every_session_ends_and_so_does_what_outlived_one(world: World) -> None:
    """A refresh token of a Session that was over by itself; other people go on. One write, one line of the ledger."""
    token, hers = await world.refreshable(ADA), await world.refreshable(GRACE)
    world.clock.advance(IDLE_LIFETIME)
    here, there = await world.signed_in(ADA), await world.signed_in(ADA)
    await world.refresh(token)
    world.forget()
    await end_all_sessions(here, world.ports, request_id="req-1")

    assert len(world.store.writes) == 1
    assert world.event() == AuditEvent(
        at=NOW + IDLE_LIFETIME,
        action="session.end_all",
        outcome="done",
        request_id="req-1",
        user_id=here.user.id,
        object_id=here.session.id,
    )
    assert await world.ports.store.sessions_of(there.user.id, 0) == ()
    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(token)
    await world.refresh(hers)
