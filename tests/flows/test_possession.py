"""Who holds which key: at the token endpoint, and where a token is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.domain.application import Application
from broker.domain.changes import TakeAssertion
from broker.domain.dpop import BEHIND, KEPT_LONGER
from broker.domain.errors import OAuthRefusal
from broker.domain.ids import ApplicationId
from broker.flows.possession import Possession, SentProof, ShownToken, possession, require_holder
from tests.flows.proofs import TOKEN_URL, USERINFO_URL, Holder
from tests.flows.refusals import refusal
from tests.flows.setting import NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio

HOLDER, OTHER = Holder(), Holder()


async def application(world: World, **changes: Any) -> Application:
    found = await world.ports.store.application(ApplicationId("demo-app"))
    assert found is not None
    return replace(found, **changes)


async def test_a_good_proof_shows_its_key_and_is_used_up(world: World) -> None:
    """By a keyed hash of key and name, for as long as any process would take it."""
    held = possession(HOLDER.sent(jti="one"), await application(world), world.ports)
    name = world.ports.secrets.keyed_hash("dpop", f"{HOLDER.thumbprint} one")

    assert (held.key, held.token_type) == (HOLDER.thumbprint, "DPoP")
    assert held.use_up == (TakeAssertion(assertion=name, expires_at=NOW + BEHIND + KEPT_LONGER),)
    known = await application(world)
    again, others = (possession(one.sent(jti="one"), known, world.ports) for one in (HOLDER, OTHER))
    assert again.use_up == held.use_up != others.use_up


async def test_without_one_tokens_are_for_their_bearer(world: World) -> None:
    """Unless the operator has said that they must not be (RFC 9449 section 5.2)."""
    held = possession(None, await application(world), world.ports)

    assert held == Possession(key=None, use_up=())
    assert held.token_type == "Bearer"
    with refusal(OAuthRefusal, "invalid_request"):
        possession(None, await application(world, dpop=True), world.ports)
    assert possession(HOLDER.sent(), await application(world, dpop=True), world.ports).key == HOLDER.thumbprint


async def test_what_is_no_proof_of_this_request_is_refused(world: World) -> None:
    """Also one for userinfo, one too old, one by another key than is in it, and an empty header."""
    good = HOLDER.sent()
    bent = [
        HOLDER.sent(url=USERINFO_URL),
        HOLDER.sent(iat=NOW - BEHIND - 1),
        HOLDER.sent(header={"jwk": OTHER.jwk}),
        replace(good, text=""),
        replace(good, method="PUT"),
        replace(good, url=USERINFO_URL),
    ]
    for sent in bent:
        with refusal(OAuthRefusal, "invalid_dpop_proof"):
            possession(sent, await application(world), world.ports)


async def test_a_bound_token_is_shown_with_its_proof_alone(world: World) -> None:
    """RFC 9449 sections 7.1 and 7.2: neither as a bearer token nor by another key, and no bearer token by a proof."""
    bound = {"cnf": {"jkt": HOLDER.thumbprint}}
    require_holder(HOLDER.shown("a.b.c"), bound, world.ports)
    require_holder(ShownToken(text="a.b.c"), {}, world.ports)

    for shown, claims in (
        (ShownToken(text="a.b.c"), bound),
        (OTHER.shown("a.b.c"), bound),
        (HOLDER.shown("a.b.c"), {}),
    ):
        with refusal(OAuthRefusal, "invalid_token"):
            require_holder(shown, claims, world.ports)
    for shown in (
        HOLDER.shown("a.b.c", ath=...),
        replace(HOLDER.shown("a.b.c"), text="a.b.d"),
        HOLDER.shown("a.b.c", url=TOKEN_URL),
        ShownToken(text="a.b.c", proof=SentProof(text="", method="GET", url=USERINFO_URL)),
    ):
        with refusal(OAuthRefusal, "invalid_dpop_proof"):
            require_holder(shown, bound, world.ports)
