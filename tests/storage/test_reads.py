"""Each read, on every kind of store: what it finds, in which order, and nothing where there is nothing."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from broker.domain import changes as c
from broker.domain.grant import CODE_LIFETIME
from broker.domain.ids import ApplicationId, AttemptId, ConnectionId, GrantId, UserId
from broker.domain.outbox import RevocationResult
from broker.domain.session import ABSOLUTE_LIFETIME
from broker.domain.session_token import LIFETIME
from broker.flows.ports import (
    Arrival,
    Catalogue,
    ConnectionInFull,
    GrantInFull,
    HeldAuthorizations,
    KnownIdentity,
    LiveSession,
    Store,
)
from tests.storage import world as w

pytestmark = pytest.mark.anyio

GONE_AFTER = ABSOLUTE_LIFETIME + CODE_LIFETIME + LIFETIME


async def test_an_empty_store_finds_nothing(store: Store) -> None:
    """And says so without an error."""
    nobody = UserId("usr_nobody")

    assert await store.application(ApplicationId("none")) is None
    assert await store.session(w.hashed("none")) is None
    assert await store.attempt_taken(AttemptId("none")) is False
    assert await store.arrival(w.GOOGLE, w.hashed("none"), w.hashed("none"), nobody) == Arrival(
        known=None, held=HeldAuthorizations(authorizations=(), clients={}), bound_elsewhere=False
    )
    assert await store.data_key("none") is None
    assert await store.held_authorizations(nobody) == HeldAuthorizations(authorizations=(), clients={})
    assert await store.grant_by_code(w.hashed("none")) is None
    assert await store.grant(GrantId("none")) is None
    assert await store.consent(nobody, ApplicationId("none")) is None
    assert await store.connections_of(nobody) == ()
    assert await store.connection(ConnectionId("none")) is None
    assert await store.sessions_of(nobody, 0) == ()
    assert await store.applications_used(nobody) == {}
    assert await store.catalogue() == Catalogue(clients={}, applications={}, authorizations=())
    assert await store.due_revocations(w.NOW, 9) == ()
    assert await store.signing_keys() == ()
    assert await store.key_check("lookup") is None
    assert await store.data_keys_by_kek() == {}
    assert await store.events(9) == ()
    assert await store.forget_expired(w.NOW) == 0
    await store.ping()


async def test_an_application_comes_back_as_it_went_in(store: Store) -> None:
    """Lists keep their order, sets their elements, flags their truth."""
    plain = replace(
        w.application("plain"), secrets=(), redirect_uris=(), grants=frozenset(), first_party=False, name='"Żółw" \\ 🐢'
    )
    await store.write(c.PutApplication(application=w.application()), c.PutApplication(application=plain))

    assert await store.application(w.DEMO_APP) == w.application()
    assert await store.application(plain.id) == plain


async def test_a_session_is_found_by_its_secret_with_its_user(store: Store) -> None:
    """Also an ended one: what it is still good for is not the store's to say."""
    await store.write(*w.newcomer(), c.AddSession(session=w.session()))
    ended = c.EndSession(session_id=w.session().id, user_id=w.user().id, at=w.NOW + 1)
    await store.write(ended)

    assert await store.session(w.session().secret) == LiveSession(
        session=replace(w.session(), ended_at=w.NOW + 1), user=w.user()
    )


async def test_a_known_identity_comes_with_its_user_key_and_connection(store: Store) -> None:
    """A second Identity of the same User has none yet."""
    corp = w.identity(registration=w.CORP)
    await store.write(*w.newcomer(), *w.newcomer("grace"), c.AddIdentity(identity=corp))

    assert (await store.arrival(w.GOOGLE, w.identity().hash, None, None)).known == KnownIdentity(
        identity=w.identity(), user=w.user(), data_key=w.data_key(), connection=w.connection()
    )
    assert (await store.arrival(w.CORP, corp.hash, None, None)).known == KnownIdentity(
        identity=corp, user=w.user(), data_key=w.data_key(), connection=None
    )


async def test_a_data_key_is_found_by_its_owner(store: Store) -> None:
    """The system is an owner like any other."""
    await store.write(c.AddDataKey(key=w.system_key()), c.AddDataKey(key=w.data_key()))

    assert await store.data_key("system") == w.system_key()
    assert await store.data_key("usr_ada") == w.data_key()


