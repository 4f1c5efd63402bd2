"""The statement that refreshes: it uses a token up in the plain case, and in no other; every kind of store alike."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from broker.domain import changes as c
from broker.domain import refresh_token
from broker.domain.application import ApplicationType, GrantType
from broker.domain.changes import Change
from broker.domain.grant import REFRESH_LIFETIME
from broker.domain.ids import ApplicationId, GrantId, KeyedHash, RegistrationId
from broker.domain.refresh_token import IDLE_LIFETIME, PlainUse, RefreshToken, Standing
from broker.domain.user import UserStatus
from broker.flows.live_grant import ended, rights_of
from broker.flows.store import Store
from broker.storage.store import SqlStore
from tests.storage import world as w
from tests.storage.proxy import proxied, trips

pytestmark = pytest.mark.anyio

PUBLIC = replace(w.application(), type=ApplicationType.PUBLIC, secrets=(), public_keys=(), dpop=False)
GRANT = replace(w.grant(), scopes=("openid", "offline_access"), organization=None, redeemed_at=w.NOW, dpop_jkt=None)
USE = PlainUse(
    grant_id=GRANT.id,
    generation=0,
    application_id=PUBLIC.id,
    registrations=(w.CORP, w.GOOGLE),
    at=w.NOW + 60,
    request_id="req-2",
)
OTHER_APP = replace(PUBLIC, id=ApplicationId("other-app"))
REFRESHED = c.RefreshGrant(grant_id=GRANT.id, expected_generation=0, generation=1, at=w.NOW + 1)
_user, _session = w.user().id, w.session().id

NOT_PLAIN: dict[str, tuple[Change, ...]] = {
    "rotated": (REFRESHED,),
    "revoked": (c.RevokeGrant(grant_id=GRANT.id, reason="revoked_by_application", at=w.NOW),),
    "confidential": (c.PutApplication(application=w.application()),),
    "without_the_grant": (
        c.PutApplication(application=replace(PUBLIC, grants=frozenset({GrantType.AUTHORIZATION_CODE}))),
    ),
    "needing_proofs": (c.PutApplication(application=replace(PUBLIC, dpop=True)),),
    "for_the_authorized": (c.PutApplication(application=replace(PUBLIC, requires_authorization=True)),),
    "suspended": (c.SetUserStatus(user_id=_user, status=UserStatus.SUSPENDED, at=w.NOW),),
    "signed_out": (c.EndSession(session_id=_session, user_id=_user, at=w.NOW),),
}


async def filled(store: Store, **grant: object) -> None:
    """Ada has signed in for a public Application that may go on while she is away."""
    await store.write(*w.registered(), c.PutApplication(application=PUBLIC), c.PutApplication(application=OTHER_APP))
    await store.write(*w.newcomer(), c.AddSession(session=w.session()))
    await store.write(c.AddGrant(grant=replace(GRANT, **grant)))  # type: ignore[arg-type]


async def test_the_newest_token_is_used_up_and_recorded(store: Store) -> None:
    """What comes back is the Grant as it was; the line names everything that the flow's own line would."""
    await filled(store)
    answer = await store.use_plainly(USE)
    assert answer.used and answer.found is not None
    assert answer.found.grant == GRANT

    after = await store.grant(GRANT.id)
    assert after is not None and after.grant == replace(GRANT, generation=1, refreshed_at=USE.at)
    (event,) = await store.events(9)
    assert (event.at, event.action, event.outcome, event.reason, event.request_id) == (
        USE.at,
        "refresh",
        "done",
        "",
        "req-2",
    )
    assert (event.user_id, event.application_id, event.registration) == (_user, PUBLIC.id, w.GOOGLE)
    assert (event.client_org, event.object_id) == (None, GRANT.id)


async def test_what_is_demanded_has_to_be_accepted(store: Store) -> None:
    """Else the token is not used, and nothing is written; nothing else about it changes."""
    await filled(store)
    demanding = replace(USE, demanded="versions")
    for accepted in (None, "others"):
        if accepted is not None:
            await store.write(c.SetAccepted(user_id=_user, accepted=accepted))
        assert not (await store.use_plainly(demanding)).used
    assert await store.events(9) == ()

    await store.write(c.SetAccepted(user_id=_user, accepted="versions"))
    assert (await store.use_plainly(demanding)).used


@pytest.mark.parametrize("case", NOT_PLAIN)
async def test_in_no_other_case_is_it_used(store: Store, case: str) -> None:
    """It is read all the same, and nothing is written."""
    await filled(store)
    await store.write(*NOT_PLAIN[case])
    before = await store.grant(GRANT.id)
    answer = await store.use_plainly(USE)

    assert (answer.used, answer.found) == (False, before)
    assert await store.grant(GRANT.id) == before
    assert await store.events(9) == ()


@pytest.mark.parametrize(
    "use",
    [
        replace(USE, generation=1),
        replace(USE, application_id=OTHER_APP.id),
        replace(USE, registrations=(w.CORP, RegistrationId(f"{w.GOOGLE}2"))),
        replace(USE, registrations=()),
        replace(USE, at=w.NOW + IDLE_LIFETIME),
        replace(USE, at=w.NOW + REFRESH_LIFETIME),
    ],
    ids=["of_the_future", "another_application", "provider_gone", "no_provider", "idle", "expired"],
)
async def test_a_token_that_is_not_good_is_not_used(store: Store, use: PlainUse) -> None:
    """Whoever presents it."""
    await filled(store)
    answer = await store.use_plainly(use)

    assert not answer.used and answer.found is not None
    assert answer.found.grant == GRANT


