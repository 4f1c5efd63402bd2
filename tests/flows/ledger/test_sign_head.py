"""What is signed of the chain's end: once for each end, by the key that signs tokens, and no token."""

from __future__ import annotations

import pytest

from broker.crypto.ledger_heads import read_head
from broker.domain.ledger_chain import HEAD_TYPE
from broker.flows.ledger.sign_head import sign_head
from tests.flows.ledger.chains import Chained
from tests.flows.setting import ISSUER, NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio


@pytest.fixture
def chained(world: World) -> Chained:
    return Chained(world=world)


async def test_the_end_of_the_chain_is_signed(chained: Chained) -> None:
    """It says by whom, when, and how far."""
    await chained.record(3)
    await chained.chain()
    head = await sign_head(chained.world.ports)
    last = (await chained.world.store.chain_end()).last

    assert head is not None
    assert last is not None
    assert (head.position, head.at) == (last.position, NOW)
    assert await chained.world.store.last_head() == head
    claims = {"iss": ISSUER, "position": last.position, "chain_hash": last.chain_hash.hex(), "iat": NOW}
    assert chained.world.signer.verify(head.signed, typ=HEAD_TYPE, audience=None, now=None) == claims
    keys = {key.kid: key.public_jwk for key in await chained.world.store.signing_keys()}
    read = read_head(head.signed, keys)
    assert read is not None
    assert (read.known, read.head.chain_hash) == (True, last.chain_hash.hex())


async def test_a_head_is_no_token(chained: Chained) -> None:
    """Nobody gets in with it."""
    await chained.chain()
    head = await chained.sign()

    assert chained.world.signer.verify(head, typ="at+jwt", audience=None, now=None) is None


async def test_nothing_new_is_nothing_signed(chained: Chained) -> None:
    """Without any event, or without one since the last time."""
    assert await sign_head(chained.world.ports) is None
    await chained.chain()
    await chained.sign()
    assert await sign_head(chained.world.ports) is None

    await chained.record()
    await chained.chain()
    await chained.sign()
    assert len(chained.world.store.tables.ledger_heads) == 2


async def test_of_two_processes_one_signs(chained: Chained) -> None:
    """The other one leaves it at that."""
    await chained.chain()
    chained.world.store.before("write", lambda: sign_head(chained.world.ports))

    assert await sign_head(chained.world.ports) is None
    assert len(chained.world.store.tables.ledger_heads) == 1
