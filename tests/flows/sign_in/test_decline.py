"""Who does not accept leaves nothing behind: no row, and no token that lives."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from broker.domain.changes import RemoveApplication
from broker.domain.errors import Fault
from broker.domain.ids import ApplicationId
from tests.flows.gate import Gate, open_gate, refused
from tests.flows.setting import ADA, ADA_AT_CORP, GOOGLE
from tests.flows.texts import answer_of

pytestmark = pytest.mark.anyio


def counts(gate: Gate) -> dict[str, int]:
    """How many rows each table has, but for leases, on which nothing depends."""
    tables = gate.world.store.tables
    return {table.name: len(getattr(tables, table.name)) for table in fields(tables) if table.name != "leases"}


async def test_declining_leaves_no_row_but_that_it_was_declined() -> None:
    """The attempt is used up, and a line of nobody says why."""
    gate = await open_gate()
    before = counts(gate)
    asked = await gate.asked()
    declined = await gate.decline(asked)

    after = counts(gate)
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {
        "taken_attempts": 1,
        "ledger": 1,
    }
    event = gate.world.event()
    assert (event.action, event.outcome, event.reason) == ("sign_in.decline", "done", "revoked")
    assert (event.user_id, event.application_id, event.registration) == (None, "demo-app", GOOGLE)
    assert declined.told is True


async def test_the_tokens_just_obtained_are_revoked() -> None:
    """At their Provider, before anything is said."""
    gate = await open_gate()
    await gate.decline(await gate.asked())
    (issued,) = gate.world.upstream.issued

    assert gate.world.upstream.revocations == [(GOOGLE, issued)]
    assert not gate.world.upstream.lives(issued)


async def test_the_application_that_waits_is_told() -> None:
    """As of any no (RFC 6749 section 4.1.2.1), with its own state."""
    gate = await open_gate()
    declined = await gate.decline(await gate.asked())

    assert declined.onward is not None
    assert declined.onward.url.startswith("https://demo-app.example/callback?")
    told = answer_of(declined.onward.url)
    assert (told["error"], told["state"]) == ("access_denied", "state-canary")


async def test_without_an_application_there_is_nobody_to_be_told() -> None:
    """A page of ours says it."""
    gate = await open_gate()

    assert (await gate.decline(await gate.asked(ADA, None))).onward is None


async def test_an_application_that_is_gone_is_not_told() -> None:
    """The tokens are revoked all the same."""
    gate = await open_gate()
    asked = await gate.asked()
    await gate.world.store.write(RemoveApplication(application_id=ApplicationId("demo-app"), at=0))
    declined = await gate.decline(asked)

    assert (declined.onward, declined.told) == (None, True)


async def test_a_provider_that_does_not_answer_is_told_of_as_such() -> None:
    """Nothing is kept that could be tried again with."""
    gate = await open_gate()
    asked = await gate.asked()
    gate.world.upstream.down = True

    assert (await gate.decline(asked)).told is False
    assert gate.world.event().reason == "pending"


async def test_after_a_no_there_is_no_yes() -> None:
    """Nor the other way round; and a no after a yes revokes nothing."""
    gate = await open_gate()
    declined = await gate.asked()
    await gate.decline(declined)
    gate.world.forget()
    assert await refused(gate.answer(declined)) == "used_state"
    assert await refused(gate.decline(declined)) == "used_state"
    assert gate.world.written == []

    accepted = await gate.asked()
    await gate.accept(accepted)
    revoked = len(gate.world.upstream.revocations)
    assert await refused(gate.decline(accepted)) == "used_state"
    assert len(gate.world.upstream.revocations) == revoked


async def test_a_no_that_comes_at_the_same_moment_as_a_yes_is_too_late() -> None:
    """The attempt is taken by one of them."""
    gate = await open_gate()
    asked = await gate.asked()

    async def accepted_meanwhile() -> None:
        await gate.accept(asked)

    gate.world.store.before("write", accepted_meanwhile)
    assert await refused(gate.decline(asked)) == "used_state"


async def test_who_is_known_goes_on_as_before() -> None:
    """Revoking would end the Connection that they have: revocation often reaches the whole grant."""
    gate = await open_gate()
    ada = await gate.let_in()
    gate.revise()
    asked = await gate.asked()
    gate.world.forget()
    declined = await gate.decline(asked)

    assert (declined.told, gate.world.upstream.revocations) == (None, [])
    assert gate.world.event().user_id == ada.user.id
    assert await gate.world.tokens() is not None
    assert (await gate.ports.store.user(ada.user.id)) == ada.user


async def test_who_was_connecting_stays_signed_in_and_connects_nothing() -> None:
    """And nobody else can say no for them."""
    gate = await open_gate()
    ada = await gate.let_in()
    gate.revise()
    asked = await gate.asked(ADA_AT_CORP, connecting=ada)
    assert await refused(gate.decline(asked)) == "initiator_mismatch"
    gate.world.forget()
    declined = await gate.decline(asked, signed_in=ada)

    assert declined.told is True
    assert gate.world.event().action == "connect.decline"
    assert len(await gate.world.connections()) == 1


@pytest.mark.parametrize("held", [None, "x"])
async def test_without_its_cookie_a_form_declines_nothing(held: Any) -> None:
    """Nobody can say no for somebody else."""
    gate = await open_gate()
    asked = await gate.asked()

    assert await refused(gate.decline(asked, cookie=held)) == "invalid_state"
    assert gate.world.upstream.revocations == []
    assert await refused(gate.decline(replace(asked, form=asked.cookie))) == "invalid_state"


async def test_while_the_storage_is_down_nothing_is_declined() -> None:
    """It can be said again."""
    gate = await open_gate()
    asked = await gate.asked()
    gate.world.store.down = True
    with pytest.raises(Fault):
        await gate.decline(asked)
    assert gate.world.upstream.revocations == []
    gate.world.store.down = False

    assert (await gate.decline(asked)).told is True
