"""Each read, on every kind of store: what it finds, in which order, and nothing where there is nothing."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from broker.domain import changes as c
from broker.domain.application import Application
from broker.domain.consent import Consent
from broker.domain.grant import CODE_LIFETIME, Grant
from broker.domain.ids import ApplicationId, AttemptId, AuthorizationId, ConnectionId, GrantId, UserId
from broker.domain.outbox import RevocationResult
from broker.domain.session import ABSOLUTE_LIFETIME, Session
from broker.domain.session_token import LIFETIME
from broker.flows.found import (
    Access,
    Arrival,
    AttemptInFull,
    Catalogue,
    ConnectionInFull,
    GrantInContext,
    GrantInFull,
    HeldAuthorizations,
    KnownIdentity,
    LiveSession,
)
from broker.flows.store import Store
from tests.storage import world as w

pytestmark = pytest.mark.anyio

GONE_AFTER = ABSOLUTE_LIFETIME + CODE_LIFETIME + LIFETIME


async def test_an_empty_store_finds_nothing(store: Store) -> None:
    """And says so without an error."""
    nobody = UserId("usr_nobody")

    assert await store.application(ApplicationId("none")) is None
    assert await store.session(w.hashed("none")) is None
    assert (await store.attempt(AttemptId("none"), None)).taken is False
    assert await store.arrival(w.GOOGLE, w.hashed("none"), w.hashed("none"), nobody) == Arrival(
        known=None, held=HeldAuthorizations(authorizations=(), clients={}), bound_elsewhere=False, agreed=frozenset()
    )
    assert await store.data_key("none") is None
    assert await store.held_authorizations(nobody) == HeldAuthorizations(authorizations=(), clients={})
    assert await store.grant_by_code(w.hashed("none")) is None
    assert await store.grant(GrantId("none")) is None
    assert await store.consent(nobody, ApplicationId("none")) is None
    assert await store.device_by_device_code(w.hashed("none")) is None
    assert await store.device_by_user_code(w.hashed("none")) is None
    assert await store.user(nobody) is None
    assert await store.choices_of(nobody) == ()
    assert await store.acceptances_of(nobody) == ()
    assert await store.access_of(nobody) == ()
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


async def test_an_attempt_comes_with_the_application_that_waits(store: Store) -> None:
    """Whichever of the two is there."""
    await store.write(*w.registered(), w.attempt())
    demo, taken = w.application(), w.attempt().attempt_id

    assert await store.attempt(taken, demo.id) == AttemptInFull(taken=True, application=demo)
    assert await store.attempt(AttemptId("att_other"), demo.id) == AttemptInFull(taken=False, application=demo)
    assert await store.attempt(taken, ApplicationId("none")) == AttemptInFull(taken=True, application=None)
    assert await store.attempt(taken, None) == AttemptInFull(taken=True, application=None)


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


async def test_keks_in_use_are_those_that_wrap_something(store: Store) -> None:
    """Each once, in order, and how many keys it wraps."""
    keks = ["k:2", "k:1", "k:2", "k:10", "k:2"]
    await store.write(*(c.AddDataKey(key=w.data_key(f"u{n}", kek_id=kek_id)) for n, kek_id in enumerate(keks)))

    assert await store.keks_in_use() == ("k:1", "k:10", "k:2")
    assert await store.data_key_counts() == {"k:1": 1, "k:10": 1, "k:2": 3}


async def test_no_kek_wraps_nothing(store: Store) -> None:
    """Of an empty store."""
    assert (await store.keks_in_use(), await store.data_key_counts()) == ((), {})
    assert await store.data_keys_under("k:1", "", 9) == ()


async def test_data_keys_under_a_kek_come_page_by_page(store: Store) -> None:
    """By their ids, from wherever one has come to; none of another KEK is among them."""
    keys = [w.data_key(name, kek_id="k:1") for name in "abcde"]
    others = [w.data_key(name, kek_id="k:2") for name in ("b2", "z")]
    await store.write(*(c.AddDataKey(key=key) for key in (*reversed(keys), *others)))

    assert await store.data_keys_under("k:1", "", 2) == tuple(keys[:2])
    assert await store.data_keys_under("k:1", keys[1].id, 2) == tuple(keys[2:4])
    assert await store.data_keys_under("k:1", keys[3].id, 2) == (keys[4],)
    assert await store.data_keys_under("k:1", keys[4].id, 2) == ()
    assert await store.data_keys_under("k:3", "", 2) == ()


async def test_three_data_keys_speak_for_each_kek(store: Store) -> None:
    """Or as many as it has: none of another KEK stands in for one that is missing."""
    names = {"k:1": ["ada", "bob"], "k:2": ["cy", "dot", "eve", "fay"], "k:3": ["gus"]}
    keys = {kek_id: tuple(w.data_key(name, kek_id=kek_id) for name in of_kek) for kek_id, of_kek in names.items()}
    await store.write(*(c.AddDataKey(key=key) for of_kek in keys.values() for key in reversed(of_kek)))

    assert await store.data_keys_by_kek() == {kek_id: of_kek[:3] for kek_id, of_kek in keys.items()}


@pytest.mark.parametrize(("others", "comes"), [("abcd", "abc"), ("xyz", "xy"), ("ax", "ax"), ("", "")])
async def test_the_systems_data_key_comes_before_the_others_of_its_kek(store: Store, others: str, comes: str) -> None:
    """Once, whether or not it is one of the three; of another KEK's it is none."""
    other_kek = w.data_key("other", kek_id="a:1")
    await store.write(*(c.AddDataKey(key=key) for key in (*map(w.data_key, others), w.system_key(), other_kek)))

    assert await store.data_keys_by_kek() == {
        "a:1": (other_kek,),
        "local:main:1": (w.system_key(), *map(w.data_key, comes)),
    }


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
        agreed=frozenset(),
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
        agreed=frozenset(),
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
        clients=(),
        agreed=frozenset(),
    )

    assert await store.connections_of(w.user().id) == (
        first,
        ConnectionInFull(connection=later, data_key=w.data_key(), revocations=(), clients=(), agreed=frozenset()),
    )
    assert await store.connection(w.connection().id) == first


