"""What comes of a return when somebody else writes between what it reads and what it writes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain.changes import RemoveAuthorization, ReplaceConnection, SetUserStatus
from broker.domain.connection import ConnectionStatus
from broker.domain.errors import Fault, Refusal
from broker.domain.request_refused import RequestRefused
from broker.domain.user import UserStatus
from broker.flows.connections.revoke import revoke
from broker.flows.sessions.resume import resume
from broker.flows.sign_in.finish import LEASE_SECONDS
from tests.flows.refusals import refusal
from tests.flows.setting import ACME, ADA, ADA_AT_CORP, GLOBEX, GRACE, NOW
from tests.flows.texts import answer_of
from tests.flows.world import World

pytestmark = pytest.mark.anyio

ADA_ANEW = replace(ADA, subject="107691504500061815009")
"""Whoever has Ada's address now, with another account at Google."""


async def move_on(world: World) -> None:
    """Somebody else writes Ada's Connection."""
    found = (await world.connection()).connection
    moved = replace(found, generation=found.generation + 1)
    await world.store.write(ReplaceConnection(connection=moved, expected_generation=found.generation))


async def test_two_first_sign_ins_at_once_are_one_user(world: World) -> None:
    """One User, one Identity, one Connection; both browsers are signed in, and each is a line of the ledger."""
    world.store.before("write", lambda: world.sign_in(ADA))
    finished = await world.sign_in(ADA)

    tables = world.store.tables
    assert (len(tables.users), len(tables.identities), len(tables.connections)) == (1, 1, 1)
    assert len(tables.sessions) == 2
    assert {a.user_id for a in tables.authorizations.values() if a.client_org == ACME} == set(tables.users)
    assert (await world.connection()).connection.generation == 2
    assert [event.action for event in world.events()] == ["sign_in.finish", "sign_in.finish"]
    await world.session_of(finished)


async def test_the_loser_of_two_first_sign_ins_keeps_the_winners_refresh_token(world: World) -> None:
    """It came with the first consent only."""
    world.store.before("write", lambda: world.sign_in(ADA))
    await world.sign_in(ADA)

    tokens = await world.tokens()
    first, second = world.upstream.issued
    assert tokens is not None
    # The browser that lost had its tokens first.
    assert (tokens.access_token, tokens.refresh_token) == (first.access_token, first.refresh_token)
    assert second.refresh_token is None
    assert world.upstream.revocations == []


async def test_the_second_of_two_renewals_keeps_what_the_first_wrote(world: World) -> None:
    """The generation has moved on: it is decided afresh, on top of the other."""
    await world.sign_in(ADA)
    world.store.before("write", lambda: world.sign_in(ADA))
    await world.sign_in(ADA)

    tokens = await world.tokens()
    assert tokens is not None
    assert tokens.access_token == world.upstream.issued[1].access_token
    assert tokens.refresh_token == world.upstream.issued[0].refresh_token
    assert (await world.connection()).connection.generation == 3


async def test_an_invitation_taken_meanwhile_is_not_taken_twice(world: World) -> None:
    """Another account with the same address was quicker: this one is refused, and its tokens are ended."""
    world.store.before("write", lambda: world.sign_in(ADA))

    with refusal(Refusal, "subject_changed"):
        await world.sign_in(ADA_ANEW)
    assert len(world.store.tables.users) == 1
    assert not world.upstream.lives(world.upstream.issued[0])
    assert world.upstream.lives(world.upstream.issued[1])


async def test_an_invitation_removed_meanwhile_is_not_taken(world: World) -> None:
    """The sign-in goes on without it."""
    (of_acme,) = [a for a in world.store.tables.authorizations.values() if a.client_org == ACME]
    world.store.before(
        "write", lambda: world.store.write(RemoveAuthorization(authorization_id=of_acme.id, at=world.clock.now()))
    )
    await world.sign_in(ADA)

    assert {a.client_org for a in world.store.tables.authorizations.values() if a.user_id is not None} == {GLOBEX}


@pytest.mark.parametrize("method", ["arrival", "write"])
@pytest.mark.parametrize("waits", [False, True], ids=["nobody waits", "an application waits"])
async def test_the_same_callback_twice_at_once_redeems_one_code(world: World, method: str, waits: bool) -> None:
    """G01-05: the second is refused before the Provider is asked, who might end the first one's tokens; here, and not
    at the Application, which gets its answer from the first."""
    trip = await world.begin(ADA, await world.request() if waits else None)

    async def second() -> None:
        with refusal(Refusal, "used_state"):
            await world.come_back(trip, ADA)

    world.store.before(method, second)
    await world.session_of(await world.come_back(trip, ADA))

    assert len(world.upstream.exchanges) == 1
    assert len(world.store.tables.grants) == waits
    assert len(world.events()) == 1


async def test_who_failed_may_try_again_at_once(world: World) -> None:
    """Where the Provider did not answer, the same callback is good still."""
    trip = await world.begin(ADA)
    callback = world.upstream.allow(trip.url, ADA)
    world.upstream.down = True
    with refusal(Fault, "provider_unavailable"):
        await world.come_back(trip, callback)
    world.upstream.down = False

    await world.session_of(await world.come_back(trip, callback))


