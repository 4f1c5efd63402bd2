"""Each Change, on every kind of store: what it does, and when it is a conflict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from broker.domain import changes as c
from broker.domain.acceptance import Accepted
from broker.domain.changes import Change
from broker.domain.connection import ConnectionStatus
from broker.domain.device_request import Decision
from broker.domain.errors import Conflict
from broker.domain.ids import (
    ApplicationId,
    AuthorizationId,
    ConnectionId,
    DataKeyId,
    DeviceRequestId,
    GrantId,
    IdentityId,
    KeyThumbprint,
    SessionId,
    UserId,
)
from broker.domain.outbox import RevocationResult
from broker.domain.user import UserStatus
from broker.flows.store import Store
from tests.storage import world as w

pytestmark = pytest.mark.anyio

LATER = w.NOW + 60


async def lost(store: Store, *changes: Change) -> str:
    """Which Change lost."""
    with pytest.raises(Conflict) as conflict:
        await store.write(*changes)
    return conflict.value.what


async def signed_in(store: Store) -> None:
    """Ada is known, signed in, and has a Grant."""
    await store.write(*w.registered())
    await store.write(*w.newcomer())
    await store.write(c.AddSession(session=w.session()), c.AddGrant(grant=w.grant()))
    await store.write(c.AddDeviceRequest(request=w.device_request()))


async def test_nothing_to_write_is_written(store: Store) -> None:
    """An empty unit is no error."""
    await store.write()


async def test_a_first_sign_in_is_written_as_one(store: Store) -> None:
    """All that it writes is there afterwards."""
    await store.write(*w.invited())
    await store.write(*w.first_sign_in())
    found = await store.grant(w.grant().id)

    assert found is not None
    assert found.grant == w.grant()
    assert found.held.authorizations == (w.authorization(bound=True),)
    assert (await store.attempt(w.attempt().attempt_id, None)).taken
    assert await store.events(10) == (w.event(),)


async def test_an_attempt_is_taken_once(store: Store) -> None:
    """A callback that comes twice finishes nothing the second time."""
    await store.write(w.attempt())

    assert await lost(store, w.attempt()) == "TakeAttempt"


async def test_an_assertion_is_taken_once(store: Store) -> None:
    """By which an Application proved itself; it is forgotten when it would have expired."""
    taken = c.TakeAssertion(assertion=w.hashed("assertion"), expires_at=w.NOW + 60)
    await store.write(taken)
    assert await lost(store, taken) == "TakeAssertion"

    await store.forget_expired(w.NOW + 59)
    assert await lost(store, taken) == "TakeAssertion"
    await store.forget_expired(w.NOW + 60)
    await store.write(taken)


async def test_of_two_takings_in_one_write_the_lost_one_is_told(store: Store) -> None:
    """A return for a pushed request takes that and its attempt; which of them was late decides the answer."""
    await store.write(w.attempt(1), w.pushed(1))
    assert (await store.attempt(w.pushed(1).request_id, w.DEMO_APP)).taken

    assert await lost(store, w.attempt(2), w.pushed(1)) == "TakePushedRequest"
    assert await lost(store, w.attempt(1), w.pushed(2)) == "TakeAttempt"
    await store.write(w.attempt(2), w.pushed(2))


async def test_a_lost_attempt_is_told_before_every_other_loss(store: Store) -> None:
    """A callback sent twice loses in several places, and only the attempt says that it was sent twice."""
    await store.write(*w.invited())
    await store.write(*w.first_sign_in())

    assert await lost(store, *w.first_sign_in()) == "TakeAttempt"


async def test_a_users_status_can_be_set_again_and_again(store: Store) -> None:
    """Switching off and on again, and of nobody."""
    await signed_in(store)
    for status in (UserStatus.SUSPENDED, UserStatus.SUSPENDED, UserStatus.ACTIVE):
        await store.write(c.SetUserStatus(user_id=w.user().id, status=status, at=LATER))
        found = await store.session(w.session().secret)

        assert found is not None
        assert found.user.status is status
        assert await store.user(w.user().id) == found.user
    await store.write(c.SetUserStatus(user_id=UserId("usr_nobody"), status=UserStatus.SUSPENDED, at=LATER))


TAKEN: dict[str, Change] = {
    "user": c.AddUser(user=w.user()),
    "identity": c.AddIdentity(identity=w.identity()),
    "identity by its hash": c.AddIdentity(identity=replace(w.identity(), id=IdentityId("idn_other"))),
    "data key": c.AddDataKey(key=w.data_key()),
    "data key by its owner": c.AddDataKey(key=replace(w.data_key(), id=DataKeyId("dek_other"))),
    "data key by its id": c.AddDataKey(key=replace(w.data_key(), owner="usr_other")),
    "connection": c.AddConnection(connection=w.connection()),
    "connection by its identity": c.AddConnection(connection=replace(w.connection(), id=ConnectionId("con_other"))),
    "session": c.AddSession(session=w.session()),
    "session by its secret": c.AddSession(session=replace(w.session(), id=SessionId("ses_other"))),
    "grant": c.AddGrant(grant=w.grant()),
    "device request": c.AddDeviceRequest(request=w.device_request()),
    "device request by its device code": c.AddDeviceRequest(
        request=replace(w.device_request(2), device_code=w.device_request().device_code)
    ),
    "device request by its user code": c.AddDeviceRequest(
        request=replace(w.device_request(2), user_code=w.device_request().user_code)
    ),
    "grant by its code": c.AddGrant(grant=replace(w.grant(), id=GrantId("gnt_other"))),
}


@pytest.mark.parametrize("what", TAKEN)
async def test_what_must_be_new_is_refused_when_it_is_not(store: Store, what: str) -> None:
    """By its id, and by each other key that is unique."""
    await signed_in(store)

    assert await lost(store, TAKEN[what]) == type(TAKEN[what]).__name__


ORPHANS: dict[str, Change] = {
    "identity": c.AddIdentity(identity=w.identity("nobody")),
    "connection": c.AddConnection(connection=replace(w.connection("nobody"), identity_id=w.identity().id)),
    "session": c.AddSession(session=w.session("nobody")),
    "grant of a session": c.AddGrant(grant=w.grant(number=2, of=9)),
    "grant of an application": c.AddGrant(grant=replace(w.grant(number=2), application_id=ApplicationId("gone"))),
    "device request": c.AddDeviceRequest(request=replace(w.device_request(2), application_id=ApplicationId("gone"))),
    "authorization": c.AddAuthorization(authorization=w.authorization("gone")),
    "binding": c.BindAuthorization(authorization_id=w.authorization().id, user_id=UserId("usr_nobody")),
    "acceptance": c.Accept(acceptance=w.acceptance("nobody")),
    "choice": c.PutChoice(choice=w.choice(name="nobody")),
    "consent": c.PutConsent(consent=w.consent("nobody")),
    "pending revocation": c.AddPendingRevocation(pending=w.pending("nobody")),
}


@pytest.mark.parametrize("what", ORPHANS)
async def test_what_refers_to_something_gone_lost_the_race_against_its_removal(store: Store, what: str) -> None:
    """No row is ever left that refers to nothing."""
    await signed_in(store)
    await store.write(c.AddAuthorization(authorization=w.authorization()))

    assert await lost(store, ORPHANS[what]) == type(ORPHANS[what]).__name__


async def test_a_connection_is_replaced_as_a_whole(store: Store) -> None:
    """Every column, and the generation with it."""
    await signed_in(store)
    after = replace(
        w.connection(generation=2),
        status=ConnectionStatus.REVOKED,
        sealed_attributes=None,
        sealed_tokens=None,
        granted_scopes=frozenset(),
        last_used_at=LATER,
        revoked_at=LATER,
    )
    await store.write(c.ReplaceConnection(connection=after, expected_generation=1))
    found = await store.connection(after.id)

    assert found is not None
    assert found.connection == after


@pytest.mark.parametrize("expected", [0, 2])
async def test_a_connection_of_another_generation_is_not_replaced(store: Store, expected: int) -> None:
    """Somebody else wrote it meanwhile."""
    await signed_in(store)
    after = w.connection(generation=expected + 1)

    assert await lost(store, c.ReplaceConnection(connection=after, expected_generation=expected)) == "ReplaceConnection"
    found = await store.connection(after.id)
    assert found is not None
    assert found.connection == w.connection()


async def test_a_connection_that_is_not_there_is_not_replaced(store: Store) -> None:
    """As one of another generation."""
    change = c.ReplaceConnection(connection=w.connection(), expected_generation=1)

    assert await lost(store, change) == "ReplaceConnection"


async def test_a_connection_is_marked_once(store: Store) -> None:
    """Its status alone changes; not that of one which was marked or revoked, or written meanwhile."""
    await signed_in(store)
    mark = c.MarkConnection(connection_id=w.connection().id, expected_generation=1)
    assert await lost(store, replace(mark, expected_generation=2)) == "MarkConnection"
    assert await lost(store, replace(mark, connection_id=ConnectionId("con_never"))) == "MarkConnection"
    await store.write(mark)
    found = await store.connection(w.connection().id)

    assert found is not None
    assert found.connection == replace(w.connection(), status=ConnectionStatus.NEEDS_REAUTH)
    assert await lost(store, mark) == "MarkConnection"


async def test_a_session_is_touched_forwards_only(store: Store) -> None:
    """Two requests at once may arrive in the other order."""
    await signed_in(store)
    await store.write(c.TouchSession(session_id=w.session().id, at=LATER))
    await store.write(c.TouchSession(session_id=w.session().id, at=w.NOW))
    found = await store.session(w.session().secret)

    assert found is not None
    assert found.session == replace(w.session(), last_seen_at=LATER)


def renewal(number: int = 1, **changes: Any) -> c.RenewSession:
    """Of a Session of Ada's, in another browser version, an hour later."""
    session = replace(
        w.session(number=number),
        secret=w.hashed("anew"),
        auth_time=LATER,
        last_seen_at=LATER,
        browser="Firefox on Haiku",
        upstream_sid=w.hashed("upstream anew"),
    )
    return replace(c.RenewSession(session=session, expected_secret=w.session(number=number).secret), **changes)


