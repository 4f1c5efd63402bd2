"""What an operator does to signing keys by hand: add, promote, retire, revoke."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain.changes import PutApplication, RevokeSigningKey
from broker.domain.errors import Fault, Refusal
from broker.domain.revocation import Claim, in_force_for
from broker.domain.signing_key import WINDOW, KeyState, TooEarly
from broker.flows.keys.add import add
from broker.flows.keys.promote import promote
from broker.flows.keys.retire import retire
from broker.flows.keys.revoke import revoke
from tests.flows.keys.desk import Desk
from tests.flows.refusals import refusal
from tests.flows.setting import NOW
from tests.storage.world import application

pytestmark = pytest.mark.anyio

PENDING, ACTIVE, RETIRING, REVOKED = KeyState


@pytest.fixture
async def desk() -> Desk:
    """One key signs, since now."""
    desk = Desk()
    await desk.rotate()
    desk.store.tables.ledger.clear()
    return desk


async def test_a_key_that_is_added_waits(desk: Desk) -> None:
    """For its algorithm; a second one is refused."""
    made = await add("EdDSA", desk.tools)

    assert desk.every()[1] == made
    assert (made.alg, made.state, made.activated_at) == ("EdDSA", PENDING, None)
    assert desk.told() == [("signing_key.add", made.kid)]
    with refusal(Refusal, "key_pending"):
        await add("EdDSA", desk.tools)


async def test_the_first_key_of_all_may_be_added_by_hand() -> None:
    """It signs at once."""
    assert (await add("RS256", Desk().tools)).state is ACTIVE


async def test_a_key_is_promoted_once_it_was_published_for_long_enough(desk: Desk) -> None:
    """Before, nothing is written."""
    (old,), new = desk.every(), await add("ES256", desk.tools)
    desk.clock.advance(WINDOW - 1)
    with refusal(TooEarly, "key_too_new") as refused:
        await promote(new.kid, desk.tools)
    assert refused.value.may_sign_from == NOW + WINDOW
    assert desk.states() == [ACTIVE, PENDING]

    desk.clock.advance(1)
    await promote(new.kid, desk.tools)
    assert desk.states() == [RETIRING, ACTIVE]
    assert desk.told()[1:] == [("signing_key.retire", old.kid), ("signing_key.promote", new.kid)]


async def test_retiring_tells_which_key_took_over(desk: Desk) -> None:
    """None where none had to."""
    (old,), new = desk.every(), await add("ES256", desk.tools)
    with refusal(TooEarly, "key_too_new"):
        await retire(old.kid, desk.tools, algorithm="ES256")
    desk.clock.advance(WINDOW)

    assert await retire(old.kid, desk.tools, algorithm="ES256") == new.kid
    assert desk.states() == [RETIRING, ACTIVE]
    other = await add("ES256", desk.tools)
    assert await retire(other.kid, desk.tools, algorithm="ES256") is None
    assert desk.states() == [RETIRING, ACTIVE, RETIRING]


async def test_a_key_that_an_application_needs_is_not_retired_alone(desk: Desk) -> None:
    """Once nobody has chosen its algorithm it is."""
    made = await add("EdDSA", desk.tools)
    desk.clock.advance(WINDOW)
    await promote(made.kid, desk.tools)
    chosen = replace(application("reports"), signing_algorithm="EdDSA")
    await desk.store.write(PutApplication(application=chosen))
    with refusal(Refusal, "key_needed"):
        await retire(made.kid, desk.tools, algorithm="ES256")

    await desk.store.write(PutApplication(application=replace(chosen, signing_algorithm=None)))
    assert await retire(made.kid, desk.tools, algorithm="ES256") is None


async def test_a_revoked_key_is_replaced_in_the_same_write(desk: Desk) -> None:
    """By a new one, which signs at once; its private half is destroyed, and whoever follows revocations hears of it."""
    (old,) = desk.every()
    desk.store.writes.clear()
    kid = await revoke(old.kid, desk.tools, algorithm="ES256")

    stolen, new = desk.every()
    assert (stolen.state, stolen.revoked_at, stolen.sealed_private) == (REVOKED, NOW, b"")
    assert (new.kid, new.state, new.created_at) == (kid, ACTIVE, NOW)
    (unit,) = desk.store.writes
    assert [type(change) for change in unit].count(RevokeSigningKey) == 1
    assert [(n.claim, n.value, n.until) for n in desk.store.tables.revocations.values()] == [
        (Claim.KID, old.kid, NOW + in_force_for(Claim.KID))
    ]
    assert desk.told() == [("signing_key.revoke", old.kid), ("signing_key.add", new.kid)]


async def test_a_key_that_waits_takes_over_from_a_revoked_one(desk: Desk) -> None:
    """Though its time has not come."""
    (old,), standby = desk.every(), await add("ES256", desk.tools)

    assert await revoke(old.kid, desk.tools, algorithm="ES256") == standby.kid
    assert desk.states() == [REVOKED, ACTIVE]
    assert desk.told()[1:] == [("signing_key.revoke", old.kid), ("signing_key.promote", standby.kid)]


async def test_revoking_a_key_that_does_not_sign_brings_none(desk: Desk) -> None:
    """And a second time is refused."""
    standby = await add("ES256", desk.tools)

    assert await revoke(standby.kid, desk.tools, algorithm="ES256") is None
    assert desk.states() == [ACTIVE, REVOKED]
    with refusal(Refusal, "key_not_in_use"):
        await revoke(standby.kid, desk.tools, algorithm="ES256")


@pytest.mark.parametrize("before", ["signing_keys", "data_key", "write"])
async def test_two_operators_at_once_revoke_a_key_once(desk: Desk, before: str) -> None:
    """One new key signs; the other operator is told that it was done already."""
    (old,) = desk.every()
    desk.store.before(before, lambda: revoke(old.kid, desk.tools, algorithm="ES256"))
    with refusal(Refusal, "key_not_in_use"):
        await revoke(old.kid, desk.tools, algorithm="ES256")

    assert desk.states() == [REVOKED, ACTIVE]


async def test_a_standby_that_is_revoked_meanwhile_does_not_take_over(desk: Desk) -> None:
    """The deed is decided afresh, on what there is now."""
    (old,), standby = desk.every(), await add("ES256", desk.tools)
    desk.store.before("write", lambda: revoke(standby.kid, desk.tools, algorithm="ES256"))
    kid = await revoke(old.kid, desk.tools, algorithm="ES256")

    assert desk.states() == [REVOKED, REVOKED, ACTIVE]
    assert kid == desk.every()[2].kid


async def test_nothing_is_decided_while_the_store_does_not_answer(desk: Desk) -> None:
    """No key is half revoked."""
    (old,) = desk.every()
    desk.store.stop_before("write")
    with refusal(Fault, "storage_unavailable"):
        await revoke(old.kid, desk.tools, algorithm="ES256")

    assert desk.states() == [ACTIVE]
