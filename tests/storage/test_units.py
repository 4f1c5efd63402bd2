"""A unit of Changes: all or none, once among many at the same moment, in one round trip on PostgreSQL."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from typing import get_args

import asyncpg
import pytest
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from broker.domain import changes as c
from broker.domain.changes import Change
from broker.domain.errors import Conflict, Fault
from broker.domain.user import UserStatus
from broker.flows.store import Store
from broker.storage.batches import LONGEST, alike, one_statement, steps_for
from broker.storage.notices import TELLINGS
from broker.storage.store import SqlStore
from broker.storage.writes import WRITES
from tests.storage import world as w
from tests.storage.proxy import proxied, trips

pytestmark = pytest.mark.anyio

MANY = 50
BUSY = 5
STEPS = steps_for(dialect())  # type: ignore[no-untyped-call]


def goes_at_once(*types: type[Change]) -> bool:
    return one_statement(tuple(STEPS[t] for t in types)) is not None


# ── all or none


@pytest.mark.parametrize(
    "last",
    [
        c.TakeAttempt(attempt_id=w.attempt(9).attempt_id, expires_at=w.NOW),
        c.RedeemGrant(grant_id=w.grant(number=9).id, at=w.NOW, dpop_jkt=w.KEY),
        c.ReplaceConnection(connection=w.connection(generation=9), expected_generation=8),
    ],
    ids=lambda change: type(change).__name__,
)
@pytest.mark.parametrize("steps_apart", [False, True], ids=["at_once", "one_by_one"])
async def test_a_conflict_in_the_last_change_leaves_nothing_of_the_first(
    store: Store, last: Change, steps_apart: bool
) -> None:
    """A unique key or a comparison, in one statement or in a transaction."""
    await store.write(*w.registered(), *w.newcomer(), w.attempt(9))
    first: list[Change] = [c.AddSession(session=w.session()), c.Record(event=w.event())]
    if steps_apart:
        first.append(c.TouchSession(session_id=w.session().id, at=w.NOW + 1))
    with pytest.raises(Conflict) as conflict:
        await store.write(*first, last)

    assert conflict.value.what == type(last).__name__
    assert goes_at_once(*map(type, [*first, last])) is not steps_apart
    assert await store.session(w.session().secret) is None
    assert await store.events(9) == ()


async def test_a_unit_can_be_written_after_one_that_failed(store: Store) -> None:
    """On the same connection, many times over."""
    await store.write(w.attempt(0))
    for number in range(1, 30):
        with pytest.raises(Conflict):
            await store.write(w.attempt(number), w.attempt(0))
        await store.write(w.attempt(number))


# ── once among many


async def results(*writes: Sequence[Change], stores: Sequence[Store]) -> Counter[str]:
    """Write all units at the same moment, the stores taking turns; how many came to which end.

    One that took too long on a busy machine is written again, as whoever is told 503 would.
    """

    async def one(store: Store, unit: Sequence[Change]) -> str:
        for _ in range(BUSY):
            try:
                await store.write(*unit)
            except Conflict as conflict:
                return conflict.what
            except Fault:
                continue
            return "done"
        return "busy"

    turns = [stores[number % len(stores)] for number in range(len(writes))]
    return Counter(await asyncio.gather(*(one(store, unit) for store, unit in zip(turns, writes, strict=True))))


@pytest.mark.parametrize(
    "what",
    [
        *("TakeAttempt", "TakePushedRequest", "RedeemGrant", "ReplaceConnection", "MarkConnection"),
        *("BindAuthorization", "AddSigningKey", "AddIdentity"),
    ],
)
async def test_one_of_many_at_the_same_moment_wins(sql_store: SqlStore, store_url: str, what: str) -> None:
    """From two processes, as it were: the others all learn that they lost, and by what."""
    await sql_store.write(*w.invited(), *w.newcomer(), c.AddDataKey(key=w.system_key()))
    await sql_store.write(c.AddSession(session=w.session()), c.AddGrant(grant=w.grant()))
    rivals: dict[str, list[Change]] = {
        "TakeAttempt": [w.attempt() for _ in range(MANY)],
        "TakePushedRequest": [w.pushed() for _ in range(MANY)],
        "RedeemGrant": [c.RedeemGrant(grant_id=w.grant().id, at=w.NOW, dpop_jkt=w.KEY) for _ in range(MANY)],
        "ReplaceConnection": [
            c.ReplaceConnection(connection=w.connection(generation=2), expected_generation=1) for _ in range(MANY)
        ],
        "MarkConnection": [
            c.MarkConnection(connection_id=w.connection().id, expected_generation=1) for _ in range(MANY)
        ],
        "BindAuthorization": [
            c.BindAuthorization(authorization_id=w.authorization().id, user_id=w.user().id) for _ in range(MANY)
        ],
        "AddSigningKey": [c.AddSigningKey(key=w.signing_key(f"key-{n}")) for n in range(MANY)],
        "AddIdentity": [
            c.AddIdentity(identity=replace(w.identity(registration=w.CORP), id=w.identity(f"{n}").id))
            for n in range(MANY)
        ],
    }
    units = [(change, c.Record(event=w.event(f"{n}"))) for n, change in enumerate(rivals[what])]
    async with SqlStore(store_url) as another:
        assert await results(*units, stores=[sql_store, another]) == {"done": 1, what: MANY - 1}
    assert len(await sql_store.events(MANY)) == 1


async def test_two_first_sign_ins_at_the_same_moment_make_one_user(sql_store: SqlStore) -> None:
    """Two tabs, two attempts, one account: the second finds the Identity taken."""
    await sql_store.write(*w.invited())
    tabs: list[tuple[Change, ...]] = []
    for number in range(10):
        user = w.user(f"tab-{number}")
        identity = replace(w.identity(f"tab-{number}"), hash=w.identity().hash)
        tabs.append((w.attempt(number), c.AddUser(user=user), c.AddIdentity(identity=identity)))

    assert await results(*tabs, stores=[sql_store]) == {"done": 1, "AddIdentity": 9}


async def test_a_unit_that_the_database_ended_is_written_after_all(
    postgres_store: SqlStore, postgres_store_url: str
) -> None:
    """Rows locked in opposite orders: PostgreSQL ends whoever waited first, and the unit is tried again."""
    rival = await asyncpg.connect(postgres_store_url)
    # By itself it looks after a second, which leaves a busy machine too little of the two that a write may take.
    await rival.execute(
        f'ALTER DATABASE "{await rival.fetchval("SELECT current_database()")}" SET deadlock_timeout = 100'
    )
    await postgres_store.write(*w.newcomer("ada"), *w.newcomer("grace"))
    ada, grace = (
        c.SetUserStatus(user_id=w.user(name).id, status=UserStatus.SUSPENDED, at=w.NOW) for name in ("ada", "grace")
    )
    async with rival.transaction():
        await rival.execute("UPDATE users SET status = 'active' WHERE id = 'usr_grace'")
        unit = asyncio.create_task(postgres_store.write(ada, grace, c.Record(event=w.event())))
        await one_waits(postgres_store_url)
        await rival.execute("UPDATE users SET status = 'active' WHERE id = 'usr_ada'")
    await rival.close()
    await unit

    assert not goes_at_once(type(ada), type(grace))
    found = [await postgres_store.arrival(w.GOOGLE, w.identity(name).hash, None, None) for name in ("ada", "grace")]
    assert [f.known.user.status for f in found if f.known is not None] == [UserStatus.SUSPENDED] * 2
    assert len(await postgres_store.events(9)) == 1


async def one_waits(url: str) -> None:
    """Until some connection to the database waits for a lock."""
    onlooker = await asyncpg.connect(url)
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    while not await onlooker.fetchval(waiting):  # noqa: ASYNC110 - nobody tells us
        await asyncio.sleep(0.01)
    await onlooker.close()


# ── in one round trip


async def test_a_sign_in_is_written_in_one_round_trip(postgres_store_url: str) -> None:
    """All of a first sign-in, and of a later one that replaces a Session; without a BEGIN or a COMMIT."""
    async with proxied(postgres_store_url) as proxy, SqlStore(proxy.url) as store:
        for name in ("ada", "grace", "eve"):
            await store.write(*w.invited(name) if name == "ada" else [])
        await store.write(
            *(c.AddAuthorization(authorization=w.authorization("acme", name)) for name in ("grace", "eve"))
        )
        await store.write(*w.first_sign_in("ada", attempt_number=1))  # the statement is prepared here
        first = w.first_sign_in("grace", attempt_number=2)
        units = [
            (
                w.attempt(number),
                c.ReplaceConnection(connection=w.connection(generation=number), expected_generation=number - 1),
                c.EndSession(session_id=w.session(number=number - 1).id, user_id=w.user().id, at=w.NOW),
                c.AddSession(session=w.session(number=number)),
                c.AddGrant(grant=w.grant(number=number, of=number)),
                c.Record(event=w.event()),
            )
            for number in (2, 3)
        ]
        assert await trips(proxy, lambda: store.write(*first)) == 1
        await store.write(w.attempt(7), *units[0][1:])
        assert await trips(proxy, lambda: store.write(*units[1])) == 1


async def test_a_read_is_one_round_trip(postgres_store_url: str) -> None:
    """However much comes with it."""
    async with proxied(postgres_store_url) as proxy, SqlStore(proxy.url) as store:
        await store.grant_by_code(w.grant().code)
        await store.connections_of(w.user().id)

        assert await trips(proxy, lambda: store.grant_by_code(w.grant().code)) == 1
        assert await trips(proxy, lambda: store.connections_of(w.user().id)) == 1


# ── which go at once


def test_every_change_has_its_statement() -> None:
    """A new Change without one is noticed here, and one of which nobody said whether it ends a right."""
    assert set(WRITES) == set(get_args(Change))
    assert set(TELLINGS) == set(get_args(Change))


@pytest.mark.parametrize("change", WRITES, ids=lambda change: change.__name__)
def test_every_parameter_is_an_attribute_of_its_change(change: type[Change]) -> None:
    """And every attribute is a parameter: nothing that a flow says is left unwritten."""
    names = {name.partition(".")[0] for _, sql in STEPS[change].parts for name in sql.names}

    assert names == {field.name for field in dataclasses.fields(change)}


@pytest.mark.parametrize(
    "types",
    [
        (c.TakeAttempt, c.AddUser, c.AddDataKey, c.AddIdentity, c.AddConnection, c.AddSession, c.AddGrant, c.Record),
        (c.TakeAttempt, c.ReplaceConnection, c.EndSession, c.AddSession, c.AddGrant, c.Record, c.Record),
        (c.TakeAttempt, c.ReplaceConnection, c.AddSession, c.AddGrant, c.TakePushedRequest, c.Record),
        (c.BindAuthorization, c.BindAuthorization, c.AddAuthorization),
        (c.RedeemGrant, c.AddGrant),
        (c.RemoveClientOrg,),
    ],
    ids=lambda types: "+".join(t.__name__ for t in types),
)
def test_changes_that_never_meet_go_at_once(types: tuple[type[Change], ...]) -> None:
    """Different tables, new rows after changed ones, a second use of the same thing."""
    assert goes_at_once(*types)


@pytest.mark.parametrize(
    "types",
    [
        (c.AddSession, c.EndSession),
        (c.EndSession, c.EndOtherSessions),
        (c.AddGrant, c.RedeemGrant),
        (c.RedeemGrant, c.EndSession),
        (c.AddSession, c.SetUserStatus),
        (c.RedeemGrant, c.RevokeGrant),
        (c.ReplaceConnection, c.ReplaceConnection),
        (c.SettleRevocation, c.SettleRevocation),
        (c.AddAuthorization, c.BindAuthorization),
        (c.PutConsent, c.PutConsent),
        (c.PutApplication, c.PutApplication),
        (c.RemoveApplication, c.AddGrant),
        (c.Record, c.RemoveClientOrg),
        (c.PutClientOrg, c.BindAuthorization),
        (c.SetUserStatus, c.BindAuthorization),
        (c.BindAuthorization, c.SetUserStatus),
        (c.Record,) * (LONGEST + 1),
    ],
    ids=lambda types: "+".join(t.__name__ for t in types[:2]) + f"({len(types)})",
)
def test_changes_that_may_meet_go_one_by_one(types: tuple[type[Change], ...]) -> None:
    """A row could be touched twice, or a statement needs what another did."""
    assert not goes_at_once(*types)


def test_statements_are_told_apart_by_their_place() -> None:
    """Each part's parameters are counted on from those before it."""
    steps = (STEPS[c.RedeemGrant], STEPS[c.TakeAttempt])
    text = one_statement(steps)

    assert text is not None
    assert [f"${number}::" in text for number in range(1, 8)] == [True] * 6 + [False]
    assert text.index("lost_race('RedeemGrant')") < text.index("lost_race('TakeAttempt')")


