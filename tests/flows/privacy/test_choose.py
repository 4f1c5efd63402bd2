"""A User's word about what is optional: given, it counts from the next sign-in; taken back, it counts at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain.connection import ConnectionStatus
from broker.domain.errors import Fault
from broker.domain.ids import GrantId, UserId
from broker.domain.policy import Context
from broker.flows.connections.deliver import deliver_revocations
from broker.flows.connections.revoke import revoke
from broker.flows.found import LiveSession
from broker.flows.privacy.choices import show_choices
from broker.flows.privacy.choose import choose
from broker.flows.sealed import open_released
from tests.flows.gate import OPTIONAL, Gate, open_gate, refused
from tests.flows.setting import ADA, ADA_AT_CORP, GOOGLE, GRACE, NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio

NAME = "google.name"


async def say(gate: Gate, user_id: UserId, subject: str, *, agreed: bool) -> tuple[str, ...]:
    """On the User's own page; what was deleted."""
    return (await choose(user_id, subject, gate.ports, agreed=agreed, request_id="req-choose")).deleted


async def names(world: World) -> list[str]:
    return [attribute.name for attribute in await world.kept()]


async def opened(*agreed: str) -> tuple[Gate, LiveSession]:
    """Ada has come in, and agreed to this."""
    gate = await open_gate(OPTIONAL)
    ada = await gate.let_in(ADA, *agreed)
    gate.world.forget()
    return gate, ada


async def test_what_is_given_counts_from_the_next_sign_in() -> None:
    """Written down with its time, and one line."""
    gate, ada = await opened()
    gate.world.clock.advance(60)
    assert await say(gate, ada.user.id, NAME, agreed=True) == ()
    assert await names(gate.world) == ["email"]
    event = gate.world.event()
    assert (event.action, event.outcome, event.object_id, event.user_id) == ("choice.give", "done", NAME, ada.user.id)
    assert (await show_choices(ada.user.id, gate.ports)).since == {NAME: NOW + 60}

    await gate.world.sign_in(ADA)
    assert await names(gate.world) == ["email", "name"]


async def test_what_is_taken_back_is_gone_at_once() -> None:
    """From the Connection and from what is told of it, with the word in one write; the tokens stay."""
    gate, ada = await opened(NAME, "promotional")
    await gate.world.code(ADA)
    (grant_id,) = gate.world.store.tables.grants
    tokens = await gate.world.tokens()
    gate.world.forget()
    assert await say(gate, ada.user.id, NAME, agreed=False) == ("name",)

    assert len(gate.world.store.writes) == 1
    assert gate.world.event().action == "choice.withdraw"
    assert await names(gate.world) == ["email", "locale"]
    assert await gate.world.tokens() == tokens
    found = await gate.ports.store.grant(GrantId(grant_id))
    assert found is not None
    assert (await open_released(found, (), Context.USERINFO, gate.ports)).values.keys() == {"email", "locale"}
    assert (await show_choices(ada.user.id, gate.ports)).since.keys() == {"promotional"}
    await gate.world.sign_in(ADA)
    assert await names(gate.world) == ["email", "locale"]


async def test_tokens_that_only_this_was_asked_for_go_too_and_the_provider_is_told() -> None:
    """In the same write; before, one is told that they would. What is asked for by another scope stays."""
    gate, ada = await opened(NAME, "promotional")
    tokens = await gate.world.tokens()
    assert (await show_choices(ada.user.id, gate.ports)).ends == {NAME: (), "promotional": ()}  # either needs `profile`
    await say(gate, ada.user.id, "promotional", agreed=False)
    assert await gate.world.tokens() == tokens
    assert (await show_choices(ada.user.id, gate.ports)).ends == {NAME: (GOOGLE,)}

    gate.world.forget()
    connection = (await gate.world.connection()).connection
    chosen = await choose(ada.user.id, NAME, gate.ports, agreed=False, request_id="req-choose")
    assert (chosen.deleted, chosen.ended) == (("name",), (connection.id,))
    assert len(gate.world.store.writes) == 1
    assert {(e.action, e.reason) for e in gate.world.events()} == {
        ("choice.withdraw", ""),
        ("tokens.forget", "consent_withdrawn"),
    }
    after = (await gate.world.connection()).connection
    assert (after.status, after.sealed_tokens) == (ConnectionStatus.NEEDS_REAUTH, None)
    assert await names(gate.world) == ["email"]
    assert await deliver_revocations(gate.ports) == 1
    assert gate.world.upstream.revocations == [(GOOGLE, tokens)]


async def test_tokens_that_do_not_open_go_untold() -> None:
    """Nobody can read them; what was withdrawn is gone all the same."""
    gate, ada = await opened(NAME)
    await gate.world.damage(sealed_tokens=b"\x01\x01damaged")
    chosen = await choose(ada.user.id, NAME, gate.ports, agreed=False, request_id="req-choose")

    assert (chosen.deleted, chosen.ended) == (("name",), ())
    found = await gate.world.connection()
    assert (found.connection.sealed_tokens, found.revocations) == (None, ())