async def test_a_session_is_renewed_as_a_whole(store: Store) -> None:
    """Under its old cookie nobody finds it."""
    await signed_in(store)
    await store.write(renewal())
    found = await store.session(w.hashed("anew"))

    assert found is not None
    assert found.session == renewal().session
    assert await store.session(w.session().secret) is None


async def test_a_session_is_renewed_by_one(store: Store) -> None:
    """Not where another tab has renewed it, nor where it has ended, nor one that is not there."""
    await signed_in(store)
    assert await lost(store, renewal(expected_secret=w.hashed("another"))) == "RenewSession"
    assert await lost(store, renewal(number=2)) == "RenewSession"
    await store.write(c.EndSession(session_id=w.session().id, user_id=w.user().id, at=LATER))

    assert await lost(store, renewal()) == "RenewSession"


async def ends(store: Store) -> dict[str, int | None]:
    """When each of four Sessions ended: Ada's three, of which the third is through another Connection, and Grace's."""
    sessions = [w.session(number=1), w.session(number=2), w.session(number=3), w.session("grace")]
    found = [await store.session(s.secret) for s in sessions]
    return {str(f.session.id): f.session.ended_at for f in found if f is not None}


async def four_sessions(store: Store) -> None:
    await signed_in(store)
    await store.write(*w.newcomer("grace"))
    other = w.identity(registration=w.CORP)
    await store.write(c.AddIdentity(identity=other), c.AddConnection(connection=w.connection(registration=w.CORP)))
    through_corp = replace(w.session(number=3), connection_id=w.connection(registration=w.CORP).id)
    await store.write(
        c.AddSession(session=w.session(number=2)),
        c.AddSession(session=through_corp),
        c.AddSession(session=w.session("grace")),
    )