def test_neighbours_of_one_kind_travel_together() -> None:
    """Unless each has to be looked at: whoever is alone, or must touch one row, goes alone. The order stays."""
    attempts = [w.attempt(number) for number in range(2)]
    rewrapped = [c.RewrapDataKey(key=w.data_key(name), expected_wrapped=b"") for name in "abc"]
    changes: list[Change] = [rewrapped[0], *attempts, *rewrapped[1:], c.Record(event=w.event())]
    travels = [(step.name, len(values)) for step, values in alike([STEPS[type(ch)] for ch in changes], changes)]

    assert travels == [
        ("RewrapDataKey", 1),
        ("TakeAttempt", 1),
        ("TakeAttempt", 1),
        ("RewrapDataKey", 2),
        ("Record", 1),
    ]


async def test_many_of_one_kind_are_a_few_round_trips(postgres_store_url: str) -> None:
    """Five hundred data keys get another wrapping while others wait for their turn."""
    keys = [w.data_key(f"u{number:03}") for number in range(500)]
    async with proxied(postgres_store_url) as proxy, SqlStore(proxy.url) as store:
        await store.write(*(c.AddDataKey(key=key) for key in keys))
        moved = [replace(key, kek_id="local:main:2", wrapped=b"new") for key in keys]
        changes = [c.RewrapDataKey(key=new, expected_wrapped=key.wrapped) for new, key in zip(moved, keys, strict=True)]
        await store.write(*changes, c.Record(event=w.event()))

        assert await trips(proxy, lambda: store.write(*changes, c.Record(event=w.event()))) < 20
        assert await store.data_key_counts() == {"local:main:2": 500}


async def test_a_unit_is_read_by_its_attributes(sql_store: SqlStore) -> None:
    """A long unit, as an operator's file makes it, is one unit too."""
    clients = [c.PutClientOrg(client_org=w.client_org(f"client-{number:03}"), at=w.NOW) for number in range(300)]
    await sql_store.write(*clients, *(c.Record(event=w.event()) for _ in clients))
    stored = (await sql_store.catalogue()).clients

    assert sorted(stored.values(), key=attrgetter("id")) == [change.client_org for change in clients]
    assert len(await sql_store.events(999)) == 300