async def test_nobody_elses_goes() -> None:
    """Each User speaks for themselves."""
    gate, ada = await opened(NAME)
    await gate.let_in(GRACE, NAME)
    await say(gate, ada.user.id, NAME, agreed=False)

    assert [attribute.name for attribute in await gate.world.kept(GRACE)] == ["email", "name"]


async def test_what_the_policy_does_not_call_optional_cannot_be_chosen() -> None:
    """Neither given nor taken back; nothing is written."""
    gate, ada = await opened()

    for subject in ("google.email", "email", "", "corp.name"):
        assert await refused(say(gate, ada.user.id, subject, agreed=True)) == "not_found"
        assert await refused(say(gate, ada.user.id, subject, agreed=False)) == "not_found"
    assert gate.world.written == []


async def test_a_sign_in_that_wrote_meanwhile_is_looked_at_again() -> None:
    """It kept by the former word."""
    gate, ada = await opened()
    await say(gate, ada.user.id, NAME, agreed=True)

    async def sign_in() -> None:
        await gate.world.sign_in(ADA)

    gate.world.store.before("write", sign_in)
    assert await say(gate, ada.user.id, NAME, agreed=False) == ("name",)
    assert await names(gate.world) == ["email"]


async def test_a_sign_in_under_way_does_not_keep_by_the_former_word() -> None:
    """Though there was nothing to delete when the word was taken back."""
    gate, ada = await opened()
    await say(gate, ada.user.id, NAME, agreed=True)

    async def take_back() -> None:
        await say(gate, ada.user.id, NAME, agreed=False)

    gate.world.store.before("write", take_back)
    await gate.world.sign_in(ADA)
    assert await names(gate.world) == ["email"]


async def test_an_account_that_is_just_being_connected_does_not_either() -> None:
    """It is a row that nobody knew of."""
    gate, ada = await opened("corp.email")
    await say(gate, ada.user.id, "corp.email", agreed=True)

    async def take_back() -> None:
        await say(gate, ada.user.id, "corp.email", agreed=False)

    gate.world.store.before("write", take_back)
    await gate.world.connect(ADA_AT_CORP, ada)
    assert await gate.world.kept(ADA_AT_CORP) == ()


async def test_a_connection_that_was_revoked_stays_so() -> None:
    """And one that is connected again meanwhile does not keep by the former word."""
    gate, ada = await opened(NAME)
    connection = (await gate.world.connection()).connection
    await revoke(connection.id, ada.user.id, gate.ports, request_id="req")
    assert await say(gate, ada.user.id, NAME, agreed=False) == ()
    assert (await gate.world.connection()).connection.status is ConnectionStatus.REVOKED
    await say(gate, ada.user.id, NAME, agreed=True)

    async def take_back() -> None:
        await say(gate, ada.user.id, NAME, agreed=False)

    gate.world.store.before("write", take_back)
    await gate.world.sign_in(ADA)
    assert await names(gate.world) == ["email"]


async def test_what_does_not_open_is_worthless() -> None:
    """Nobody knows whether it is in there: the Connection needs a new sign-in."""
    gate, ada = await opened(NAME)
    await gate.world.damage(sealed_attributes=b"\x01\x01damaged")
    assert await say(gate, ada.user.id, NAME, agreed=False) == ()
    after = (await gate.world.connection()).connection

    assert (after.status, after.sealed_attributes, after.sealed_tokens) == (ConnectionStatus.NEEDS_REAUTH, None, None)
    assert [event.action for event in gate.world.events()][-2:] == ["vault.open", "choice.withdraw"]


@pytest.mark.parametrize("damaged", [False, True])
async def test_a_user_without_a_key_that_opens_has_nothing_to_delete(damaged: bool) -> None:
    """Their word is noted all the same."""
    gate, ada = await opened(NAME)
    key = gate.world.store.tables.data_keys[ada.user.id]
    if damaged:
        gate.world.store.tables.data_keys[ada.user.id] = replace(key, wrapped=bytes(len(key.wrapped)))
    else:
        del gate.world.store.tables.data_keys[ada.user.id]
    assert await say(gate, ada.user.id, NAME, agreed=False) == ()

    assert (await show_choices(ada.user.id, gate.ports)).since == {}


async def test_whoever_keeps_writing_is_met_with_a_fault() -> None:
    """Nothing was changed then."""
    gate, ada = await opened(NAME)

    async def sign_in() -> None:
        await gate.world.sign_in(ADA)

    gate.world.store.always_before("write", sign_in)
    with pytest.raises(Fault):
        await say(gate, ada.user.id, NAME, agreed=False)
    assert (await show_choices(ada.user.id, gate.ports)).since == {NAME: NOW}


async def test_what_can_be_chosen_is_what_the_connected_accounts_may_tell() -> None:
    """And every purpose, whether anything belongs to it or not."""
    gate, ada = await opened()
    before = await show_choices(ada.user.id, gate.ports)
    gate.world.clock.advance(60)
    await gate.world.connect(ADA_AT_CORP, ada)
    after = await show_choices(ada.user.id, gate.ports)

    assert [option.subject for option in before.options] == ["promotional", "analytics", NAME]
    assert [option.subject for option in after.options] == ["promotional", "analytics", NAME, "corp.email"]
