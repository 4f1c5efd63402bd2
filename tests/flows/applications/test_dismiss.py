"""A User puts a warning away: that one, theirs, and once."""

from __future__ import annotations

import pytest

from broker.domain.changes import RevokeGrant
from broker.domain.grant import REFRESH_REUSED, Grant
from broker.domain.ids import GrantId
from broker.domain.ledger import AuditEvent
from broker.flows.applications.dismiss import dismiss_warning
from tests.flows.setting import ADA, GRACE, NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def warned(world: World, reason: str = REFRESH_REUSED) -> Grant:
    """A Grant of Ada's that was revoked for this."""
    await world.refreshable(ADA)
    (grant,) = world.store.tables.grants.values()
    await world.store.write(RevokeGrant(grant_id=grant.id, reason=reason, at=NOW))
    world.forget()
    return grant


async def test_a_warning_is_put_away_once(world: World) -> None:
    """With a line in the ledger; what the Grant was revoked for stays."""
    grant = await warned(world)
    for _ in range(2):
        await dismiss_warning(grant.id, grant.user_id, world.ports, request_id="req-1")
    after = world.store.tables.grants[grant.id]

    assert (after.revoked_for, after.dismissed_at, after.warns) == (REFRESH_REUSED, NOW, False)
    assert world.event() == AuditEvent(
        at=NOW,
        action="access.dismiss_warning",
        outcome="done",
        request_id="req-1",
        user_id=grant.user_id,
        application_id=grant.application_id,
        object_id=grant.id,
    )


@pytest.mark.parametrize("reason", [REFRESH_REUSED, "removed_by_user"])
async def test_what_is_not_theirs_or_no_warning_is_left(world: World, reason: str) -> None:
    """Another User's, one that is none, one that never was."""
    grant = await warned(world, reason)
    grace = await world.signed_in(GRACE)
    world.forget()
    await dismiss_warning(grant.id, grace.user.id, world.ports, request_id="req-1")
    await dismiss_warning(
        GrantId("a value that must not get into the ledger"), grant.user_id, world.ports, request_id=""
    )
    if reason != REFRESH_REUSED:
        await dismiss_warning(grant.id, grant.user_id, world.ports, request_id="req-1")

    assert world.written == []
