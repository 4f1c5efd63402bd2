"""Which Applications are told that a Session has ended, on every kind of store: one row each, in the end's own unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from broker.domain import changes as c
from broker.domain.changes import Change
from broker.domain.errors import Conflict
from broker.domain.grant import CODE_LIFETIME
from broker.domain.ids import ApplicationId
from broker.domain.logout import KEPT_FOR, LogoutResult, PendingLogout
from broker.domain.user import UserStatus
from broker.flows.store import Store
from tests.storage import world as w

pytestmark = pytest.mark.anyio

LATER = w.NOW + CODE_LIFETIME
REPORTS, SILENT = ApplicationId("reports"), ApplicationId("silent")
ADA = w.user().id
ONE, TWO = w.session().id, w.session(number=2).id
SID = w.hashed("session of ada at Google")


async def inhabited(store: Store) -> None:
    """From Ada's first Session demo-app got two Grants and reports and silent one, from her second demo-app one.

    silent does not want to be told. A code for reports was not redeemed in time, Grace's neither.
    """
    silent = replace(w.application("silent"), backchannel_logout_uri=None)
    await store.write(*w.registered(), c.PutApplication(application=w.application("reports")))
    await store.write(c.PutApplication(application=silent))
    await store.write(*w.newcomer(), *w.newcomer("grace"))
    for name, number in (("ada", 1), ("ada", 2), ("grace", 1)):
        await store.write(c.AddSession(session=w.session(name, number=number)))
    used = [
        w.grant(number=1),
        w.grant(number=2),
        w.grant(number=3, application_id=REPORTS),
        w.grant(number=4, application_id=SILENT),
        w.grant(number=5, of=2),
    ]
    unused = [w.grant(number=6, application_id=REPORTS, of=2), w.grant("grace", application_id=REPORTS)]
    for grant in (*used, *unused):
        await store.write(c.AddGrant(grant=grant))
    for grant in used:
        await store.write(c.RedeemGrant(grant_id=grant.id, at=w.NOW, dpop_jkt=None))


async def told(store: Store) -> list[PendingLogout]:
    """All that is due, by Application."""
    found: list[PendingLogout] = []
    for application_id in await store.applications_to_tell(LATER):
        found += await store.due_logouts(application_id, LATER, 99)
    return found


def pending(about: str, application_id: ApplicationId = w.DEMO_APP) -> PendingLogout:
    return PendingLogout(
        about=about,
        application_id=application_id,
        user_id=ADA,
        session_id=None if "." in about else w.session(number=int(about[-1])).id,
        tries=0,
        next_try_at=LATER,
        created_at=LATER,
        result=LogoutResult.PENDING,
    )


FIRST, SECOND = [pending(ONE), pending(ONE, REPORTS)], [pending(TWO)]
BOTH = [pending(ONE), pending(TWO), pending(ONE, REPORTS)]
SUSPENDED = [pending(f"{ADA}.1"), pending(f"{ADA}.1", REPORTS)]

ENDING: Sequence[tuple[str, Change, list[PendingLogout]]] = [
    ("one", c.EndSession(session_id=ONE, user_id=ADA, at=LATER), FIRST),
    ("the others", c.EndOtherSessions(user_id=ADA, but=ONE, at=LATER), SECOND),
    ("a Connection's", c.EndSessionsOfConnection(connection_id=w.connection().id, at=LATER), BOTH),
    ("the Provider's", c.EndSessionsOfUpstream(upstream_sid=SID, connection_id=None, at=LATER), FIRST),
    (
        "the Provider's and nameless ones",
        c.EndSessionsOfUpstream(upstream_sid=w.hashed("x"), connection_id=w.connection().id, at=LATER),
        SECOND,
    ),
    ("a suspended User's", c.SetUserStatus(user_id=ADA, status=UserStatus.SUSPENDED, at=LATER), SUSPENDED),
]
NOT_ENDING: Sequence[Change] = [
    c.EndSession(session_id=ONE, user_id=w.user("grace").id, at=LATER),
    c.EndSession(session_id=w.session("grace").id, user_id=w.user("grace").id, at=LATER),
    c.EndSessionsOfUpstream(upstream_sid=w.hashed("x"), connection_id=None, at=LATER),
    c.RevokeGrant(grant_id=w.grant().id, reason="test", at=LATER),
    c.SetUserStatus(user_id=ADA, status=UserStatus.ACTIVE, at=LATER),
]


@pytest.mark.parametrize(("change", "expected"), [row[1:] for row in ENDING], ids=[row[0] for row in ENDING])
async def test_who_has_tokens_of_an_ended_session_is_told_once(
    store: Store, change: Change, expected: list[PendingLogout]
) -> None:
    """Each Application once for each Session, however many Grants it had of it; a second end tells nothing."""
    await inhabited(store)
    await store.write(change)
    assert await told(store) == expected

    await store.write(change)
    assert await told(store) == expected


async def test_nobody_is_told_where_nothing_ends(store: Store) -> None:
    """Somebody else's Session, one without tokens, one that is not known, a Grant, a User who stays."""
    await inhabited(store)
    for change in NOT_ENDING:
        await store.write(change)

    assert await told(store) == []