async def test_one_session_is_ended(store: Store) -> None:
    """And stays ended as it was, when it is ended again."""
    await four_sessions(store)
    await store.write(c.EndSession(session_id=w.session().id, user_id=w.user().id, at=LATER))
    await store.write(c.EndSession(session_id=w.session().id, user_id=w.user().id, at=LATER + 1))

    assert await ends(store) == {"ses_ada_1": LATER, "ses_ada_2": None, "ses_ada_3": None, "ses_grace_1": None}


async def test_another_users_session_is_not_ended(store: Store) -> None:
    """The id alone does not suffice."""
    await four_sessions(store)
    await store.write(c.EndSession(session_id=w.session().id, user_id=w.user("grace").id, at=LATER))

    assert set((await ends(store)).values()) == {None}


async def test_all_sessions_but_one_are_ended(store: Store) -> None:
    """Of this User only."""
    await four_sessions(store)
    await store.write(c.EndOtherSessions(user_id=w.user().id, but=w.session(number=2).id, at=LATER))

    assert await ends(store) == {"ses_ada_1": LATER, "ses_ada_2": None, "ses_ada_3": LATER, "ses_grace_1": None}


async def test_the_sessions_of_a_connection_are_ended(store: Store) -> None:
    """Not those that began through another."""
    await four_sessions(store)
    await store.write(c.EndSessionsOfConnection(connection_id=w.connection().id, at=LATER))

    assert await ends(store) == {"ses_ada_1": LATER, "ses_ada_2": LATER, "ses_ada_3": None, "ses_grace_1": None}


