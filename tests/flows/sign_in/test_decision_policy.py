"""The narrow waist: the policy chooses before anything is sealed or handed to the store, and the rest ends there."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from broker.crypto.vault import LocalVault
from broker.domain.sealing import Place, WrappedKey
from tests.fakes.upstream import Person
from tests.flows.setting import ADA, ADA_AT_CORP, CLIENTS, GOOGLE, GRACE, NOW, POLICY, STRANGER
from tests.flows.texts import holds, texts_in
from tests.flows.world import KEYRING, World

pytestmark = pytest.mark.anyio


class WatchedVault(LocalVault):
    """Keeps what it is given to seal."""

    def __init__(self) -> None:
        super().__init__(KEYRING)
        self.sealed: list[bytes] = []

    async def seal(self, key: WrappedKey, place: Place, plaintext: bytes) -> bytes:
        self.sealed.append(plaintext)
        return await super().seal(key, place, plaintext)


def of_google(**section: Any) -> dict[str, Any]:
    """The policy with another section for Google."""
    return POLICY | {"google": POLICY["google"] | section}


async def values(world: World, person: Person = ADA) -> dict[str, str]:
    """What is kept, by name."""
    return {attribute.name: attribute.value for attribute in await world.kept(person)}


async def test_what_the_policy_names_is_kept_and_nothing_else(world: World) -> None:
    """Out of five attributes that the Provider told."""
    await world.sign_in(ADA)

    assert await values(world) == {"email": "ada@acme.example", "name": "Ada Lovelace"}


async def test_a_dropped_value_reaches_neither_vault_nor_store(world: World) -> None:
    """Not in a write, not in a question, not inside a seal; nor does it when the person comes back."""
    vault = WatchedVault()
    ports = replace(world.ports, vault=vault)
    for _ in range(2):
        await world.sign_in(ADA, await world.request(), ports=ports)

    assert len(vault.sealed) == 4
    assert not any(b"dropped-canary" in plaintext for plaintext in vault.sealed)
    assert not holds(world.store.received, "dropped-canary")


async def test_the_store_sees_nobodys_data_and_no_token_in_clear(world: World) -> None:
    """Kept values and tokens are sealed; subject and address are only ever asked for by their keyed hash."""
    await world.sign_in(ADA, await world.request())
    await world.sign_in(ADA)

    canaries = [ADA.subject, "ada@acme.example", "Ada Lovelace", "access-token-canary", "refresh-token-canary"]
    canaries += ["upstream-code-canary", world.upstream.departures[0].attempt.code_verifier]
    assert [canary for canary in canaries if holds(world.store.received, canary)] == []
    assert world.email_hash("ada@acme.example") in texts_in(world.store.received)


async def test_a_client_may_keep_less(world: World) -> None:
    """Grace acts for globex alone, which keeps no names: hers is dropped although the policy above would keep it."""
    await world.sign_in(GRACE)

    assert await values(world, GRACE) == {"email": "grace@globex.example"}
    assert not holds(world.store.received, "Grace Hopper")


async def test_whoever_acts_for_nobody_is_kept_as_the_policy_says(world: World) -> None:
    """There is no Client that could narrow it."""
    await world.sign_in(STRANGER)

    assert await values(world, STRANGER) == {"email": "eve@elsewhere.example", "name": "Eve"}


@pytest.mark.parametrize(
    "document",
    [{}, {"google": {}}, {"google": {"keep": {}}}, {"corp": POLICY["corp"]}],
    ids=["no policy", "empty section", "empty list", "another registration's"],
)
async def test_without_a_policy_nothing_is_kept(world: World, document: dict[str, Any]) -> None:
    """Empty means nothing; the person can sign in nevertheless."""
    finished = await world.sign_in(ADA, ports=world.with_policy(document))

    assert await values(world) == {}
    await world.session_of(finished)


async def test_a_policy_is_of_its_own_registration(world: World) -> None:
    """What may be kept from Google may not be kept from another Provider that tells it too."""
    await world.sign_in(replace(ADA_AT_CORP, profile={"email": "ada@corp.example", "name": "dropped-canary"}))

    assert await values(world, ADA_AT_CORP) == {"email": "ada@corp.example"}


@pytest.mark.parametrize(
    "value",
    [None, "", 7, True, ["dropped-canary"], {"given": "dropped-canary"}, "dropped-canary\n", "dropped-canary" * 100],
    ids=["absent", "empty", "number", "flag", "list", "table", "not printable", "too long"],
)
async def test_a_value_that_is_no_line_of_text_is_not_kept(world: World, value: object) -> None:
    """The others are, and the person is signed in."""
    vault = WatchedVault()
    person = replace(ADA, profile={"email": "ada@acme.example", "name": value})
    await world.sign_in(person, ports=replace(world.ports, vault=vault))

    assert await values(world) == {"email": "ada@acme.example"}
    assert not any(b"dropped-canary" in plaintext for plaintext in vault.sealed)


async def test_a_malformed_attribute_is_told_to_the_ledger(world: World) -> None:
    """That there was one, never its value."""
    await world.sign_in(ADA)
    await world.sign_in(replace(ADA, profile={"email": ["dropped-canary"], "name": "Ada Lovelace"}))

    assert [event.reason for event in world.events()] == ["", "attribute_malformed"]


async def test_what_the_policy_does_not_name_any_more_goes_with_the_next_sign_in(world: World) -> None:
    """And is not carried along from what was kept before."""
    await world.sign_in(ADA)
    await world.sign_in(ADA, ports=world.with_policy(of_google(keep={"email": "Contact"}, release={}, clients={})))

    assert await values(world) == {"email": "ada@acme.example"}


async def test_what_the_last_client_that_kept_it_gave_up_goes_with_the_next_sign_in(world: World) -> None:
    """Ada leaves acme; globex keeps no names."""
    await world.sign_in(ADA)
    await world.declare(clients=CLIENTS | {"acme": CLIENTS["acme"] | {"authorizations": []}})
    await world.sign_in(ADA)

    assert await values(world) == {"email": "ada@acme.example"}


async def test_an_unchanged_value_keeps_its_date(world: World) -> None:
    """A changed one is as old as the change."""
    await world.sign_in(ADA)
    world.clock.advance(60)
    await world.sign_in(replace(ADA, profile={"email": "ada@acme.example", "name": "Ada King"}))

    assert {a.name: a.since for a in await world.kept()} == {"email": NOW, "name": NOW + 60}


async def test_what_the_provider_does_not_tell_any_more_goes(world: World) -> None:
    """It was asked for, and did not come."""
    await world.sign_in(ADA)
    await world.sign_in(replace(ADA, profile={"email": "ada@acme.example"}))

    assert await values(world) == {"email": "ada@acme.example"}


async def test_what_was_not_asked_for_this_time_stays(world: World) -> None:
    """A sign-in on behalf of globex asks for no name; acme keeps it still."""
    await world.sign_in(ADA)
    await world.sign_in(replace(ADA, profile={"email": "ada@acme.example"}), await world.request(organization="globex"))

    assert await values(world) == {"email": "ada@acme.example", "name": "Ada Lovelace"}


async def test_what_is_kept_is_sealed_for_its_own_place(world: World) -> None:
    """Neither value opens in the other's column, nor in the generation before."""
    await world.sign_in(ADA)
    old = (await world.connection()).connection
    await world.sign_in(ADA)
    new = (await world.connection()).connection

    assert old.sealed_attributes != new.sealed_attributes
    assert (old.registration, new.registration) == (GOOGLE, GOOGLE)
    await world.damage(ADA, sealed_attributes=old.sealed_attributes)
    with pytest.raises(Exception, match="seal_broken"):
        await world.kept()
    await world.damage(ADA, sealed_attributes=new.sealed_tokens)
    with pytest.raises(Exception, match="seal_broken"):
        await world.kept()


async def test_what_is_sealed_is_what_was_selected_and_the_tokens(world: World) -> None:
    """Each alone, and nothing beside them."""
    vault = WatchedVault()
    await world.sign_in(ADA, ports=replace(world.ports, vault=vault))

    attributes, tokens = (json.loads(plaintext) for plaintext in vault.sealed)
    assert [kept[:3] for kept in attributes] == [["email", "ada@acme.example", NOW], ["name", "Ada Lovelace", NOW]]
    (issued,) = world.upstream.issued
    assert tokens == [issued.access_token, issued.refresh_token, issued.expires_at]