@pytest.mark.parametrize("after", [LEASE_SECONDS - 1, LEASE_SECONDS])
async def test_who_died_on_the_way_is_not_waited_for_long(world: World, after: int) -> None:
    """A process that was killed lets go of nothing."""
    trip = await world.begin(ADA)
    attempt = world.ports.secrets.open_attempt(trip.cookie)
    assert attempt is not None
    await world.store.take_lease(f"callback {attempt.id}", "killed", world.clock.now(), LEASE_SECONDS)
    world.clock.advance(after)

    if after < LEASE_SECONDS:
        with refusal(Refusal, "used_state"):
            await world.come_back(trip, ADA)
    else:
        await world.session_of(await world.come_back(trip, ADA))


async def test_an_attempt_taken_meanwhile_is_refused(world: World) -> None:
    """Whatever leases say: one Session; the tokens that the other one keeps are left alone."""
    trip = await world.begin(ADA)
    world.store.before("arrival", world.forget_leases)
    world.store.before("write", lambda: world.come_back(trip, ADA))

    with refusal(Refusal, "used_state"):
        await world.come_back(trip, ADA)
    assert len(world.store.tables.sessions) == 1
    assert len(world.events()) == 1
    assert world.upstream.revocations == []


async def test_an_attempt_taken_meanwhile_is_refused_here_though_an_application_waits(world: World) -> None:
    """It got its code from the other one; a second answer to one request would only confuse it."""
    trip = await world.begin(ADA, await world.request())
    world.store.before("arrival", world.forget_leases)
    world.store.before("write", lambda: world.come_back(trip, ADA))

    with refusal(Refusal, "used_state"):
        await world.come_back(trip, ADA)
    assert len(world.store.tables.grants) == 1


async def test_a_connection_revoked_meanwhile_begins_anew(world: World) -> None:
    """Coming back is what the person did last; but nothing of what was destroyed returns."""
    ada = await world.signed_in(ADA)
    before = (await world.connection()).connection
    world.clock.advance(60)
    world.store.before("write", lambda: revoke(before.id, ada.user.id, world.ports, request_id="req-revoke"))
    finished = await world.sign_in(ADA)

    after, tokens = (await world.connection()).connection, await world.tokens()
    assert (after.id, after.status, after.generation) == (before.id, ConnectionStatus.ACTIVE, 3)
    assert (after.created_at, after.revoked_at) == (NOW + 60, None)
    assert tokens is not None
    assert (tokens.access_token, tokens.refresh_token) == (world.upstream.issued[1].access_token, None)
    assert {attribute.since for attribute in await world.kept()} == {NOW + 60}
    await world.session_of(finished)


async def test_an_account_connected_by_somebody_else_meanwhile_stays_theirs(world: World) -> None:
    """And their tokens live on."""
    ada, grace = await world.signed_in(ADA), await world.signed_in(GRACE)
    world.store.before("write", lambda: world.connect(ADA_AT_CORP, grace))

    with refusal(Refusal, "identity_in_use"):
        await world.connect(ADA_AT_CORP, ada)
    assert [found.connection.user_id for found in await world.connections(ADA_AT_CORP)] == [grace.user.id] * 2
    assert world.upstream.revocations == []


async def test_a_user_switched_off_meanwhile_has_a_session_that_opens_nothing(world: World) -> None:
    """Whoever looks at it looks at the User too."""
    ada = await world.signed_in(ADA)
    off = SetUserStatus(user_id=ada.user.id, status=UserStatus.SUSPENDED, at=world.clock.now())
    world.store.before("write", lambda: world.store.write(off))
    finished = await world.sign_in(ADA)

    assert await resume(finished.session_cookie, world.ports) is None


async def test_a_race_that_never_ends_is_given_up(world: World) -> None:
    """With nothing written and no token ended: the one who was quicker may keep them."""
    await world.sign_in(ADA)
    world.forget()
    world.store.always_before("write", lambda: move_on(world))

    with refusal(Fault, "contention"):
        await world.sign_in(ADA)
    assert world.events() == []
    assert world.upstream.revocations == []


async def test_a_race_won_after_a_few_tries_is_won(world: World) -> None:
    """The lost ones leave no trace."""
    await world.sign_in(ADA)
    world.forget()
    for _ in range(3):
        world.store.before("write", lambda: move_on(world))
    await world.sign_in(ADA)

    assert (await world.connection()).connection.generation == 5
    # Moved on without being sealed anew, what was kept before does not open.
    assert [event.action for event in world.events()] == ["vault.open", "sign_in.finish"]


async def test_an_application_that_waits_is_told_of_the_contention(world: World) -> None:
    """Trying again may help it."""
    await world.sign_in(ADA)
    world.store.always_before("write", lambda: move_on(world))

    with refusal(RequestRefused, "temporarily_unavailable") as caught:
        await world.sign_in(ADA, await world.request())
    assert caught.value.reason == "contention"


async def test_a_code_decided_afresh_is_the_one_that_works(world: World) -> None:
    """The Application gets one code, and it can be redeemed."""
    world.store.before("write", lambda: world.sign_in(ADA))
    finished = await world.sign_in(ADA, await world.request())

    assert len(world.store.tables.grants) == 1
    assert (await world.redeem(answer_of(finished.url)["code"])).scope == "openid email profile"