async def test_all_sessions_of_a_user_are_ended(store: Store) -> None:
    """Whoever else is signed in stays so."""
    await four_sessions(store)
    await store.write(c.EndSessionsOfUser(user_id=w.user().id, at=LATER))

    assert await ends(store) == {"ses_ada_1": LATER, "ses_ada_2": LATER, "ses_ada_3": LATER, "ses_grace_1": None}


async def test_a_code_is_redeemed_once(store: Store) -> None:
    """RFC 6749 section 4.1.2."""
    await signed_in(store)
    redeem = c.RedeemGrant(grant_id=w.grant().id, at=LATER, dpop_jkt=KeyThumbprint("key"))
    await store.write(redeem)
    found = await store.grant(w.grant().id)

    assert found is not None
    assert found.grant == replace(w.grant(), redeemed_at=LATER, dpop_jkt=KeyThumbprint("key"))
    assert await lost(store, redeem) == "RedeemGrant"


async def test_a_code_of_a_revoked_grant_is_not_redeemed(store: Store) -> None:
    """Nor one that never was."""
    await signed_in(store)
    await store.write(c.RevokeGrant(grant_id=w.grant().id, reason="test", at=w.NOW))

    assert await lost(store, c.RedeemGrant(grant_id=w.grant().id, at=LATER, dpop_jkt=w.KEY)) == "RedeemGrant"
    assert await lost(store, c.RedeemGrant(grant_id=GrantId("gnt_never"), at=LATER, dpop_jkt=w.KEY)) == "RedeemGrant"


async def test_a_grant_is_revoked_for_good(store: Store) -> None:
    """A second time changes nothing."""
    await signed_in(store)
    await store.write(c.RevokeGrant(grant_id=w.grant().id, reason="first", at=w.NOW))
    await store.write(c.RevokeGrant(grant_id=w.grant().id, reason="second", at=LATER))
    found = await store.grant(w.grant().id)

    assert found is not None
    assert (found.grant.revoked_at, found.grant.revoked_for) == (w.NOW, "first")


async def test_what_an_application_has_of_a_user_is_revoked_at_once(store: Store) -> None:
    """In every Session, also an ended one; not what was revoked before, another Application's, or another User's."""
    await four_sessions(store)
    other = replace(w.application("other"), name="Other")
    await store.write(c.PutApplication(application=other), c.AddGrant(grant=w.grant("grace")))
    await store.write(
        c.AddGrant(grant=w.grant(number=2, of=2)),
        c.AddGrant(grant=w.grant(number=3, of=2)),
        c.AddGrant(grant=w.grant(number=4, of=2, application_id=other.id)),
        c.RevokeGrant(grant_id=w.grant(number=3).id, reason="first", at=w.NOW),
        c.EndSession(session_id=w.session().id, user_id=w.user().id, at=w.NOW),
    )
    await store.write(c.RevokeGrantsOf(application_id=w.DEMO_APP, user_id=w.user().id, reason="later", at=LATER))
    found = {
        one.grant.id: (one.grant.revoked_for, one.grant.revoked_at)
        for name in ("ada", "grace")
        for access in await store.access_of(w.user(name).id)
        for one in access.grants
    }

    assert found == {
        "gnt_ada_1": ("later", LATER),
        "gnt_ada_2": ("later", LATER),
        "gnt_ada_3": ("first", w.NOW),
        "gnt_ada_4": (None, None),
        "gnt_grace_1": (None, None),
    }


async def test_a_warning_is_dismissed_by_whom_it_is_for(store: Store) -> None:
    """And stays dismissed since the first time."""
    await signed_in(store)
    for name, at in (("grace", w.NOW), ("ada", LATER), ("ada", LATER + 1)):
        await store.write(c.DismissWarning(grant_id=w.grant().id, user_id=w.user(name).id, at=at))
    found = await store.grant(w.grant().id)

    assert found is not None
    assert found.grant.dismissed_at == LATER


async def test_what_a_user_accepted_is_never_replaced(store: Store) -> None:
    """Each version, each time; the oldest first, and nobody else's. The same one twice in a second is one."""
    await signed_in(store)
    await store.write(*w.newcomer("grace"))
    lines = [w.acceptance(document=document, at=at) for at in (w.NOW, LATER) for document in Accepted]
    await store.write(*(c.Accept(acceptance=line) for line in (*lines, w.acceptance("grace"))))

    assert await lost(store, c.Accept(acceptance=lines[0])) == "Accept"
    assert list(await store.acceptances_of(w.user().id)) == sorted(lines, key=lambda line: (line.at, line.document))
    assert await store.acceptances_of(w.user("grace").id) == (w.acceptance("grace"),)