async def test_a_connection_comes_with_the_clients_its_user_acts_for(store: Store) -> None:
    """Each once and in order, not by invitations, and nobody else's."""
    invitations = (w.authorization("globex"), w.authorization("acme"), w.authorization("initech"))
    second = replace(w.authorization("acme"), id=AuthorizationId("azn_second"), invited_email=w.hashed("second"))
    await store.write(*w.newcomer(), *w.newcomer("grace"))
    await store.write(*(c.PutClientOrg(client_org=w.client_org(n), at=w.NOW) for n in ("acme", "globex", "initech")))
    await store.write(*(c.AddAuthorization(authorization=a) for a in (*invitations, second)))
    for bound in (*invitations[:2], second):
        await store.write(c.BindAuthorization(authorization_id=bound.id, user_id=w.user().id))

    (ada,), (grace,) = await store.connections_of(w.user().id), await store.connections_of(w.user("grace").id)
    assert (ada.clients, grace.clients) == (("acme", "globex"), ())
    assert await store.connections_keeping("", 9) == (ada, grace)


async def test_who_was_invited_by_an_address_is_found_by_its_hash(store: Store) -> None:
    """Once accepted, each User once; an open invitation is nobody's."""
    invitations = [w.authorization(client) for client in ("acme", "globex", "initech")]
    await store.write(*w.newcomer(), *w.newcomer("grace"))
    await store.write(*(c.PutClientOrg(client_org=w.client_org(n), at=w.NOW) for n in ("acme", "globex", "initech")))
    await store.write(*(c.AddAuthorization(authorization=a) for a in invitations))
    email = invitations[0].invited_email
    assert await store.users_of_email(email) == ()

    for invitation, name in zip(invitations, ("grace", "ada", "ada"), strict=True):
        await store.write(c.BindAuthorization(authorization_id=invitation.id, user_id=w.user(name).id))
    assert await store.users_of_email(email) == (w.user().id, w.user("grace").id)
    assert await store.users_of_email(w.hashed("another")) == ()


async def test_access_is_told_for_each_application(store: Store) -> None:
    """A Grant is enough, or a consent; with all that deciding takes, the oldest Grant first, and nobody else's."""
    await store.write(*w.registered(), *w.newcomer(), *w.newcomer("grace"))
    other, asked, unused = (replace(w.application(name), name=name) for name in ("other", "asked", "unused"))
    await store.write(*(c.PutApplication(application=application) for application in (other, asked, unused)))
    await store.write(c.AddAuthorization(authorization=w.authorization(bound=True)))
    sessions = [w.session(), w.session(number=2)]
    await store.write(*(c.AddSession(session=session) for session in (*sessions, w.session("grace"))))
    consents = [replace(w.consent(name), application_id=asked.id) for name in ("ada", "grace")]
    await store.write(*(c.PutConsent(consent=consent) for consent in (*consents, w.consent())))
    second = replace(w.grant(number=1, of=2, at=w.NOW + 1), revoked_for="code", revoked_at=w.NOW + 2, dismissed_at=7)
    grants = [w.grant(number=2), second, w.grant(number=3, application_id=other.id), w.grant("grace")]
    await store.write(*(c.AddGrant(grant=grant) for grant in reversed(grants)))
    held = HeldAuthorizations(authorizations=(w.authorization(bound=True),), clients={w.ACME: w.client_org("acme")})

    def access(application: Application, *pairs: tuple[Grant, Session], consent: Consent | None = None) -> Access:
        grants = tuple(
            GrantInContext(grant=grant, application=application, user=w.user(), session=session, held=held)
            for grant, session in pairs
        )
        return Access(application=application, consent=consent, held=held, grants=grants)

    assert await store.access_of(w.user().id) == (
        access(asked, consent=consents[0]),
        access(w.application(), (grants[0], sessions[0]), (grants[1], sessions[1]), consent=w.consent()),
        access(other, (grants[2], sessions[0])),
    )


