"""Signing out at a service behind a gateway."""

from __future__ import annotations

import pytest

from broker.domain.errors import Refusal
from broker.flows.gateway_application import gateway_application
from broker.flows.gateways.leave import leave
from tests.flows.gateways.desk import DECLARED, DESK, a_pass, ask
from tests.flows.refusals import refusal
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def test_it_ends_the_session_for_everybody(world: World) -> None:
    """The broker's too, with a line in the ledger; a second time nothing is left to end."""
    cookie = await a_pass(world)
    application = await gateway_application(DESK, world.ports)
    world.forget()

    assert await leave(application, cookie, world.ports, request_id="req-leave") == "https://desk.example/"
    event = world.event()
    (session,) = world.store.tables.sessions.values()
    assert (event.action, event.application_id, event.object_id) == ("session.sign_out", "desk", session.id)
    assert session.ended_at is not None
    with refusal(Refusal, "not_signed_in"):
        await ask(world, cookie=cookie)

    world.forget()
    await leave(application, cookie, world.ports, request_id="req-leave")
    assert world.written == []


@pytest.mark.parametrize("cookie", [None, "", "x"])
async def test_who_has_no_pass_ends_nothing(world: World, cookie: str | None) -> None:
    """And goes where everybody goes: to what is registered for that, if anything is."""
    await a_pass(world)
    left = DECLARED[DESK] | {"post_logout_redirect_uris": ["https://desk.example/bye"]}
    await world.declare(applications=DECLARED | {DESK: left})
    world.forget()
    application = await gateway_application(DESK, world.ports)

    assert await leave(application, cookie, world.ports, request_id="req-leave") == "https://desk.example/bye"
    assert world.written == []