async def test_a_user_is_noted_with_what_they_accepted_last(store: Store) -> None:
    """Whoever reads the User reads that with them; nobody else is."""
    await signed_in(store)
    await store.write(*w.newcomer("grace"))
    for accepted in ("first", "second"):
        await store.write(c.SetAccepted(user_id=w.user().id, accepted=accepted))
    found, grace = await store.session(w.session().secret), await store.user(w.user("grace").id)

    assert found is not None and grace is not None
    assert (found.user.accepted, grace.accepted) == ("second", None)
    await store.write(c.SetAccepted(user_id=UserId("usr_nobody"), accepted="third"))


async def test_a_choice_is_known_as_it_was_said_last(store: Store) -> None:
    """Each subject's by itself, and nobody else's; what was withdrawn is not among what is agreed to."""
    await signed_in(store)
    await store.write(*w.newcomer("grace"))
    await store.write(
        c.PutChoice(choice=w.choice()),
        c.PutChoice(choice=w.choice("google.name")),
        c.PutChoice(choice=w.choice("promotional", "grace")),
    )
    assert await agreed(store) == {"analytics", "google.name"}

    withdrawn = w.choice(agreed=False, at=LATER)
    await store.write(c.PutChoice(choice=withdrawn))
    assert await agreed(store) == {"google.name"}
    assert await store.choices_of(w.user().id) == (withdrawn, w.choice("google.name"))


async def agreed(store: Store) -> frozenset[str]:
    """To what Ada has agreed, as it comes with everything that is decided by it."""
    arrival = await store.arrival(w.GOOGLE, w.identity().hash, None, None)
    connecting = await store.arrival(w.CORP, w.hashed("new"), None, w.user().id)
    (connection,) = await store.connections_of(w.user().id)
    grant = await store.grant(w.grant().id)
    assert grant is not None
    assert arrival.agreed == connecting.agreed == connection.agreed == grant.agreed
    assert (await store.arrival(w.CORP, w.hashed("new"), None, None)).agreed == frozenset()
    return grant.agreed


async def test_a_consent_is_removed(store: Store) -> None:
    """As often as one likes, and nobody else's."""
    await signed_in(store)
    await store.write(*w.newcomer("grace"))
    await store.write(*(c.PutConsent(consent=w.consent(name)) for name in ("ada", "grace")))
    for _ in range(2):
        await store.write(c.RemoveConsent(user_id=w.user().id, application_id=w.DEMO_APP))

    assert await store.consent(w.user().id, w.DEMO_APP) is None
    assert await store.consent(w.user("grace").id, w.DEMO_APP) == w.consent("grace")


async def test_a_device_request_is_answered_once_and_in_time(store: Store) -> None:
    """What comes with the answer is written with it, or not at all."""
    await signed_in(store)
    late = w.device_request(2, expires_at=LATER)
    await store.write(c.AddDeviceRequest(request=late))
    allowed = c.DecideDeviceRequest(id=w.device_request().id, decision=Decision.ALLOWED, at=LATER)
    await store.write(allowed, c.AddGrant(grant=w.grant(number=2)))

    for decision in Decision.ALLOWED, Decision.DENIED:
        again = c.DecideDeviceRequest(id=w.device_request().id, decision=decision, at=LATER)
        assert await lost(store, again, c.AddGrant(grant=w.grant(number=3))) == "DecideDeviceRequest"
    assert await lost(store, replace(allowed, id=late.id)) == "DecideDeviceRequest"
    assert await lost(store, replace(allowed, id=DeviceRequestId("dvr_none"))) == "DecideDeviceRequest"
    found = await store.device_by_device_code(w.device_request().device_code)
    assert found is not None
    assert found.request == replace(w.device_request(), decision=Decision.ALLOWED)
    assert await store.grant(w.grant(number=2).id) is not None
    assert await store.grant(w.grant(number=3).id) is None


async def test_a_device_that_asks_is_noted(store: Store) -> None:
    """When, and how long it is to wait; one that is gone is no conflict."""
    await signed_in(store)
    for request_id in (w.device_request().id, DeviceRequestId("dvr_none")):
        await store.write(c.PollDeviceRequest(id=request_id, at=LATER, interval=10))
    found = await store.device_by_user_code(w.device_request().user_code)

    assert found is not None
    assert found.request == replace(w.device_request(), last_polled_at=LATER, interval=10)
    assert found.application == w.application()


