"""What the feed is told by each Change, on every kind of store: one notice of everything that has really ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import pytest

from broker.domain import changes as c
from broker.domain.changes import Change
from broker.domain.changes.erasure import ALL_OF_USER
from broker.domain.connection import ConnectionStatus
from broker.domain.device_request import Decision
from broker.domain.errors import Conflict
from broker.domain.ids import DataKeyId, UserId
from broker.domain.logout import LogoutResult
from broker.domain.outbox import RevocationResult
from broker.domain.revocation import COMMITTED_WITHIN, IN_FORCE_FOR, KEY_IN_FORCE_FOR, Claim, Notice
from broker.domain.user import UserStatus
from broker.flows.store import Store
from tests.storage import world as w

pytestmark = pytest.mark.anyio

LATER = w.NOW + 60
UNTIL = LATER + IN_FORCE_FOR
ADA = w.user().id
AZN = w.authorization().id


def notice(claim: Claim, value: str, *, epoch: int | None = None, before: int | None = None) -> Notice:
    return Notice(claim=claim, value=value, epoch=epoch, before=before, until=UNTIL)


def of_rights(epoch: int, name: str = "ada") -> Notice:
    return notice(Claim.SUB, w.user(name).id, epoch=epoch)


async def inhabited(store: Store) -> None:
    """Ada acts for acme and globex; she has two Sessions, with a Grant each, and an invitation waits for Grace."""
    await store.write(*w.registered(), c.AddDataKey(key=w.system_key()))
    await store.write(*w.newcomer(), *w.newcomer("grace"))
    for number in (1, 2):
        await store.write(
            c.AddSession(session=w.session(number=number)), c.AddGrant(grant=w.grant(number=number, of=number))
        )
    for client in ("acme", "globex"):
        await store.write(c.AddAuthorization(authorization=w.authorization(client)))
        await store.write(c.BindAuthorization(authorization_id=w.authorization(client).id, user_id=ADA))
    await store.write(
        c.AddAuthorization(authorization=w.authorization("acme", "grace")),
        c.AddSigningKey(key=w.signing_key()),
        c.AddPendingRevocation(pending=w.pending()),
        c.AddDeviceRequest(request=w.device_request()),
    )


async def told(store: Store) -> list[Notice]:
    found = await store.revocations(0, 99)
    assert all(one.settled for one in found)
    assert [one.cursor for one in found] == sorted({one.cursor for one in found})
    return [one.notice for one in found]


async def epoch(store: Store, name: str = "ada") -> int:
    arrival = await store.arrival(w.GOOGLE, w.identity(name).hash, None, None)
    assert arrival.known is not None
    return arrival.known.user.epoch


OF_ADA = 2  # her epoch in that world: two invitations were bound
NARROWER = replace(w.client_org(), rights=frozenset({"reports:read"}))
DESTROYED = replace(w.connection(generation=2), status=ConnectionStatus.REVOKED, revoked_at=LATER)
A_NOTICE = Notice(claim=Claim.ORG, value="acme", before=LATER, until=LATER + 9)

ENDING: Sequence[tuple[Change, list[Notice]]] = [
    (c.EndSession(session_id=w.session().id, user_id=ADA, at=LATER), [notice(Claim.SID, "ses_ada_1")]),
    (c.EndOtherSessions(user_id=ADA, but=w.session().id, at=LATER), [notice(Claim.SID, "ses_ada_2")]),
    (
        c.EndSessionsOfConnection(connection_id=w.connection().id, at=LATER),
        [notice(Claim.SID, "ses_ada_1"), notice(Claim.SID, "ses_ada_2")],
    ),
    (
        c.EndSessionsOfUser(user_id=ADA, at=LATER),
        [notice(Claim.SID, "ses_ada_1"), notice(Claim.SID, "ses_ada_2")],
    ),
    (
        c.RevokeGrantsOf(application_id=w.DEMO_APP, user_id=ADA, reason="test", at=LATER),
        [notice(Claim.JTI, "gnt_ada_1"), notice(Claim.JTI, "gnt_ada_2")],
    ),
    (
        c.EndSessionsOfUpstream(upstream_sid=w.hashed("session of ada at Google"), connection_id=None, at=LATER),
        [notice(Claim.SID, "ses_ada_1")],
    ),
    (c.RevokeGrant(grant_id=w.grant().id, reason="test", at=LATER), [notice(Claim.JTI, "gnt_ada_1")]),
    (
        c.RemoveApplication(application_id=w.DEMO_APP, at=LATER),
        [notice(Claim.CLIENT_ID, "demo-app", before=LATER + COMMITTED_WITHIN)],
    ),
    (
        c.RevokeSigningKey(kid="key-1", at=LATER),
        [Notice(claim=Claim.KID, value="key-1", until=LATER + KEY_IN_FORCE_FOR)],
    ),
    (c.SetUserStatus(user_id=ADA, status=UserStatus.SUSPENDED, at=LATER), [of_rights(OF_ADA + 1)]),
    (c.SetRights(authorization_id=AZN, rights=frozenset(), at=LATER), [of_rights(OF_ADA + 1)]),
    (c.RemoveAuthorization(authorization_id=AZN, at=LATER), [of_rights(OF_ADA + 1)]),
    (c.RemoveClientOrg(client_org_id=w.ACME, at=LATER), [of_rights(OF_ADA + 1)]),
    (c.PutClientOrg(client_org=NARROWER, at=LATER), [of_rights(OF_ADA + 1)]),
    (c.Announce(notice=A_NOTICE), [A_NOTICE]),
]
NOBODY = UserId("usr_nobody")
NOT_ENDING: Sequence[Change] = [
    w.attempt(),
    c.TakeAssertion(assertion=w.hashed("assertion"), expires_at=LATER),
    w.pushed(),
    c.AddUser(user=w.user("eve")),
    c.Accept(acceptance=w.acceptance()),
    c.SetAccepted(user_id=w.user().id, accepted="versions"),
    c.PutChoice(choice=w.choice()),
    c.PutTombstone(user_id=w.user().id, at=w.NOW),
    c.SetEraseAt(user_id=w.user().id, erase_at=w.NOW),
    *(remove(user_id=NOBODY) for remove in ALL_OF_USER),
    c.AddIdentity(identity=w.identity(registration=w.CORP)),
    c.AddDataKey(key=w.data_key("eve")),
    c.RewrapDataKey(key=w.data_key(), expected_wrapped=w.data_key().wrapped),
    c.ReplaceDataKey(
        key=replace(w.data_key(), id=DataKeyId("dek_new")),
        expected_id=w.data_key().id,
        expected_wrapped=w.data_key().wrapped,
    ),
    c.AddConnection(connection=replace(w.connection(registration=w.CORP), identity_id=w.identity("eve").id)),
    c.ReplaceConnection(connection=DESTROYED, expected_generation=1),
    c.MarkConnection(connection_id=w.connection().id, expected_generation=1),
    c.AddSession(session=w.session(number=3)),
    c.RenewSession(session=replace(w.session(), secret=w.hashed("new")), expected_secret=w.session().secret),
    c.TouchSession(session_id=w.session().id, at=LATER),
    c.AddGrant(grant=w.grant(number=3)),
    c.RedeemGrant(grant_id=w.grant().id, at=LATER, dpop_jkt=w.KEY),
    c.RefreshGrant(grant_id=w.grant().id, expected_generation=0, generation=1, at=LATER),
    c.BindAuthorization(authorization_id=w.authorization("acme", "grace").id, user_id=ADA),
    c.PutApplication(application=replace(w.application(), name="Renamed")),
    c.AddAuthorization(authorization=w.authorization("globex", "grace")),
    c.DismissWarning(grant_id=w.grant().id, user_id=ADA, at=LATER),
    c.AddDeviceRequest(request=w.device_request(2)),
    c.PollDeviceRequest(id=w.device_request().id, at=LATER, interval=10),
    c.DecideDeviceRequest(id=w.device_request().id, decision=Decision.DENIED, at=LATER),
    c.PutConsent(consent=w.consent()),
    c.RelyOnConsent(consent=w.consent()),
    c.RemoveConsent(user_id=ADA, application_id=w.DEMO_APP),
    c.AddPendingRevocation(pending=w.pending(number=2)),
    c.RetryRevocation(id=w.pending().id, expected_tries=0, next_try_at=LATER),
    c.ResealRevocation(id=w.pending().id, sealed_token=b"anew"),
    c.SettleRevocation(id=w.pending().id, result=RevocationResult.REVOKED),
    c.RetryLogout(about=w.session().id, application_id=w.DEMO_APP, expected_tries=0, next_try_at=LATER),
    c.SettleLogout(about=w.session().id, application_id=w.DEMO_APP, result=LogoutResult.DELIVERED),
    c.AddSigningKey(key=w.signing_key("key-2", active=False)),
    c.PromoteSigningKey(kid="key-2", at=LATER),
    c.RetireSigningKey(kid="key-1", at=LATER),
    c.RemoveSigningKey(kid="key-3"),
    c.AddKeyCheck(name="lookup", value=w.hashed("known")),
    c.Record(event=w.event()),
    c.RememberReleased(grant_id=w.grant().id, expected=(), released=("email",)),
    c.AddLink(link=w.link()),
    c.AddLedgerHead(position=1, at=LATER, signed="signed"),
    c.PruneLedger(first=1, last=1, spared=frozenset()),
    c.PutHold(hold=w.hold()),
    c.RemoveHold(user_id=ADA),
    c.RequireNotHeld(user_id=ADA),
    c.RemoveGrantsOfSessions(session_ids=frozenset({w.session().id})),
    c.RemoveSessions(session_ids=frozenset({w.session(number=3).id})),
]


def test_every_change_is_here() -> None:
    """A new one which ends a right and tells nobody cannot come in unseen."""
    assert sorted([type(ending).__name__ for ending, _ in ENDING] + [type(other).__name__ for other in NOT_ENDING]) == (
        sorted(change.__name__ for change in get_args(Change))
    )


@pytest.mark.parametrize("companion", [False, True], ids=["alone", "in company"])
@pytest.mark.parametrize(("change", "expected"), ENDING, ids=lambda one: type(one).__name__)
async def test_what_ends_is_told_once(store: Store, change: Change, expected: list[Notice], companion: bool) -> None:
    """One notice for everything that has ended, however the Change travels, and none the second time."""
    await inhabited(store)
    # A Session that is touched first must be seen: on PostgreSQL that takes a transaction of several statements.
    company: list[Change] = [c.TouchSession(session_id=w.session().id, at=w.NOW + 1), c.Record(event=w.event())]
    await store.write(*(company if companion else []), change)

    assert sorted(await told(store), key=repr) == sorted(expected, key=repr)
    if not isinstance(change, c.Announce | c.RevokeSigningKey):  # of these, a second one is another one, or a conflict
        await store.write(change)
        assert len(await told(store)) == len(expected)
    assert await epoch(store) == max([OF_ADA, *(one.epoch for one in expected if one.epoch is not None)])


PREPARED: dict[type[Change], Change] = {
    c.AddConnection: c.AddIdentity(identity=replace(w.identity("eve"), user_id=ADA)),
    c.RelyOnConsent: c.PutConsent(consent=w.consent()),
    c.PromoteSigningKey: c.AddSigningKey(key=replace(w.signing_key("key-2", active=False), alg="RS256")),
    c.RetryLogout: c.EndSession(session_id=w.session().id, user_id=ADA, at=w.NOW),
    c.RemoveSigningKey: c.AddSigningKey(key=replace(w.signing_key("key-3", active=False), retired_at=w.NOW)),
}


@pytest.mark.parametrize("change", NOT_ENDING, ids=lambda change: type(change).__name__)
async def test_nothing_is_told_where_nothing_ends(store: Store, change: Change) -> None:
    """Whoever gets more, or something else, goes on with the tokens they have."""
    await inhabited(store)
    if type(change) in PREPARED:
        await store.write(PREPARED[type(change)])
    before = await told(store)
    await store.write(change)

    assert await told(store) == before
    assert await epoch(store) == (OF_ADA + 1 if isinstance(change, c.BindAuthorization) else OF_ADA)


@pytest.mark.parametrize(
    "change",
    [
        c.EndSession(session_id=w.session().id, user_id=w.user("grace").id, at=LATER),
        c.EndOtherSessions(user_id=w.user("grace").id, but=w.session().id, at=LATER),
        c.RevokeGrant(grant_id=w.grant(number=9).id, reason="test", at=LATER),
        c.EndSessionsOfUser(user_id=w.user("grace").id, at=LATER),
        c.RevokeGrantsOf(application_id=w.DEMO_APP, user_id=w.user("grace").id, reason="test", at=LATER),
        c.SetUserStatus(user_id=ADA, status=UserStatus.ACTIVE, at=LATER),
        c.SetRights(authorization_id=AZN, rights=w.authorization().rights, at=LATER),
        pytest.param(
            c.SetRights(authorization_id=w.authorization("acme", "grace").id, rights=frozenset(), at=LATER),
            id="SetRights of an invitation",
        ),
        c.RemoveAuthorization(authorization_id=w.authorization("acme", "grace").id, at=LATER),
        c.RemoveApplication(application_id=w.application("gone").id, at=LATER),
        c.PutClientOrg(client_org=replace(w.client_org(), name="Acme plc"), at=LATER),
    ],
    ids=lambda change: type(change).__name__,
)
async def test_what_did_not_end_is_not_told(store: Store, change: Change) -> None:
    """Somebody else's, one that is not there, rights that are the same, an invitation that nobody has taken."""
    await inhabited(store)
    await store.write(change)

    assert await told(store) == []
    assert await epoch(store) == OF_ADA