async def test_connections_that_keep_something_come_by_their_ids(store: Store) -> None:
    """So many at a time, each with all that is to be told; those that keep nothing, or have no key, do not come."""
    people = ("ada", "bob", "eve", "grace")
    for name in people:
        await store.write(*w.newcomer(name))
    await store.write(*(c.AddPendingRevocation(pending=w.pending(number=number)) for number in (2, 1)))
    empty = replace(w.connection("bob", generation=2), sealed_attributes=None)
    await store.write(c.ReplaceConnection(connection=empty, expected_generation=1))
    ids = [w.connection(name).id for name in people]

    async def found(after: str, limit: int) -> list[str]:
        return [keeping.connection.id for keeping in await store.connections_keeping(after, limit)]

    assert await found("", 9) == [ids[0], ids[2], ids[3]]
    assert await found("", 2) == [ids[0], ids[2]]
    assert await found(ids[0], 1) == [ids[2]]
    assert await found(ids[3], 9) == []
    (ada,) = await store.connections_keeping("", 1)
    assert ada == await store.connection(ids[0])
    assert [told.id for told in ada.revocations] == [w.pending(number=number).id for number in (1, 2)]


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
        **{field.name: field.name for field in fields(w.event()) if field.name not in ("at", "released", "sealed")},  # type: ignore[arg-type]
        released=("email", "name"),
        sealed=b"\x01sealed",
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
    """Attempts at their end; Grants once their last token has expired; Sessions with the last of their Grants."""
    young = w.session(number=2, began=w.NOW + 1)
    await store.write(*w.registered(), *w.newcomer(), w.attempt(1), w.attempt(2, expires_at=w.NOW + GONE_AFTER + 1))
    await store.write(c.AddSession(session=w.session()), c.AddSession(session=young))
    await store.write(
        c.AddGrant(grant=w.grant(number=1)),
        c.AddGrant(grant=w.grant(number=2)),
        c.AddGrant(grant=w.grant(number=3, of=2, at=w.NOW + 1)),
    )

    assert await store.forget_expired(w.NOW + 599) == 0
    assert await store.forget_expired(w.NOW + GONE_AFTER - 1) == 1
    assert await store.forget_expired(w.NOW + GONE_AFTER) == 3
    assert await store.forget_expired(w.NOW + GONE_AFTER) == 0
    assert await store.session(w.session().secret) is None
    assert await store.grant(w.grant(number=1).id) is None
    assert await store.grant(w.grant(number=3).id) is not None
    assert (await store.attempt(AttemptId("att_2"), None)).taken


async def test_what_refresh_tokens_need_is_not_forgotten(store: Store) -> None:
    """The Session stays with its Grant; beside it, Sessions without any go."""
    offline = replace(w.grant(), kept_until=w.NOW + 30 * 86400)
    await store.write(*w.registered(), *w.newcomer())
    await store.write(*(c.AddSession(session=w.session(number=number)) for number in (1, 2)))
    await store.write(c.AddGrant(grant=offline))

    assert await store.forget_expired(w.NOW + 30 * 86400) == 1
    assert await store.grant(offline.id) is not None
    assert await store.forget_expired(offline.kept_until + LIFETIME) == 2


async def test_a_forgotten_attempt_stays_refused_by_its_own_expiry(store: Store) -> None:
    """It is forgotten only when the cookie it came in has expired."""
    await store.write(w.attempt(1, expires_at=w.NOW))

    assert await store.forget_expired(w.NOW - 1) == 0
    assert await store.forget_expired(w.NOW) == 1
    assert not (await store.attempt(AttemptId("att_1"), None)).taken


async def test_device_requests_are_forgotten_soon_after_their_end(store: Store) -> None:
    """Not at once, so that who asks a little late is told what happened."""
    await store.write(*w.registered(), c.AddDeviceRequest(request=w.device_request()))

    assert await store.forget_expired(w.device_request().expires_at + LIFETIME - 1) == 0
    assert await store.forget_expired(w.device_request().expires_at + LIFETIME) == 1
    assert await store.device_by_user_code(w.device_request().user_code) is None


async def test_thousands_of_rows_are_forgotten_at_once(store: Store) -> None:
    """In more than one bite."""
    for first in range(0, 2500, 500):
        await store.write(*(w.attempt(number) for number in range(first, first + 500)))

    assert await store.forget_expired(w.NOW + 600) == 2500