async def test_one_data_key_speaks_for_each_kek(store: Store) -> None:
    """Whichever it is."""
    keys = [w.data_key("ada", kek_id="k:1"), w.data_key("bob", kek_id="k:2"), w.data_key("eve", kek_id="k:1")]
    await store.write(*(c.AddDataKey(key=key) for key in keys))
    found = await store.data_keys_by_kek()

    assert set(found) == {"k:1", "k:2"}
    assert all(key in keys and key.kek_id == kek_id for kek_id, key in found.items())


async def held(store: Store) -> None:
    """Ada has an Authorization of globex, and Ada and Grace each an open invitation to acme."""
    await store.write(*w.registered(), *w.newcomer(), *w.newcomer("grace"))
    await store.write(
        c.AddAuthorization(authorization=w.authorization("globex", bound=True)),
        c.AddAuthorization(authorization=w.authorization("acme")),
        c.AddAuthorization(authorization=w.authorization("acme", "grace")),
    )


async def test_held_is_what_is_bound(store: Store) -> None:
    """Each with its Client; open invitations are nobody's."""
    await held(store)

    assert await store.held_authorizations(w.user().id) == HeldAuthorizations(
        authorizations=(w.authorization("globex", bound=True),), clients={w.GLOBEX: w.client_org("globex")}
    )


async def test_who_is_back_finds_what_is_bound_and_what_waits_for_the_address(store: Store) -> None:
    """Each with its Client, in the order of the Clients."""
    await held(store)
    arrival = await store.arrival(w.GOOGLE, w.identity().hash, w.hashed("ada@acme.example"), None)

    assert arrival.held == HeldAuthorizations(
        authorizations=(w.authorization("acme"), w.authorization("globex", bound=True)),
        clients={w.ACME: w.client_org("acme"), w.GLOBEX: w.client_org("globex")},
    )


async def test_without_an_address_no_invitation_is_found(store: Store) -> None:
    """None asks for none."""
    await held(store)
    arrival = await store.arrival(w.GOOGLE, w.identity().hash, None, None)

    assert arrival.held.authorizations == (w.authorization("globex", bound=True),)


async def test_a_newcomer_finds_only_open_invitations(store: Store) -> None:
    """What was bound is never matched by e-mail again."""
    await held(store)
    new = w.hashed("google somebody-new")
    arrival = await store.arrival(w.CORP, new, w.hashed("ada@acme.example"), None)

    assert arrival == Arrival(
        known=None,
        held=HeldAuthorizations(authorizations=(w.authorization("acme"),), clients={w.ACME: w.client_org("acme")}),
        bound_elsewhere=False,
    )
    assert (await store.arrival(w.CORP, new, None, None)).held.authorizations == ()


async def test_a_new_account_of_somebody_known_finds_what_is_theirs(store: Store) -> None:
    """Who is connecting it counts while nobody has it; then whose it is."""
    await held(store)
    new = w.hashed("google somebody-new")
    ada, grace = w.user().id, w.user("grace").id

    assert (await store.arrival(w.CORP, new, None, ada)).held.authorizations == (w.authorization("globex", bound=True),)
    assert (await store.arrival(w.GOOGLE, w.identity("grace").hash, None, ada)).held.authorizations == ()
    assert (await store.arrival(w.GOOGLE, w.identity().hash, None, grace)).held.authorizations == (
        w.authorization("globex", bound=True),
    )


async def test_an_address_is_bound_elsewhere_when_its_user_has_another_identity(store: Store) -> None:
    """At the same registration; an open invitation, another address, another registration say nothing."""
    await held(store)
    ada, grace = w.hashed("ada@acme.example"), w.hashed("grace@acme.example")
    new = w.hashed("google somebody-new")

    assert (await store.arrival(w.GOOGLE, new, ada, None)).bound_elsewhere is True
    assert (await store.arrival(w.GOOGLE, w.identity().hash, ada, None)).bound_elsewhere is False
    assert (await store.arrival(w.CORP, new, ada, None)).bound_elsewhere is False
    assert (await store.arrival(w.GOOGLE, new, grace, None)).bound_elsewhere is False
    assert (await store.arrival(w.GOOGLE, new, None, None)).bound_elsewhere is False


