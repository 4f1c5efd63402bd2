"""By which algorithm an Application's tokens are signed: its own, or the default."""

from __future__ import annotations

from dataclasses import replace

import jwt
import pytest

from broker.crypto.signing_keys import LoadedKey, generate
from broker.domain.changes import PutApplication
from broker.domain.ids import ApplicationId
from tests.crypto.examples import loaded
from tests.flows.world import World

pytestmark = pytest.mark.anyio

OWN = loaded(generate("EdDSA"))


async def signed_by(world: World, own: LoadedKey) -> tuple[list[str], list[str]]:
    """The keys of both tokens of an Application that has chosen its own algorithm, and of one that has not."""
    (default,) = world.signer.keys
    world.signer.use([default, own])
    found = await world.ports.store.application(ApplicationId("demo-app"))
    assert found is not None
    await world.store.write(PutApplication(application=replace(found, signing_algorithm="EdDSA")))
    own_tokens = await world.redeem(await world.code())
    others = await world.redeem(await world.code(application="reports"), "reports")
    names = {default.kid: "default", own.kid: "own"}
    both = [
        [names[jwt.get_unverified_header(token)["kid"]] for token in (tokens.access_token, tokens.id_token)]
        for tokens in (own_tokens, others)
    ]
    return both[0], both[1]


async def test_an_application_has_its_own_algorithm(world: World) -> None:
    """In both tokens, so that the hash of the one in the other is by the same algorithm; nobody else has."""
    assert await signed_by(world, OWN) == (["own", "own"], ["default", "default"])


async def test_until_its_key_may_sign_the_default_does(world: World) -> None:
    """Not everybody who verifies may have it yet."""
    assert await signed_by(world, replace(OWN, active=False)) == (["default", "default"], ["default", "default"])
