"""Whom an Application expects to come back."""

from __future__ import annotations

import pytest

from broker.domain.ids import UserId
from broker.flows.id_token_hint import expected_user, is_expected
from tests.flows.setting import ADA, GRACE, ISSUER
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def test_without_a_hint_anybody_is_expected(world: World) -> None:
    """Most requests have none."""
    assert is_expected(UserId("usr_anybody"), await world.request(), world.signer)
    assert is_expected(UserId("usr_anybody"), await world.request(id_token_hint=""), world.signer)


async def test_a_hint_names_one_person(world: World) -> None:
    """Long after it has expired, too."""
    hint = (await world.redeem(await world.code(ADA))).id_token
    ada, grace = await world.signed_in(ADA), await world.signed_in(GRACE)
    request = await world.request(id_token_hint=hint)
    world.clock.advance(30 * 24 * 3600)

    assert is_expected(ada.user.id, request, world.signer)
    assert not is_expected(grace.user.id, request, world.signer)
    assert not is_expected(UserId(""), request, world.signer)


async def test_what_is_no_id_token_for_this_application_names_nobody(world: World) -> None:
    """Another's, a session JWT, a forged one, one without a subject."""
    tokens = await world.redeem(await world.code(ADA))
    ada = await world.signed_in(ADA)
    claims = {"iss": ISSUER, "aud": "demo-app"}
    nameless = [world.signer.sign(claims | sub, typ="JWT") for sub in ({}, {"sub": ""}, {"sub": None}, {"sub": 1})]
    elsewhere = await world.request("reports", id_token_hint=tokens.id_token)

    assert not is_expected(ada.user.id, elsewhere, world.signer)
    for hint in ("a.b.c", tokens.access_token, tokens.id_token[:-4] + "AAAA", *nameless):
        request = await world.request(id_token_hint=hint)
        assert not is_expected(ada.user.id, request, world.signer)
        assert expected_user(hint, request, world.signer) is None