async def test_a_grant_comes_in_full_by_its_code_and_by_its_id(store: Store) -> None:
    """With all that deciding takes, of the right User."""
    await held(store)
    await store.write(*(c.AddSession(session=w.session(name)) for name in ("ada", "grace")))
    await store.write(*(c.AddGrant(grant=w.grant(name)) for name in ("ada", "grace")))
    expected = GrantInFull(
        grant=w.grant(),
        application=w.application(),
        user=w.user(),
        session=w.session(),
        connection=w.connection(),
        data_key=w.data_key(),
        held=HeldAuthorizations(
            authorizations=(w.authorization("globex", bound=True),), clients={w.GLOBEX: w.client_org("globex")}
        ),
    )

    assert await store.grant_by_code(w.grant().code) == expected
    assert await store.grant(w.grant().id) == expected
    of_grace = await store.grant(w.grant("grace").id)
    assert of_grace is not None
    assert of_grace.held == HeldAuthorizations(authorizations=(), clients={})


async def test_a_grant_with_nothing_optional_comes_back_as_it_went_in(store: Store) -> None:
    """No organization, no nonce, no scope."""
    await store.write(*w.registered(), *w.newcomer(), c.AddSession(session=w.session()))
    bare = replace(w.grant(), organization=None, nonce=None, scopes=())
    await store.write(c.AddGrant(grant=bare))
    found = await store.grant(bare.id)

    assert found is not None
    assert found.grant == bare


async def test_connections_come_with_what_their_providers_had_to_be_told(store: Store) -> None:
    """Each Connection once, the oldest first; what is settled says what came of it, and holds no token any more."""
    await store.write(*w.newcomer(), *w.newcomer("grace"))
    later = replace(w.connection(registration=w.CORP), created_at=w.NOW + 5)
    await store.write(
        c.AddIdentity(identity=w.identity(registration=w.CORP)),
        c.AddConnection(connection=later),
        *(c.AddPendingRevocation(pending=w.pending(number=number)) for number in (1, 2, 3)),
    )
    await store.write(c.SettleRevocation(id=w.pending(number=2).id, result=RevocationResult.REVOKED))
    settled = replace(w.pending(number=2), result=RevocationResult.REVOKED, sealed_token=None)
    first = ConnectionInFull(
        connection=w.connection(),
        data_key=w.data_key(),
        revocations=(w.pending(number=1), settled, w.pending(number=3)),
    )

    assert await store.connections_of(w.user().id) == (
        first,
        ConnectionInFull(connection=later, data_key=w.data_key(), revocations=()),
    )
    assert await store.connection(w.connection().id) == first


async def test_sessions_of_a_user_are_those_that_live(store: Store) -> None:
    """Neither ended nor idle since before `since`, the newest first; nobody else's."""
    sessions = [w.session(number=number, began=w.NOW + number) for number in (1, 2, 3, 4)]
    await store.write(*w.newcomer(), *w.newcomer("grace"))
    await store.write(*(c.AddSession(session=session) for session in (*sessions, w.session("grace"))))
    await store.write(c.EndSession(session_id=sessions[2].id, user_id=w.user().id, at=w.NOW + 9))

    assert await store.sessions_of(w.user().id, w.NOW + 2) == (sessions[3], sessions[1])


async def test_the_application_that_used_a_session_last_is_named(store: Store) -> None:
    """One for each Session that gave a Grant."""
    other = replace(w.application("other"), name="Other")
    await store.write(*w.registered(), c.PutApplication(application=other))
    await store.write(*w.newcomer(), *w.newcomer("grace"))
    await store.write(*(c.AddSession(session=w.session(number=number)) for number in (1, 2, 3)))
    await store.write(c.AddSession(session=w.session("grace")), c.AddGrant(grant=w.grant("grace")))
    await store.write(
        c.AddGrant(grant=w.grant(number=1, of=1, at=w.NOW)),
        c.AddGrant(grant=w.grant(number=2, of=1, at=w.NOW + 2, application_id=other.id)),
        c.AddGrant(grant=w.grant(number=3, of=1, at=w.NOW + 1)),
        c.AddGrant(grant=w.grant(number=4, of=2, at=w.NOW)),
    )

    assert await store.applications_used(w.user().id) == {
        w.session(number=1).id: "Other",
        w.session(number=2).id: "Demo",
    }


