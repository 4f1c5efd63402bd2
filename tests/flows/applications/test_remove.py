"""A User takes an Application's access away: all of it, for good, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain.changes import AddGrant
from broker.domain.errors import Fault, NotFound, OAuthRefusal
from broker.domain.grant import CodeMisused
from broker.domain.ids import ApplicationId, GrantId, KeyedHash
from broker.domain.ledger import AuditEvent
from broker.domain.session import IDLE_LIFETIME
from broker.flows.applications.remove import remove_access
from broker.flows.applications.show import show_access
from broker.flows.found import LiveSession
from broker.flows.sign_in.authorize import Answered, ConsentNeeded, authorize
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, GRACE, NOW, asked
from tests.flows.texts import answer_of
from tests.flows.world import World

pytestmark = pytest.mark.anyio

CRM, DEMO = ApplicationId("crm"), ApplicationId("demo-app")
OFFLINE = "openid email offline_access"


async def allow(world: World, signed_in: LiveSession) -> str:
    """The refresh token of the CRM, a third party's, which this User has just allowed."""
    answered = await authorize(asked("crm", scope=OFFLINE), signed_in, world.ports, allow=True, request_id="req-1")
    assert isinstance(answered, Answered)
    tokens = await world.redeem(answer_of(answered.url)["code"], "crm")
    assert tokens.refresh_token is not None
    return tokens.refresh_token


async def remove(world: World, application_id: ApplicationId, of: LiveSession) -> None:
    """As the page does it."""
    world.forget()
    removed = await remove_access(application_id, of.user.id, world.ports, request_id="req-remove")
    assert removed.id == application_id


async def test_whatever_it_has_ends_and_it_has_to_ask_again(world: World) -> None:
    """Of every Session, also of one that was over by itself; with one line in the ledger."""
    old = await allow(world, await world.signed_in(ADA))
    world.clock.advance(IDLE_LIFETIME)
    ada = await world.signed_in(ADA)
    new = await allow(world, ada)
    await remove(world, CRM, ada)

    for token in (old, new):
        with refusal(OAuthRefusal, "invalid_grant"):
            await world.refresh(token, "crm")
    assert await show_access(ada.user.id, world.ports.store, world.ports.clock) == ()
    again = await authorize(asked("crm", scope=OFFLINE), ada, world.ports, request_id="req-1")
    assert isinstance(again, ConsentNeeded)
    assert {grant.revoked_for for grant in world.store.tables.grants.values()} == {"removed_by_user"}
    assert world.events()[:1] == [
        AuditEvent(
            at=NOW + IDLE_LIFETIME,
            action="access.remove",
            outcome="done",
            request_id="req-remove",
            user_id=ada.user.id,
            application_id=CRM,
        )
    ]


async def test_a_code_on_its_way_is_dead_too(world: World) -> None:
    """It would be tokens in a moment."""
    code = await world.code()
    await remove(world, DEMO, await world.signed_in(ADA))

    with refusal(CodeMisused, "invalid_grant"):
        await world.redeem(code)


async def test_what_comes_while_one_looks_ends_as_well(world: World) -> None:
    """A Grant that was made between the read and the write: the statement finds it."""
    token = await world.refreshable()
    ada = await world.signed_in(ADA)
    (grant,) = world.store.tables.grants.values()
    meanwhile = AddGrant(grant=replace(grant, id=GrantId("gnt_new"), code=KeyedHash("another")))
    world.store.before("write", lambda: world.store.write(meanwhile))
    await remove(world, DEMO, ada)

    assert {g.revoked_at for g in world.store.tables.grants.values()} == {NOW}
    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(token)


async def test_a_code_that_relied_on_the_consent_is_not_made_any_more(world: World) -> None:
    """The consent was read, and is taken back at that very moment: the Application has to come again, and to ask."""
    ada = await world.signed_in(ADA)
    await allow(world, ada)
    world.store.before("write", lambda: remove_access(CRM, ada.user.id, world.ports, request_id="req-remove"))
    with refusal(Fault, "contention"):
        await authorize(asked("crm", scope=OFFLINE), ada, world.ports, request_id="req-1")

    assert len(world.store.tables.grants) == 1
    again = await authorize(asked("crm", scope=OFFLINE), ada, world.ports, request_id="req-1")
    assert isinstance(again, ConsentNeeded)


async def test_other_people_and_other_applications_go_on(world: World) -> None:
    """Nothing of theirs is touched."""
    grace = await world.signed_in(GRACE)
    theirs, hers = await allow(world, grace), await world.refreshable(ADA)
    ada = await world.signed_in(ADA)
    await allow(world, ada)
    await remove(world, CRM, ada)

    await world.refresh(theirs, "crm")
    await world.refresh(hers)
    assert await world.ports.store.consent(grace.user.id, CRM) is not None


async def test_removing_twice_is_removing_once(world: World) -> None:
    """A double click is one line of the ledger."""
    ada = await world.signed_in(ADA)
    await allow(world, ada)
    await remove(world, CRM, ada)
    await remove(world, CRM, ada)

    assert world.written == []


@pytest.mark.parametrize("application", ["demo-app", "reports", "nobody", ""])
async def test_what_has_nothing_of_this_user_is_not_there(world: World, application: str) -> None:
    """Not even where it has something of another's."""
    await world.redeem(await world.code(GRACE))
    ada = await world.signed_in(ADA)
    world.forget()
    with refusal(NotFound, "not_found"):
        await remove_access(ApplicationId(application), ada.user.id, world.ports, request_id="req-1")

    assert world.written == []