async def test_rights_that_change_twice_are_two_epochs(store: Store) -> None:
    """In one unit, too: none is told that is not the newest."""
    await inhabited(store)
    await store.write(
        c.SetRights(authorization_id=AZN, rights=frozenset(), at=LATER),
        c.RemoveAuthorization(authorization_id=w.authorization("globex").id, at=LATER),
    )

    assert await told(store) == [of_rights(OF_ADA + 1), of_rights(OF_ADA + 2)]
    assert await epoch(store) == OF_ADA + 2


async def test_a_client_that_goes_is_told_of_each_of_its_users(store: Store) -> None:
    """Once each, though one holds two Authorizations of it, and none of another Client's."""
    await inhabited(store)
    second = replace(w.authorization("acme", "work"), user_id=ADA)
    grace = w.authorization("acme", "grace").id
    await store.write(c.AddAuthorization(authorization=second))
    await store.write(c.BindAuthorization(authorization_id=grace, user_id=w.user("grace").id))
    await store.write(c.RemoveClientOrg(client_org_id=w.ACME, at=LATER))

    assert sorted(await told(store), key=repr) == [of_rights(OF_ADA + 1), of_rights(2, "grace")]


async def test_a_write_that_fails_tells_nothing(store: Store) -> None:
    """A notice is there when what it tells is, and not before."""
    await inhabited(store)
    await store.write(w.attempt())
    with pytest.raises(Conflict):
        await store.write(c.EndSession(session_id=w.session().id, user_id=ADA, at=LATER), w.attempt())

    assert await told(store) == []