async def test_a_code_that_may_be_just_being_redeemed_counts(store: Store) -> None:
    """Whoever redeems it at this very moment does not see the end, nor the end the redemption."""
    await inhabited(store)
    await store.write(c.EndSession(session_id=TWO, user_id=ADA, at=LATER - 1))

    assert [one.application_id for one in await told(store)] == [w.DEMO_APP, REPORTS]


async def test_what_a_unit_did_before_is_seen(store: Store) -> None:
    """A Session that was touched, a code that was redeemed: on PostgreSQL that takes a transaction."""
    await inhabited(store)
    await store.write(
        c.TouchSession(session_id=TWO, at=LATER),
        c.RedeemGrant(grant_id=w.grant(number=6).id, at=LATER, dpop_jkt=None),
        c.EndSession(session_id=TWO, user_id=ADA, at=LATER),
    )
    assert [one.application_id for one in await told(store)] == [w.DEMO_APP, REPORTS]


async def test_a_user_who_is_suspended_again_is_told_of_again(store: Store) -> None:
    """The Sessions had not ended, and may have given tokens meanwhile."""
    await inhabited(store)
    for status in (UserStatus.SUSPENDED, UserStatus.ACTIVE, UserStatus.SUSPENDED):
        await store.write(c.SetUserStatus(user_id=ADA, status=status, at=LATER))

    abouts = [one.about for one in await told(store) if one.application_id == REPORTS]
    assert abouts == [f"{ADA}.1", f"{ADA}.3"]


async def test_a_write_that_fails_tells_nobody(store: Store) -> None:
    """The rows are there when the end is, and not before."""
    await inhabited(store)
    await store.write(w.attempt())
    with pytest.raises(Conflict):
        await store.write(c.EndSession(session_id=ONE, user_id=ADA, at=LATER), w.attempt())

    assert await told(store) == []


async def test_a_try_is_claimed_once_and_a_settled_row_is_left_alone(store: Store) -> None:
    """Claimed, it is due later; settled, never, and some days later it is forgotten. What waits is not."""
    await inhabited(store)
    await store.write(c.EndSession(session_id=ONE, user_id=ADA, at=LATER))
    claim = c.RetryLogout(about=ONE, application_id=REPORTS, expected_tries=0, next_try_at=LATER + 10)
    await store.write(claim)
    with pytest.raises(Conflict):
        await store.write(claim)
    assert await told(store) == [pending(ONE)]
    assert await store.due_logouts(REPORTS, LATER + 10, 9) == (
        replace(pending(ONE, REPORTS), tries=1, next_try_at=LATER + 10),
    )
    assert await store.due_logouts(REPORTS, LATER + 10, 0) == ()

    await store.write(c.SettleLogout(about=ONE, application_id=REPORTS, result=LogoutResult.REFUSED))
    assert await store.applications_to_tell(LATER + 10) == (w.DEMO_APP,)
    with pytest.raises(Conflict):
        await store.write(replace(claim, expected_tries=1))
    await store.forget_expired(LATER + KEPT_FOR - 1)
    with pytest.raises(Conflict):  # it is there still: an end that is told a second time would have no row to find
        await store.write(replace(claim, expected_tries=1))
    assert await store.due_logouts(w.DEMO_APP, LATER, 9) == (pending(ONE),)


async def test_whose_session_at_a_provider_it_was(store: Store) -> None:
    """By the keyed hash that the Session keeps."""
    await inhabited(store)

    assert await store.user_of_upstream(SID) == ADA
    assert await store.user_of_upstream(w.hashed("x")) is None