async def test_the_catalogue_holds_everything_an_operator_declared(store: Store) -> None:
    """Invitations and bound Authorizations alike."""
    await held(store)

    assert await store.catalogue() == Catalogue(
        clients={w.ACME: w.client_org("acme"), w.GLOBEX: w.client_org("globex")},
        applications={w.DEMO_APP: w.application()},
        authorizations=(
            w.authorization("acme"),
            w.authorization("acme", "grace"),
            w.authorization("globex", bound=True),
        ),
    )


async def test_revocations_are_due_in_their_order(store: Store) -> None:
    """Those whose time has come, no more than asked for."""
    await store.write(*w.newcomer())
    pending = [w.pending(number=number, due=w.NOW + due) for number, due in enumerate((3, 1, 2, 99))]
    await store.write(*(c.AddPendingRevocation(pending=one) for one in pending))

    assert await store.due_revocations(w.NOW + 3, 9) == (pending[1], pending[2], pending[0])
    assert await store.due_revocations(w.NOW + 3, 2) == (pending[1], pending[2])


async def test_signing_keys_come_back_as_they_went_in(store: Store) -> None:
    """The oldest first."""
    keys = [w.signing_key("b", active=False), w.signing_key("a", at=w.NOW + 1)]
    await store.write(c.AddDataKey(key=w.system_key()), *(c.AddSigningKey(key=key) for key in reversed(keys)))

    assert await store.signing_keys() == tuple(keys)


async def test_the_newest_events_come_first(store: Store) -> None:
    """By when they were written, whatever their time says; every field comes back."""
    full = replace(
        w.event("full"),
        **{field.name: field.name for field in fields(w.event()) if field.name != "at"},  # type: ignore[arg-type]
    )
    await store.write(c.Record(event=w.event("first", at=w.NOW + 9)), c.Record(event=w.event("second")))
    await store.write(c.Record(event=full))

    assert await store.events(2) == (full, w.event("second"))
    assert [event.action for event in await store.events(9)] == ["action", "second", "first"]


async def test_a_lease_is_held_by_one_until_it_ends(store: Store) -> None:
    """The holder may renew it; it is free to others at the very second of its end."""
    assert await store.take_lease("deliver", "one", w.NOW, 10)
    assert not await store.take_lease("deliver", "two", w.NOW + 9, 10)
    assert await store.take_lease("deliver", "one", w.NOW + 5, 10)
    assert not await store.take_lease("deliver", "two", w.NOW + 14, 10)
    assert await store.take_lease("another", "two", w.NOW, 10)
    assert await store.take_lease("deliver", "two", w.NOW + 15, 10)


async def test_what_nobody_needs_any_more_is_forgotten(store: Store) -> None:
    """Attempts at their end; Sessions with their Grants once the last token of the last code has expired."""
    young = w.session(number=2, began=w.NOW + 1)
    await store.write(*w.registered(), *w.newcomer(), w.attempt(1), w.attempt(2, expires_at=w.NOW + GONE_AFTER + 1))
    await store.write(c.AddSession(session=w.session()), c.AddSession(session=young))
    await store.write(
        c.AddGrant(grant=w.grant(number=1)),
        c.AddGrant(grant=w.grant(number=2)),
        c.AddGrant(grant=w.grant(number=3, of=2)),
    )

    assert await store.forget_expired(w.NOW + 599) == 0
    assert await store.forget_expired(w.NOW + GONE_AFTER - 1) == 1
    assert await store.forget_expired(w.NOW + GONE_AFTER) == 3
    assert await store.forget_expired(w.NOW + GONE_AFTER) == 0
    assert await store.session(w.session().secret) is None
    assert await store.grant(w.grant(number=1).id) is None
    assert await store.grant(w.grant(number=3).id) is not None
    assert await store.attempt_taken(AttemptId("att_2"))


async def test_a_forgotten_attempt_stays_refused_by_its_own_expiry(store: Store) -> None:
    """It is forgotten only when the cookie it came in has expired."""
    await store.write(w.attempt(1, expires_at=w.NOW))

    assert await store.forget_expired(w.NOW - 1) == 0
    assert await store.forget_expired(w.NOW) == 1
    assert not await store.attempt_taken(AttemptId("att_1"))


async def test_thousands_of_rows_are_forgotten_at_once(store: Store) -> None:
    """In more than one bite."""
    for first in range(0, 2500, 500):
        await store.write(*(w.attempt(number) for number in range(first, first + 500)))

    assert await store.forget_expired(w.NOW + 600) == 2500