async def test_an_invitation_is_bound_once(store: Store) -> None:
    """To the first who proved the address."""
    await signed_in(store)
    await store.write(*w.newcomer("grace"), c.AddAuthorization(authorization=w.authorization()))
    bind = c.BindAuthorization(authorization_id=w.authorization().id, user_id=w.user().id)
    await store.write(bind)

    assert await lost(store, bind) == "BindAuthorization"
    assert await lost(store, replace(bind, user_id=w.user("grace").id)) == "BindAuthorization"
    held = await store.held_authorizations(w.user().id)
    assert held.authorizations == (w.authorization(bound=True),)


async def test_several_invitations_are_bound_together_but_none_twice(store: Store) -> None:
    """In one unit, too."""
    await store.write(*w.registered(), *w.newcomer())
    invitations = [w.authorization("acme"), w.authorization("globex")]
    await store.write(*(c.AddAuthorization(authorization=invitation) for invitation in invitations))
    binds = [c.BindAuthorization(authorization_id=i.id, user_id=w.user().id) for i in invitations]

    assert await lost(store, binds[0], binds[1], binds[0]) == "BindAuthorization"
    await store.write(*binds)
    assert len((await store.held_authorizations(w.user().id)).authorizations) == 2


async def test_a_client_invites_an_address_once(store: Store) -> None:
    """Another Client may invite it too."""
    await store.write(*w.registered(), c.AddAuthorization(authorization=w.authorization()))
    again = replace(w.authorization(), id=AuthorizationId("azn_again"))

    assert await lost(store, c.AddAuthorization(authorization=again)) == "AddAuthorization"
    await store.write(c.AddAuthorization(authorization=w.authorization("globex")))


async def test_rights_are_set_and_authorizations_removed(store: Store) -> None:
    """Both as often as one likes."""
    given = w.authorization()
    await store.write(*w.registered(), c.AddAuthorization(authorization=given))
    await store.write(
        c.SetRights(authorization_id=given.id, rights=frozenset({"invoices:read", "reports:read"}), at=LATER)
    )

    assert (await store.catalogue()).authorizations == (
        replace(given, rights=frozenset({"invoices:read", "reports:read"})),
    )
    for _ in range(2):
        await store.write(c.RemoveAuthorization(authorization_id=given.id, at=LATER))
    assert (await store.catalogue()).authorizations == ()


async def test_a_client_is_put_and_removed_with_its_authorizations(store: Store) -> None:
    """Another Client's stay."""
    await store.write(*w.registered())
    await store.write(*(c.AddAuthorization(authorization=w.authorization(client)) for client in ("acme", "globex")))
    renamed = replace(w.client_org(), name="Acme plc", rights=frozenset())
    await store.write(c.PutClientOrg(client_org=renamed, at=LATER))

    assert (await store.catalogue()).clients == {w.ACME: renamed, w.GLOBEX: w.client_org("globex")}
    for _ in range(2):
        await store.write(c.RemoveClientOrg(client_org_id=w.ACME, at=LATER))
    catalogue = await store.catalogue()
    assert catalogue.clients == {w.GLOBEX: w.client_org("globex")}
    assert catalogue.authorizations == (w.authorization("globex"),)


async def test_an_application_is_put_and_removed_with_its_grants_and_consents(store: Store) -> None:
    """One of the same name that comes later does not inherit them."""
    await signed_in(store)
    changed = replace(w.application(), name="Renamed", first_party=False, secrets=())
    changed = replace(changed, requires_authorization=True, requires_pushed_requests=True)
    await store.write(c.PutApplication(application=changed), c.PutConsent(consent=w.consent()))

    assert await store.application(w.DEMO_APP) == changed
    for _ in range(2):
        await store.write(c.RemoveApplication(application_id=w.DEMO_APP, at=LATER))
    assert await store.application(w.DEMO_APP) is None
    await store.write(c.PutApplication(application=changed))
    assert await store.grant_by_code(w.grant().code) is None
    assert await store.device_by_user_code(w.device_request().user_code) is None
    assert await store.consent(w.user().id, w.DEMO_APP) is None


