"""The whole ledger is proven, against what was signed too; the first thing that is wrong is named."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from broker.crypto import base64url
from broker.crypto.ledger_heads import read_head
from broker.domain.ledger_check import Broken, Wrong
from broker.domain.signing_key import SigningKey
from broker.flows.ledger.verify import AT_ONCE, verify
from broker.flows.ledger_store import ChainEnd
from tests.fakes.raced_store import RacedStore
from tests.flows.ledger.chains import Chained
from tests.flows.setting import ISSUER
from tests.flows.world import World, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def chained(world: World) -> Chained:
    """Nine events beside those of the start, chained and signed; two more are not chained yet."""
    chained = Chained(world=world)
    await chained.record(4)
    await chained.chain()
    await chained.sign()
    await chained.record(5)
    await chained.chain()
    await chained.sign()
    await chained.record(2)
    return chained


async def test_a_whole_ledger_is_proven(chained: Chained) -> None:
    """How far it goes, how many heads agree, and how many events are not chained yet."""
    found = await chained.verify()
    last = (await chained.world.store.chain_end()).last

    assert last is not None
    assert (found.position, found.chain_hash) == (last.position, last.chain_hash.hex())
    assert (found.heads, found.unproven, found.left, found.missing, found.pruned) == (2, 0, 2, 0, 0)
    assert (found.broken, found.problems) == (None, ())


async def test_an_empty_one_is_whole_too() -> None:
    """Nothing is chained, nothing signed."""
    found = await verify(RacedStore(), read_head, ISSUER, None)

    assert (found.position, found.chain_hash, found.left, found.problems) == (0, "", 0, ())


async def test_it_reads_a_part_at_a_time(chained: Chained) -> None:
    """However long it is."""
    await chained.record(AT_ONCE)
    await chained.chain()
    chained.world.forget()

    assert (await chained.verify()).problems == ()
    reads = [call for call in chained.world.store.received if call[0] in ("links", "rows_between")]
    assert all(call[-1] in (AT_ONCE, AT_ONCE + 1) for call in reads)
    assert len(reads) == 5


async def test_what_was_changed_is_named(chained: Chained) -> None:
    """With its position and its id; what is beyond is not counted."""
    tables = chained.world.store.tables
    tables.ledger[5] = replace(tables.ledger[5], reason="forged")
    found = await chained.verify()

    assert found.broken == Broken(what=Wrong.CHANGED, position=5, event_id=5)
    assert (found.position, found.left) == (4, 0)
    assert found.problems == ("position 5, event 5: the event is not what it was when it was chained",)


async def test_links_that_changed_places_are_told_from_events_put_in(chained: Chained) -> None:
    """By whether what is in the way has a link of its own."""
    links = chained.world.store.tables.ledger_links
    links[3], links[4] = replace(links[4], position=3), replace(links[3], position=4)
    assert (await chained.verify()).broken == Broken(what=Wrong.REORDERED, position=3, event_id=3)

    del links[3], links[4]
    for position in range(3, len(links) + 1):
        links[position] = replace(links.pop(position + 2), position=position)
    assert (await chained.verify()).broken == Broken(what=Wrong.INSERTED, position=3, event_id=3)


async def test_a_chain_that_was_cut_short_is_missed(chained: Chained) -> None:
    """Its events then look as if they were not chained yet; but its end was signed."""
    links = chained.world.store.tables.ledger_links
    last = max(links)
    del links[last]
    found = await chained.verify()

    assert found.broken == Broken(what=Wrong.REMOVED, position=last)
    assert found.problems == (f"position {last}: the event, or its link, is gone",)


async def remade(chained: Chained) -> None:
    """Somebody who can change every row has changed one event, and made the chain anew; heads cannot be made."""
    tables = chained.world.store.tables
    tables.ledger[5] = replace(tables.ledger[5], reason="forged")
    tables.ledger_links.clear()
    await chained.chain("run_2")


async def test_a_chain_that_was_made_anew_is_found_by_its_heads(chained: Chained) -> None:
    """The first head from there on says so."""
    chained.world.clock.advance(60)
    await remade(chained)
    found = await chained.verify()

    assert found.broken is not None
    assert found.broken.what is Wrong.HEAD
    assert found.broken.position == min(p for p in chained.world.store.tables.ledger_heads if p >= 5)


async def test_where_the_heads_went_too_one_that_was_kept_elsewhere_says_so(chained: Chained) -> None:
    """That is what it is exported for."""
    chained.world.clock.advance(60)
    exported = chained.world.store.tables.ledger_heads[max(chained.world.store.tables.ledger_heads)][1]
    assert (await chained.verify(exported)).heads == 3
    await remade(chained)
    chained.world.store.tables.ledger_heads.clear()

    assert (await chained.verify()).problems == ()
    found = await chained.verify(exported)
    assert found.broken is not None
    assert found.broken.what is Wrong.HEAD


async def test_a_head_beyond_the_end_says_that_the_end_is_gone(chained: Chained) -> None:
    """Also when only the exported one is left."""
    tables = chained.world.store.tables
    exported = tables.ledger_heads[max(tables.ledger_heads)][1]
    last = max(tables.ledger_links)
    del tables.ledger_links[last]
    tables.ledger_heads.clear()

    assert (await chained.verify()).problems == ()
    assert (await chained.verify(exported)).broken == Broken(what=Wrong.REMOVED, position=last)


async def test_a_head_of_another_broker_proves_nothing(chained: Chained) -> None:
    """Nor does a text that is none."""
    another = Chained(world=await open_world())
    await another.chain()
    foreign = await another.sign()
    unsigned = foreign.rpartition(".")[0] + "." + foreign.rpartition(".")[2][::-1]

    for kept in ("", "not a head", unsigned):
        assert (await another.verify(kept)).problems == ("the head in the file is none of this broker's",)
    ours = await verify(another.world.store, read_head, "https://other.example", foreign)
    assert ours.problems[0] == "the head in the file is none of this broker's"


async def test_a_kept_head_that_was_not_signed_so_is_told(chained: Chained) -> None:
    """Another signature, another position, or no head at all."""
    heads = chained.world.store.tables.ledger_heads
    first, second = sorted(heads)
    heads[first] = heads[second]
    heads[second] = (0, "not a head")

    assert (await chained.verify()).problems == (
        f"position {first}: the kept head is not what was signed",
        f"position {second}: the kept head is not what was signed",
    )


async def test_heads_of_a_key_that_is_forgotten_are_compared_all_the_same(chained: Chained) -> None:
    """They are told apart from those whose signature was checked."""
    tables = chained.world.store.tables
    tables.signing_keys = dict[str, SigningKey]()
    found = await chained.verify()
    assert (found.heads, found.unproven, found.problems) == (2, 2, ())

    chained.world.clock.advance(60)
    await remade(chained)
    broken = (await chained.verify()).broken
    assert broken is not None
    assert broken.what is Wrong.HEAD


async def test_a_signature_by_another_algorithm_than_the_keys_is_none(chained: Chained) -> None:
    """The header says nothing that the key does not."""
    signed = await chained_head(chained)
    header, payload, signature = signed.split(".")
    document = json.loads(base64url.decode(header) or b"")
    forged = base64url.encode(json.dumps(document | {"alg": "RS256"}).encode())

    assert (await chained.verify(f"{forged}.{payload}.{signature}")).problems != ()


async def chained_head(chained: Chained) -> str:
    """The newest one."""
    head = await chained.world.store.last_head()
    assert head is not None
    return head.signed


async def test_pruned_events_are_counted(chained: Chained) -> None:
    """All but those that are spared; the chain is proven still, and what is beyond has to be there."""
    await chained.record(2, "usr_held")
    await chained.chain()
    last = max(chained.world.store.tables.ledger_links)
    await chained.prune(last, "usr_held")
    found = await chained.verify()
    assert (found.problems, found.pruned, found.missing) == ((), last, last - 2)

    await chained.record(2)
    await chained.chain()
    await chained.prune(3)
    assert (await chained.verify()).problems == ()
    del chained.world.store.tables.ledger[max(chained.world.store.tables.ledger_links)]
    broken = (await chained.verify()).broken
    assert broken is not None
    assert broken.what is Wrong.REMOVED


async def test_that_new_events_cannot_be_chained_is_a_problem(chained: Chained) -> None:
    """After a restore into another server."""

    class Behind(RacedStore):
        async def chain_end(self) -> ChainEnd:
            return ChainEnd(last=None, is_behind=True)

    found = await verify(Behind(), read_head, ISSUER, None)
    assert found.problems == ("new events cannot be chained: run broker migrate",)
