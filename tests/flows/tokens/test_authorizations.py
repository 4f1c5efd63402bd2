"""What `authorizations_ref` points to."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from broker.domain.errors import OAuthRefusal
from broker.domain.session_token import canonical
from broker.flows.possession import ShownToken
from broker.flows.tokens.authorizations import authorizations
from tests.flows.refusals import refusal
from tests.flows.setting import CLIENTS, GLOBEX
from tests.flows.world import World

pytestmark = pytest.mark.anyio


def many(number: int) -> dict[str, Any]:
    """So many Clients that all give Ada something."""
    given = {"name": "One of many", "rights": ["reports:read"]}
    to_ada = {"authorizations": [{"user": "ada@acme.example", "rights": ["reports:read"]}]}
    return {f"client-{n:04}": given | to_ada for n in range(number)}


async def test_too_many_authorizations_are_found_whole(world: World) -> None:
    """The token has their digest and their number instead."""
    await world.declare(clients=CLIENTS | many(200))
    tokens = await world.redeem(await world.code())
    claims = world.signer.verify(tokens.access_token, typ="at+jwt", audience=None, now=None)
    assert claims is not None
    found = await authorizations(ShownToken(text=tokens.access_token), world.ports)

    reference = claims["authorizations_ref"]
    assert "authorizations" not in claims
    assert (len(found), reference["count"]) == (202, 202)
    assert reference["digest"] == f"sha-256:{hashlib.sha256(canonical(found)).hexdigest()}"


async def test_no_more_than_the_token_covers_is_shown(world: World) -> None:
    """One Client's, for a token of one Client."""
    tokens = await world.redeem(await world.code(organization="globex"))

    assert await authorizations(ShownToken(text=tokens.access_token), world.ports) == {GLOBEX: ("reports:read",)}


async def test_a_token_that_is_not_accepted_is_shown_nothing(world: World) -> None:
    """As everywhere."""
    with refusal(OAuthRefusal, "invalid_token"):
        await authorizations(ShownToken(text=""), world.ports)