async def test_a_consent_is_put_again_with_more_scopes(store: Store) -> None:
    """The last one counts."""
    await signed_in(store)
    wider = replace(w.consent(), scopes=("openid", "email", "profile"), given_at=LATER)
    await store.write(c.PutConsent(consent=w.consent()))
    await store.write(c.PutConsent(consent=wider))

    assert await store.consent(w.user().id, w.DEMO_APP) == wider


async def test_a_consent_is_relied_on_as_it_was_read(store: Store) -> None:
    """Not once it was given anew, or for something else, or taken back; then nothing of the unit happens."""
    await signed_in(store)
    relies, code = c.RelyOnConsent(consent=w.consent()), c.AddGrant(grant=w.grant(number=2))
    assert await lost(store, code, relies) == "RelyOnConsent"
    await store.write(c.PutConsent(consent=w.consent()))
    await store.write(relies, code)
    for changed in (replace(w.consent(), given_at=LATER), replace(w.consent(), scopes=("openid",))):
        await store.write(c.PutConsent(consent=changed))
        assert await lost(store, c.AddGrant(grant=w.grant(number=3)), relies) == "RelyOnConsent"

    assert await store.grant(w.grant(number=3).id) is None
    assert await store.consent(w.user().id, w.DEMO_APP) == changed


async def test_a_try_to_revoke_is_claimed_once(store: Store) -> None:
    """By its number of tries, until it is settled."""
    await signed_in(store)
    await store.write(c.AddPendingRevocation(pending=w.pending()))
    claim = c.RetryRevocation(id=w.pending().id, expected_tries=0, next_try_at=LATER)
    await store.write(claim)

    assert await store.due_revocations(LATER, 9) == (replace(w.pending(), tries=1, next_try_at=LATER),)
    assert await lost(store, claim) == "RetryRevocation"
    assert await lost(store, replace(claim, id="rev_never")) == "RetryRevocation"
    await store.write(c.SettleRevocation(id=w.pending().id, result=RevocationResult.REVOKED))
    assert await lost(store, replace(claim, expected_tries=1)) == "RetryRevocation"


async def test_a_settled_revocation_is_pending_no_more(store: Store) -> None:
    """And can be settled again."""
    await signed_in(store)
    await store.write(c.AddPendingRevocation(pending=w.pending()))
    for result in (RevocationResult.REVOKED, RevocationResult.ALREADY_DEAD):
        await store.write(c.SettleRevocation(id=w.pending().id, result=result))

    assert await store.due_revocations(LATER, 9) == ()
    assert await lost(store, c.AddPendingRevocation(pending=w.pending())) == "AddPendingRevocation"


async def test_a_data_key_gets_another_wrapping(store: Store) -> None:
    """And stays the same key of the same owner."""
    key = replace(w.data_key(), kek_id="local:main:2", wrapped=b"new")
    await store.write(c.AddDataKey(key=w.data_key()), c.AddDataKey(key=w.data_key("grace")))
    await store.write(c.RewrapDataKey(key=key, expected_wrapped=w.data_key().wrapped))

    assert await store.data_key("usr_ada") == key
    assert await store.data_key("usr_grace") == w.data_key("grace")


async def test_a_wrapping_that_somebody_else_changed_is_left(store: Store) -> None:
    """So it is with a key that is another one by now, or gone; the rest of the unit is written."""
    theirs = replace(w.data_key(), kek_id="local:main:3", wrapped=b"theirs")
    ours = replace(w.data_key(), kek_id="local:main:2", wrapped=b"ours")
    await store.write(c.AddDataKey(key=theirs), c.AddDataKey(key=w.data_key("grace")))
    gone, good = w.data_key("gone"), replace(w.data_key("grace"), wrapped=b"good")
    await store.write(
        c.RewrapDataKey(key=ours, expected_wrapped=w.data_key().wrapped),
        c.RewrapDataKey(key=replace(ours, id=gone.id), expected_wrapped=theirs.wrapped),
        c.RewrapDataKey(key=gone, expected_wrapped=gone.wrapped),
        c.RewrapDataKey(key=good, expected_wrapped=w.data_key("grace").wrapped),
        c.Record(event=w.event()),
    )

    assert await store.data_key("usr_ada") == theirs
    assert await store.data_key("usr_gone") is None
    assert await store.data_key("usr_grace") == good


async def test_a_data_key_is_replaced_by_another(store: Store) -> None:
    """The old one is nowhere any more."""
    new = replace(w.data_key("new", kek_id="local:main:2"), owner="usr_ada", wrapped=b"new", created_at=LATER)
    await store.write(c.AddDataKey(key=w.data_key()))
    await store.write(c.ReplaceDataKey(key=new, expected_id=w.data_key().id, expected_wrapped=w.data_key().wrapped))

    assert await store.data_key("usr_ada") == new
    assert await store.data_key_counts() == {"local:main:2": 1}


