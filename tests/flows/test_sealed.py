"""A Connection's envelopes, opened and sealed at their place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.domain.connection import Connection, ConnectionStatus, KeptAttribute, UpstreamTokens
from broker.domain.errors import SealBroken
from broker.domain.ids import ConnectionId, GrantId, IdentityId, RegistrationId, UserId
from broker.domain.policy import Context
from broker.flows.found import GrantInFull
from broker.flows.sealed import open_attributes, open_released, open_tokens, seal
from tests.flows.setting import ACME, ADA, GLOBEX, GOOGLE, NOW, POLICY, STRANGER
from tests.flows.world import World

pytestmark = pytest.mark.anyio

IN = Context.TOKENS
KEPT = (KeptAttribute(name="email", value="ada@acme.example", since=NOW),)
TOKENS = UpstreamTokens(access_token="access-canary", refresh_token=None, expires_at=None)
CONNECTION = Connection(
    id=ConnectionId("con_ada"),
    user_id=UserId("usr_ada"),
    identity_id=IdentityId("idn_ada"),
    registration=GOOGLE,
    status=ConnectionStatus.ACTIVE,
    sealed_attributes=None,
    sealed_tokens=None,
    granted_scopes=frozenset(),
    generation=3,
    created_at=NOW,
    last_used_at=NOW,
    revoked_at=None,
)


async def test_what_is_sealed_opens_again(world: World) -> None:
    """Both envelopes, as they were."""
    vault = world.ports.vault
    key = await vault.new_key("usr_ada", NOW)
    attributes, tokens = await seal(CONNECTION, KEPT, TOKENS, key, vault)
    sealed = replace(CONNECTION, sealed_attributes=attributes, sealed_tokens=tokens)

    assert await open_attributes(sealed, key, vault) == KEPT
    assert await open_tokens(sealed, key, vault) == TOKENS
    assert b"canary" not in tokens
    assert b"ada@" not in attributes


async def test_nothing_sealed_is_nothing_kept(world: World) -> None:
    """As after a revocation."""
    key = await world.ports.vault.new_key("usr_ada", NOW)

    assert await open_attributes(CONNECTION, key, world.ports.vault) == ()
    assert await open_tokens(CONNECTION, key, world.ports.vault) is None


@pytest.mark.parametrize(
    "moved",
    [
        {"id": ConnectionId("con_grace")},
        {"user_id": UserId("usr_grace")},
        {"registration": RegistrationId("corp")},
        {"generation": 2},
        {"generation": 4},
    ],
    ids=["row", "User", "registration", "an older generation", "a later one"],
)
async def test_an_envelope_opens_at_its_own_place_alone(world: World, moved: dict[str, Any]) -> None:
    """Whatever it was moved to."""
    vault = world.ports.vault
    key = await vault.new_key("usr_ada", NOW)
    attributes, tokens = await seal(CONNECTION, KEPT, TOKENS, key, vault)
    sealed = replace(CONNECTION, **moved, sealed_attributes=attributes, sealed_tokens=tokens)

    with pytest.raises(SealBroken):
        await open_attributes(sealed, key, vault)
    with pytest.raises(SealBroken):
        await open_tokens(sealed, key, vault)


async def test_an_envelope_opens_in_its_own_column_alone(world: World) -> None:
    """Tokens do not become attributes."""
    vault = world.ports.vault
    key = await vault.new_key("usr_ada", NOW)
    attributes, tokens = await seal(CONNECTION, KEPT, TOKENS, key, vault)
    swapped = replace(CONNECTION, sealed_attributes=tokens, sealed_tokens=attributes)

    with pytest.raises(SealBroken):
        await open_attributes(swapped, key, vault)
    with pytest.raises(SealBroken):
        await open_tokens(swapped, key, vault)


@pytest.mark.parametrize("envelope", [b"", b"\x01", b"\x01\x01damaged"], ids=["empty", "cut", "damaged"])
async def test_what_is_no_envelope_does_not_open(world: World, envelope: bytes) -> None:
    """An empty one is not an absent one."""
    key = await world.ports.vault.new_key("usr_ada", NOW)

    with pytest.raises(SealBroken):
        await open_attributes(replace(CONNECTION, sealed_attributes=envelope), key, world.ports.vault)
    with pytest.raises(SealBroken):
        await open_tokens(replace(CONNECTION, sealed_tokens=envelope), key, world.ports.vault)


async def granted(world: World, scope: str = "openid email profile") -> GrantInFull:
    """A stranger's Grant with all that belongs to it."""
    await world.code(STRANGER, scope=scope)
    (grant_id,) = world.store.tables.grants
    found = await world.ports.store.grant(GrantId(grant_id))
    assert found is not None
    return found


async def test_what_the_policy_releases_is_opened(world: World) -> None:
    """For nobody's sake, everything; for a Client's, what that Client lets out."""
    found = await granted(world)

    assert (await open_released(found, (), IN, world.ports)).values == {
        "email": "eve@elsewhere.example",
        "name": "Eve",
    }
    assert (await open_released(found, (ACME,), IN, world.ports)).values == {"email": "eve@elsewhere.example"}
    assert (await open_released(found, (ACME, GLOBEX), IN, world.ports)).values == {"email": "eve@elsewhere.example"}


async def test_only_what_the_scopes_ask_for_is_opened(world: World) -> None:
    """However much is released."""
    assert (await open_released(await granted(world, "openid profile"), (), IN, world.ports)).values == {"name": "Eve"}


async def test_what_is_released_but_not_kept_is_not_there(world: World) -> None:
    """A policy of today cannot release what yesterday's did not keep."""
    found = await granted(world)
    more = {"keep": {"picture": "Shown"}, "release": {"picture": "Shown"}}

    assert (await open_released(found, (), IN, world.with_policy({"google": more}))).values == {}


@pytest.mark.parametrize(
    ("scope", "document"),
    [
        ("openid", POLICY),
        ("openid email profile", {}),
        ("openid email profile", {"google": {"keep": POLICY["google"]["keep"]}}),
    ],
    ids=["nothing asked for", "no policy", "no release"],
)
async def test_nothing_is_opened_where_nothing_may_come_out(world: World, scope: str, document: dict[str, Any]) -> None:
    """A seal that is broken is not even noticed."""
    found = await granted(world, scope)
    broken = replace(found, connection=replace(found.connection, sealed_attributes=b"\x01\x01damaged"))

    assert (await open_released(broken, (), IN, world.with_policy(document))).values == {}


async def test_a_broken_seal_is_told(world: World) -> None:
    """Each flow decides what it means."""
    found = await granted(world)
    broken = replace(found, connection=replace(found.connection, sealed_attributes=b"\x01\x01damaged"))

    with pytest.raises(SealBroken):
        await open_released(broken, (), IN, world.ports)


async def test_the_key_of_another_user_opens_nothing(world: World) -> None:
    """Though it wraps and unwraps as well as any."""
    found = await granted(world)
    ada = await world.signed_in(ADA)
    other = await world.ports.store.data_key(ada.user.id)
    assert other is not None

    with pytest.raises(SealBroken):
        await open_released(replace(found, data_key=other), (), IN, world.ports)