@pytest.mark.parametrize(
    "grant", [{"organization": w.ACME}, {"scopes": ("openid",)}, {"redeemed_at": None}, {"dpop_jkt": w.KEY}]
)
async def test_a_grant_that_is_not_plain_is_not_used(store: Store, grant: dict[str, object]) -> None:
    """Narrowed to a Client, not for the time when one is away, not even redeemed, or bound to a key."""
    await filled(store, **grant)

    assert not (await store.use_plainly(USE)).used


async def test_it_lives_to_the_last_second(store: Store) -> None:
    """Idle since it was redeemed, or since the last use."""
    await filled(store)
    assert (await store.use_plainly(replace(USE, at=w.NOW + IDLE_LIFETIME - 1))).used
    last = w.NOW + 2 * (IDLE_LIFETIME - 1)

    assert (await store.use_plainly(replace(USE, generation=1, at=last))).used


async def test_an_unknown_grant_is_nothing(store: Store) -> None:
    """And changes nothing."""
    answer = await store.use_plainly(replace(USE, grant_id=GrantId("gnt_nobody")))

    assert (answer.used, answer.found) == (False, None)


@pytest.mark.parametrize("case", ["plain", *NOT_PLAIN])
async def test_what_is_used_is_what_the_rules_would_allow(store: Store, case: str) -> None:
    """Nothing is used up that the domain would refuse."""
    await filled(store)
    await store.write(*NOT_PLAIN.get(case, ()))
    answer = await store.use_plainly(USE)
    assert answer.found is not None
    token = RefreshToken(grant_id=GRANT.id, generation=USE.generation, proof="")
    newest = refresh_token.standing(token, answer.found.grant, USE.at) is Standing.NEWEST
    alive = ended(answer.found, rights_of(answer.found), USE.at) is None

    assert not answer.used or (newest and alive and refresh_token.rotates(answer.found.application))


async def test_of_many_at_once_one_uses_it(sql_store: SqlStore) -> None:
    """The others see that they have not."""
    await filled(sql_store)
    answers = await asyncio.gather(*(sql_store.use_plainly(USE) for _ in range(32)))

    assert [answer.used for answer in answers].count(True) == 1
    after = await sql_store.grant(GRANT.id)
    assert after is not None and after.grant.generation == 1
    assert len(await sql_store.events(9)) == 1


async def test_it_is_one_round_trip(postgres_store_url: str) -> None:
    """With the commit."""
    async with proxied(postgres_store_url) as proxy, SqlStore(proxy.url) as store:
        await filled(store)
        await store.use_plainly(replace(USE, generation=7))

        assert await trips(proxy, lambda: store.use_plainly(USE)) == 1
        assert not (await store.use_plainly(USE)).used


MANY = 20


def use_of(number: int) -> PlainUse:
    """Of one of many Grants. Each is asked for by its own request."""
    return replace(USE, grant_id=GrantId(f"gnt_{number}"), request_id=f"req-{number}")


async def many(store: Store) -> None:
    """So many Grants; each third one was revoked."""
    await filled(store)
    for number in range(MANY):
        grant = replace(GRANT, id=use_of(number).grant_id, code=KeyedHash(f"code-{number}"))
        await store.write(c.AddGrant(grant=grant))
        if number % 3 == 0:
            await store.write(c.RevokeGrant(grant_id=grant.id, reason="revoked_by_application", at=w.NOW))


async def test_of_many_at_once_each_is_used_or_not_by_itself(store: Store) -> None:
    """Each answer is about its own Grant, and each line of the ledger names its own request; one is of no Grant."""
    await many(store)
    answers = await asyncio.gather(*(store.use_plainly(use_of(number)) for number in range(MANY + 1)))

    good = [number for number in range(MANY) if number % 3]
    assert [number for number, answer in enumerate(answers) if answer.used] == good
    assert [None if one.found is None else one.found.grant.id for one in answers] == [
        *(use_of(number).grant_id for number in range(MANY)),
        None,
    ]
    for number in range(MANY):
        after = await store.grant(use_of(number).grant_id)
        assert after is not None and after.grant.generation == (1 if number in good else 0)
    lines = {event.object_id: event.request_id for event in await store.events(99) if event.action == "refresh"}
    assert lines == {use_of(number).grant_id: f"req-{number}" for number in good}


async def test_many_at_once_are_one_statement(postgres_store_url: str) -> None:
    """And one commit."""
    async with proxied(postgres_store_url) as proxy, SqlStore(proxy.url) as store:
        await many(store)
        await store.use_plainly(replace(USE, generation=7))

        assert await trips(proxy, lambda: asyncio.gather(*map(store.use_plainly, map(use_of, range(MANY))))) == 1


async def test_two_processes_that_take_the_same_ones_do_not_hold_each_other_up(postgres_store_url: str) -> None:
    """In whatever order they are asked: each token is used once."""
    async with SqlStore(postgres_store_url) as one, SqlStore(postgres_store_url) as other:
        await many(one)
        for generation in range(10):
            uses = [replace(use_of(number), generation=generation) for number in range(MANY)]
            answers = await asyncio.gather(*map(one.use_plainly, uses), *map(other.use_plainly, reversed(uses)))
            used = [answer.found.grant.id for answer in answers if answer.used and answer.found is not None]
            assert sorted(used) == sorted(use.grant_id for number, use in enumerate(uses) if number % 3)
