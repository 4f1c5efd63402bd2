"""The ledger and its chain on every store: what is asked of them, and what may be written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain import changes as c
from broker.domain.errors import Conflict
from broker.domain.ids import UserId
from broker.domain.ledger import AuditEvent
from broker.domain.ledger_chain import COLUMNS, Link, linked, pruning
from broker.flows.ledger_store import KeptHead
from broker.flows.store import Store
from broker.storage import tables
from broker.storage.store import SqlStore
from tests.storage import world as w
from tests.storage.test_notices import inhabited

pytestmark = pytest.mark.anyio

ADA, GRACE = UserId("usr_ada"), UserId("usr_grace")


async def recorded(store: Store, *events: AuditEvent) -> list[int]:
    """The ids that these events get, in their order."""
    before = [row.id for row in await store.settled_rows(0, 99)]
    for event in events:
        await store.write(c.Record(event=event))
    return [row.id for row in await store.settled_rows(before[-1] if before else 0, 99)]


async def chained(store: Store, *events: AuditEvent) -> list[Link]:
    """These events, and all before them, in the chain."""
    await recorded(store, *events)
    last = (await store.chain_end()).last
    rows = await store.settled_rows(0 if last is None else last.event_id, 99)
    links = linked(last, rows)
    await store.write(*(c.AddLink(link=link) for link in links))
    return list(links)


def test_what_is_hashed_is_every_column() -> None:
    """In their order: a new one is a new version of the encoding."""
    assert tuple(column.name for column in tables.ledger.columns) == COLUMNS


async def test_a_row_is_as_it_is_stored(store: Store) -> None:
    """On every store the same, so that a chain can move with its ledger from one to another."""
    event = replace(
        w.event("redeem"),
        user_id=ADA,
        released=("email", "name"),
        ground="consent",
        sealed=b"\x01sealed",
        client_org=None,
    )
    (id_,) = await recorded(store, event)
    ((found,), plain) = (await store.settled_rows(0, 9), dict.fromkeys(COLUMNS))
    values = dict(zip(COLUMNS, found.columns, strict=True))

    assert values == plain | {name: getattr(event, name, None) for name in COLUMNS} | {
        "id": id_,
        "released": '["email","name"]',
    }
    assert [type(value) for value in found.columns].count(bytes) == 1


async def test_events_are_asked_for_a_part_at_a_time(store: Store) -> None:
    """Of all, of one User, of those that tell something; by id."""
    ada, grace = replace(w.event(), user_id=ADA), replace(w.event(), user_id=GRACE)
    ids = await recorded(store, ada, grace, replace(ada, released=("email",)), replace(grace, released=("name",)), ada)

    assert ids == sorted(ids)
    assert [entry.id for entry in await store.entries(None, 0, 9)] == ids
    assert [entry.id for entry in await store.entries(None, ids[1], 2)] == ids[2:4]
    assert [entry.id for entry in await store.entries(ADA, 0, 9)] == [ids[0], ids[2], ids[4]]
    assert [entry.id for entry in await store.entries(ADA, ids[0], 1)] == [ids[2]]
    assert [entry.id for entry in await store.disclosures_of(ADA, 0, 9)] == [ids[2]]
    assert [entry.event.released for entry in await store.disclosures_of(GRACE, ids[0], 9)] == [("name",)]
    assert await store.disclosures_of(GRACE, ids[3], 9) == ()
    assert [row.id for row in await store.rows_between(ids[0], ids[3], 9)] == ids[1:4]
    assert [row.id for row in await store.rows_between(ids[0], ids[3], 2)] == ids[1:3]
    assert await store.rows_left(ids[1]) == 3


@pytest.mark.parametrize("action", ["ledger.prune", "policy.in_force"])
async def test_marks_are_found_the_newest_first(store: Store, action: str) -> None:
    """Among whatever else there is."""
    first, _, last = await recorded(store, *(replace(w.event(a), object_id=a) for a in (action, "refresh", action)))

    assert [entry.id for entry in await store.entries_called(action, 9)] == [last, first]
    assert [entry.id for entry in await store.entries_called(action, 1)] == [last]


async def test_the_chain_grows_at_its_end(store: Store) -> None:
    """Links by position, the last one, and that of an event."""
    end = await store.chain_end()
    assert (end.last, end.is_behind) == (None, False)
    links = await chained(store, w.event("a"), w.event("b"), w.event("c"))

    end = await store.chain_end()
    assert (end.last, end.is_behind) == (links[-1], False)
    assert list(await store.links(0, 9)) == links
    assert list(await store.links(1, 1)) == [links[1]]
    assert await store.link_of(links[1].event_id) == links[1]
    assert await store.link_of(links[-1].event_id + 1) is None
    more = await chained(store, w.event("d"))
    assert [link.position for link in more] == [4]


@pytest.mark.parametrize("beside", [0, 1, 2])
@pytest.mark.parametrize("taken", [w.link(1, event_id=9), w.link(9, event_id=1)], ids=["position", "event"])
async def test_nothing_in_the_chain_is_taken_twice(store: Store, taken: Link, beside: int) -> None:
    """Neither a position nor an event; then nothing of the write is there, whatever else was in it."""
    await store.write(c.AddLink(link=w.link(1, event_id=1)))
    others = [c.AddLink(link=w.link(position, event_id=position)) for position in range(20, 20 + beside)]
    with pytest.raises(Conflict) as conflict:
        await store.write(*others, c.AddLink(link=taken))

    assert conflict.value.what == "AddLink"
    assert list(await store.links(0, 99)) == [w.link(1, event_id=1)]


async def test_heads_are_kept_by_their_position(store: Store) -> None:
    """One for each."""
    assert await store.last_head() is None
    for position in (3, 9):
        await store.write(c.AddLedgerHead(position=position, at=w.NOW, signed=f"signed {position}"))
    with pytest.raises(Conflict) as conflict:
        await store.write(c.AddLedgerHead(position=9, at=w.NOW, signed="another"))

    assert conflict.value.what == "AddLedgerHead"
    three, nine = (KeptHead(position=p, at=w.NOW, signed=f"signed {p}") for p in (3, 9))
    assert await store.last_head() == nine
    assert list(await store.heads(0, 9)) == [three, nine]
    assert list(await store.heads(3, 99)) == [nine]
    assert list(await store.heads(0, 8)) == [three]


async def test_pruning_spares_whom_it_must_and_leaves_the_links(store: Store) -> None:
    """Only between these positions; events of nobody go too."""
    ada, grace = replace(w.event(), user_id=ADA), replace(w.event(), user_id=GRACE)
    links = await chained(store, ada, grace, w.event(), ada, grace, ada)
    await store.write(
        c.PruneLedger(first=2, last=5, spared=frozenset({GRACE, UserId("usr_'\"")})),
        c.Record(event=pruning(5, w.NOW)),
    )
    left = [row.id for row in await store.settled_rows(0, 99)]

    assert left[:-1] == [links[number].event_id for number in (0, 1, 4, 5)]
    assert list(await store.links(0, 99)) == links
    assert [entry.event.object_id for entry in await store.entries_called("ledger.prune", 9)] == ["5"]
    await store.write(c.PruneLedger(first=1, last=99, spared=frozenset()))
    assert [row.id for row in await store.settled_rows(0, 99)] == left[-1:]


async def test_an_id_is_never_given_again(sql_store: SqlStore) -> None:
    """Also where everything was pruned: the next event comes after all that ever were."""
    links = await chained(sql_store, w.event("a"), w.event("b"))
    await sql_store.write(c.PruneLedger(first=1, last=2, spared=frozenset()))
    (id_,) = await recorded(sql_store, w.event("c"))

    assert id_ > links[-1].event_id


async def test_what_was_told_is_remembered_by_whoever_knew_what_was_told_before(store: Store) -> None:
    """Two that tell something else at once are not both the first."""
    await inhabited(store)
    remember = c.RememberReleased(grant_id=w.grant().id, expected=(), released=("email", "name"))
    await store.write(remember)
    found = await store.grant(w.grant().id)
    assert found is not None
    assert found.grant.released == ("email", "name")
    with pytest.raises(Conflict) as conflict:
        await store.write(remember)

    assert conflict.value.what == "RememberReleased"
    redeemed = c.RedeemGrant(grant_id=w.grant().id, at=w.NOW, dpop_jkt=None, released=("email",))
    await store.write(redeemed)
    found = await store.grant(w.grant().id)
    assert found is not None
    assert found.grant.released == ("email",)


async def test_what_is_forgotten_has_its_lines(store: Store) -> None:
    """How many rows, and of which table; where nothing is forgotten there is none."""
    await store.write(*(w.attempt(number) for number in range(3)))
    assert await store.forget_expired(w.NOW + 10**8) == 3
    (event,) = await store.events(9)

    assert (event.action, event.outcome, event.reason, event.object_id) == (
        *("expired.forget", "done", "3"),
        "taken_attempts",
    )
    assert (event.at, event.request_id) == (w.NOW + 10**8, "")
    assert await store.forget_expired(w.NOW + 10**8) == 0
    assert len(await store.events(9)) == 1