@pytest.mark.parametrize(
    "changed",
    [{"expected_id": DataKeyId("dek_other")}, {"expected_wrapped": b"other"}, {"key": w.data_key("nobody")}],
    ids=["another key", "another wrapping", "nobody's"],
)
async def test_a_data_key_that_is_not_as_expected_is_not_replaced(store: Store, changed: dict[str, Any]) -> None:
    """Something may have been sealed under it since; and nothing else of the unit happens."""
    new = replace(w.data_key("new"), owner="usr_ada")
    change = c.ReplaceDataKey(key=new, expected_id=w.data_key().id, expected_wrapped=w.data_key().wrapped)
    await store.write(c.AddDataKey(key=w.data_key()))

    assert await lost(store, c.Record(event=w.event()), replace(change, **changed)) == "ReplaceDataKey"
    assert await store.data_key("usr_ada") == w.data_key()
    assert await store.events(9) == ()


async def test_a_token_in_the_outbox_is_sealed_anew_unless_it_is_gone(store: Store) -> None:
    """Nothing else about it changes."""
    await signed_in(store)
    await store.write(*(c.AddPendingRevocation(pending=w.pending(number=n)) for n in (1, 2)))
    await store.write(c.SettleRevocation(id=w.pending(number=2).id, result=RevocationResult.REVOKED))
    await store.write(*(c.ResealRevocation(id=w.pending(number=n).id, sealed_token=b"anew") for n in (1, 2, 3)))
    (found,) = await store.connections_of(w.user().id)

    assert [told.sealed_token for told in found.revocations] == [b"anew", None]
    assert found.revocations[0] == replace(w.pending(), sealed_token=b"anew")


async def test_a_key_is_noted_once(store: Store) -> None:
    """By what it made of a known text; another key is noticed by that, and does not replace it."""
    noted = c.AddKeyCheck(name="lookup", value=w.hashed("known"))
    await store.write(noted)

    assert await store.key_check("lookup") == w.hashed("known")
    assert await lost(store, noted) == "AddKeyCheck"
    assert await lost(store, replace(noted, value=w.hashed("by another key"))) == "AddKeyCheck"


def whole_life() -> Sequence[tuple[Change, ...]]:
    """Units in which a later Change meets what an earlier one did."""
    return (
        (*w.invited(), *w.newcomer()),
        (
            c.AddSession(session=w.session()),
            c.EndSession(session_id=w.session().id, user_id=w.user().id, at=LATER),
        ),
        (
            c.AddGrant(grant=w.grant()),
            c.RedeemGrant(grant_id=w.grant().id, at=LATER, dpop_jkt=w.KEY),
            c.RevokeGrant(grant_id=w.grant().id, reason="test", at=LATER),
        ),
        (
            c.AddAuthorization(authorization=w.authorization("globex")),
            c.BindAuthorization(authorization_id=w.authorization("globex").id, user_id=w.user().id),
        ),
        (
            c.ReplaceConnection(connection=w.connection(generation=2), expected_generation=1),
            c.ReplaceConnection(connection=w.connection(generation=3), expected_generation=2),
        ),
        (
            c.AddSession(session=w.session(number=2)),
            c.TouchSession(session_id=w.session(number=2).id, at=LATER),
            c.EndSessionsOfConnection(connection_id=w.connection().id, at=LATER + 1),
        ),
        (
            c.RemoveAuthorization(authorization_id=w.authorization().id, at=LATER),
            c.RemoveClientOrg(client_org_id=w.GLOBEX, at=LATER),
        ),
    )


async def test_changes_of_one_unit_happen_in_their_order(store: Store) -> None:
    """Each sees what those before it did."""
    for unit in whole_life():
        await store.write(*unit)
    first, second = await store.session(w.session().secret), await store.session(w.session(number=2).secret)
    grant = await store.grant(w.grant().id)
    connection = await store.connection(w.connection().id)

    assert first is not None and first.session.ended_at == LATER
    assert second is not None
    assert second.session == replace(w.session(number=2), last_seen_at=LATER, ended_at=LATER + 1)
    assert grant is not None
    assert grant.grant == replace(w.grant(), redeemed_at=LATER, revoked_at=LATER, revoked_for="test")
    assert connection is not None and connection.connection.generation == 3
    assert (await store.catalogue()).authorizations == ()
