"""What a User sees of the Applications with access: what works, what could come back, and what they have to know."""

from __future__ import annotations

import pytest

from broker.domain.errors import OAuthRefusal
from broker.domain.grant import CODE_LIFETIME, CODE_REUSED, REFRESH_REUSED, CodeMisused
from broker.domain.refresh_token import IDLE_LIFETIME, REPLAY_WITHIN
from broker.domain.session import IDLE_LIFETIME as SESSION_IDLE
from broker.domain.session_token import LIFETIME
from broker.flows.applications.dismiss import dismiss_warning
from broker.flows.applications.show import ShownAccess, show_access
from broker.flows.found import LiveSession
from broker.flows.sessions.end import end_sessions
from broker.flows.sign_in.authorize import Answered, authorize
from tests.flows.refusals import refusal
from tests.flows.setting import ACME, ADA, GLOBEX, GRACE, NOW, asked
from tests.flows.texts import answer_of
from tests.flows.world import World

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ada(world: World) -> LiveSession:
    """Ada, signed in to her own pages."""
    return await world.signed_in(ADA)


async def shown(world: World, of: LiveSession) -> dict[str, ShownAccess]:
    """By the Application's name."""
    found = await show_access(of.user.id, world.ports.store, world.ports.clock)
    return {one.application.id: one for one in found}


async def allowed(world: World, signed_in: LiveSession, **changes: str) -> str:
    """The code of the CRM, a third party's, which the User has just allowed."""
    answered = await authorize(asked("crm", **changes), signed_in, world.ports, allow=True, request_id="req-1")
    assert isinstance(answered, Answered)
    return answer_of(answered.url)["code"]


async def test_nothing_has_access_until_it_has_tokens(world: World, ada: LiveSession) -> None:
    """A code on its way is none; nor is what another User's Applications have."""
    await world.code()
    await world.redeem(await world.code(GRACE))

    assert await shown(world, ada) == {}


async def test_an_application_with_tokens_is_shown(world: World, ada: LiveSession) -> None:
    """For which Clients, since when, and when it was last used; in one read, and nothing is written."""
    await world.redeem(await world.code(organization="acme"))
    token = await world.refreshable()
    world.clock.advance(60)
    await world.refresh(token)
    world.forget()
    (demo,) = (await shown(world, ada)).values()

    assert (demo.application.name, demo.consent, demo.warnings, demo.has_access) == ("Demo", None, (), True)
    uses = {(live.clients, live.grant.is_offline, live.grant.created_at, live.last_used_at) for live in demo.live}
    assert uses == {((ACME,), False, NOW, NOW), ((ACME, GLOBEX), True, NOW, NOW + 60)}
    assert [call[0] for call in world.store.received] == ["access_of"]


async def test_access_ends_with_the_session_unless_it_is_offline(world: World, ada: LiveSession) -> None:
    """Idle, a Session is over by itself, and Applications that may go on while the person is away do so."""
    await world.redeem(await world.code(application="reports"), "reports")
    await world.refreshable()
    world.clock.advance(SESSION_IDLE)

    assert list(await shown(world, ada)) == ["demo-app"]


async def test_offline_access_ends_when_nobody_uses_it(world: World, ada: LiveSession) -> None:
    """With the last session JWT that could have come of it."""
    await world.refreshable()
    world.clock.advance(IDLE_LIFETIME + LIFETIME - 1)
    assert list(await shown(world, ada)) == ["demo-app"]
    world.clock.advance(1)

    assert await shown(world, ada) == {}


async def test_access_ends_where_the_person_signs_out(world: World, ada: LiveSession) -> None:
    """Offline or not."""
    token = await world.refreshable()
    (grant,) = world.store.tables.grants.values()
    await end_sessions(grant.session_id, ada, world.ports, request_id="req-1")

    assert await shown(world, ada) == {}
    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(token)


async def test_access_that_needs_an_authorization_is_gone_with_it(world: World, ada: LiveSession) -> None:
    """As every endpoint would answer."""
    await world.redeem(await world.code(application="reports"), "reports")
    await world.redeem(await world.code())
    await world.declare(clients={})
    access = await shown(world, ada)

    assert list(access) == ["demo-app"]
    assert access["demo-app"].live[0].clients == ()


async def test_a_third_party_stays_for_the_users_word(world: World, ada: LiveSession) -> None:
    """By which it may come back without asking, whether something of it works or not."""
    await world.redeem(await allowed(world, ada), "crm")
    (crm,) = (await shown(world, ada)).values()
    assert (len(crm.live), crm.consent is not None, crm.has_access) == (1, True, True)
    world.clock.advance(SESSION_IDLE)
    (crm,) = (await shown(world, ada)).values()

    assert (crm.live, crm.consent is not None, crm.has_access) == ((), True, True)
    assert set(crm.held.clients) == {ACME, GLOBEX}


async def test_who_allowed_it_for_once_is_shown_what_lives(world: World, ada: LiveSession) -> None:
    """For one Client alone no word is kept."""
    await world.redeem(await allowed(world, ada, organization="globex"), "crm")
    (crm,) = (await shown(world, ada)).values()

    assert (crm.consent, [live.clients for live in crm.live]) == (None, [(GLOBEX,)])


async def test_what_was_used_again_is_told_of_until_it_is_dismissed(world: World, ada: LiveSession) -> None:
    """G07-01, G06-05: of a refresh token, or a code, the User learns what the ledger knows; of a late code nothing."""
    token = await world.refreshable()
    await world.refresh(token)
    world.clock.advance(REPLAY_WITHIN)
    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(token)
    code = await world.code(application="reports")
    await world.redeem(code, "reports")
    with refusal(CodeMisused, "invalid_grant"):
        await world.redeem(code, "reports")
    late = await world.code()
    world.clock.advance(CODE_LIFETIME)
    with refusal(CodeMisused, "invalid_grant"):
        await world.redeem(late)
    demo, reports = (await shown(world, ada)).values()

    assert [(one.has_access, one.live) for one in (demo, reports)] == [(False, ())] * 2
    assert [(g.revoked_for, g.revoked_at) for g in demo.warnings] == [(REFRESH_REUSED, NOW + REPLAY_WITHIN)]
    assert [(g.revoked_for, g.revoked_at) for g in reports.warnings] == [(CODE_REUSED, NOW + REPLAY_WITHIN)]
    for one in (demo, reports):
        await dismiss_warning(one.warnings[0].id, ada.user.id, world.ports, request_id="req-1")
    assert await shown(world, ada) == {}