async def test_notices_are_read_from_a_cursor_on(store: Store) -> None:
    """In their order, as many as asked for; those in force by the time, and the last of all."""
    assert (await store.revocations(0, 9), await store.revocations_in_force(0), await store.last_revocation()) == (
        (),
        (),
        0,
    )
    notices = [Notice(claim=Claim.SID, value=f"ses_{n}", until=w.NOW + n) for n in range(4)]
    for one in notices:
        await store.write(c.Announce(notice=one))
    found = await store.revocations(0, 9)

    assert [one.notice for one in found] == notices
    assert await store.revocations(found[1].cursor, 2) == found[1:3]
    assert await store.revocations(found[3].cursor + 1, 9) == ()
    assert await store.revocations_in_force(w.NOW + 1) == found[2:]
    assert await store.last_revocation() == found[3].cursor


async def test_a_notice_goes_when_its_tokens_have_expired(store: Store) -> None:
    """And its cursor is never given to another one."""
    for seconds in (1, 2):
        await store.write(c.Announce(notice=Notice(claim=Claim.SID, value=f"s{seconds}", until=w.NOW + seconds)))
    first, second = await store.revocations(0, 9)

    assert await store.forget_expired(w.NOW + 1) == 1
    assert await store.revocations(0, 9) == (second,)
    assert await store.forget_expired(w.NOW + 2) == 1
    await store.write(c.Announce(notice=first.notice))
    (third,) = await store.revocations(0, 9)
    assert third.cursor > second.cursor > first.cursor
