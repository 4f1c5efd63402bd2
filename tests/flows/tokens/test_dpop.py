"""Tokens that are bound to a key: what each grant gives for a proof, and what it refuses without (RFC 9449)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jwt
import pytest

from broker.domain.changes import RevokeGrant, TakeAssertion
from broker.domain.dpop import BEHIND
from broker.domain.errors import OAuthRefusal
from broker.domain.grant import CodeMisused
from broker.domain.refresh_token import REPLAY_WITHIN
from broker.flows.possession import SentProof, ShownToken
from broker.flows.revocations.admit import admit
from broker.flows.tokens.for_itself import token_for_itself
from broker.flows.tokens.introspect import introspect
from broker.flows.tokens.userinfo import userinfo
from tests.flows.proofs import USERINFO_URL, Holder
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, APPLICATIONS, NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio

HOLDER, OTHER = Holder(), Holder()
OFFLINE = "openid email offline_access"
BOUND = {"cnf": {"jkt": HOLDER.thumbprint}}


def claims(token: str) -> dict[str, Any]:
    told: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return told


def names(writes: Sequence[Sequence[object]]) -> list[list[str]]:
    return [[type(change).__name__ for change in changes] for changes in writes]


async def test_a_code_becomes_a_token_that_is_bound(world: World) -> None:
    """And the proof is used up by the very write that uses the code: no round trip more."""
    code = await world.code()
    world.forget()
    tokens = await world.redeem(code, proof=HOLDER.sent())

    assert tokens.token_type == "DPoP"
    assert claims(tokens.access_token)["cnf"] == BOUND["cnf"]
    assert "cnf" not in claims(tokens.id_token)
    assert names(world.store.writes) == [["TakeAssertion", "RedeemGrant", "Record"]]


async def test_without_a_proof_nothing_changes(world: World) -> None:
    """A bearer token, with no claim more than before, and no write more."""
    code = await world.code()
    world.forget()
    tokens = await world.redeem(code)

    assert tokens.token_type == "Bearer"
    assert "cnf" not in claims(tokens.access_token)
    assert names(world.store.writes) == [["RedeemGrant", "Record"]]


@pytest.mark.parametrize("bent", [{"iat": NOW - BEHIND - 1}, {"url": USERINFO_URL}, {"header": {"jwk": OTHER.jwk}}])
async def test_a_wrong_proof_burns_nothing(world: World, bent: dict[str, Any]) -> None:
    """Whatever else is right: neither the code nor the refresh token, both of which go on to work."""
    code, token = await world.code(), await world.refreshable(proof=HOLDER.sent())
    world.forget()
    for attempt in (world.redeem(code, proof=HOLDER.sent(**bent)), world.refresh(token, proof=HOLDER.sent(**bent))):
        with refusal(OAuthRefusal, "invalid_dpop_proof"):
            await attempt

    assert world.written == []
    await world.redeem(code, proof=HOLDER.sent())
    await world.refresh(token, proof=HOLDER.sent())


async def test_a_proof_is_used_once(world: World) -> None:
    """For any grant; a replay changes nothing, though it comes with a code that was used or is of somebody else."""
    proof, code, refreshable = HOLDER.sent(), await world.code(), await world.refreshable(proof=HOLDER.sent())
    tokens = await world.redeem(code, proof=proof)
    for again in (
        world.refresh(refreshable, proof=proof),
        world.redeem(await world.code(), proof=proof),
        world.redeem(code, proof=proof),
        world.redeem(await world.code(), code_verifier="x" * 43, proof=proof),
        token_for_itself(world.credentials("robot"), None, proof, world.ports),
    ):
        with refusal(OAuthRefusal, "invalid_dpop_proof") as caught:
            await again
        assert caught.value.detail == "used before"
    assert all(grant.revoked_at is None for grant in world.store.tables.grants.values())
    await userinfo(HOLDER.shown(tokens.access_token), world.ports)


async def test_a_used_code_ends_its_grant_with_a_fresh_proof_as_without(world: World) -> None:
    """RFC 6749 section 4.1.2: who can make a proof of their own has the code from somewhere."""
    for proof in (None, OTHER.sent()):
        code = await world.code()
        tokens = await world.redeem(code, proof=HOLDER.sent())
        with refusal(CodeMisused, "invalid_grant"):
            await world.redeem(code, proof=proof)
        with refusal(OAuthRefusal, "invalid_token"):
            await userinfo(HOLDER.shown(tokens.access_token), world.ports)


@pytest.mark.parametrize("proof", [None, OTHER.sent()], ids=["no proof", "another key"])
async def test_a_code_may_be_bound_to_a_key(world: World, proof: SentProof | None) -> None:
    """RFC 9449 section 10: it is burnt like one without its verifier, as whoever has it has stolen it."""
    code = await world.code(dpop_jkt=HOLDER.thumbprint)
    assert (await world.redeem(code, proof=HOLDER.sent())).token_type == "DPoP"

    code = await world.code(dpop_jkt=HOLDER.thumbprint)
    world.forget()
    with refusal(CodeMisused, "invalid_grant"):
        await world.redeem(code, proof=proof)
    assert any(isinstance(change, RevokeGrant) for change in world.written)
    with refusal(CodeMisused, "invalid_grant"):
        await world.redeem(code, proof=HOLDER.sent())


async def test_a_public_applications_refresh_token_is_bound(world: World) -> None:
    """RFC 9449 section 5: no other key refreshes, nor none; and that ends nothing, even with a token used before."""
    first = await world.refreshable(proof=HOLDER.sent())
    second = await world.refresh(first, proof=HOLDER.sent())
    world.clock.advance(REPLAY_WITHIN)
    assert second.token_type == "DPoP" and second.refresh_token is not None
    assert claims(second.access_token)["cnf"] == BOUND["cnf"]
    world.forget()
    for token in (first, second.refresh_token):
        for proof in (None, OTHER.sent(now=world.clock.now())):
            with refusal(OAuthRefusal, "invalid_grant"):
                await world.refresh(token, proof=proof)

    assert world.written == []
    await world.refresh(second.refresh_token, proof=HOLDER.sent(now=world.clock.now()))
    assert names(world.store.writes) == [["TakeAssertion", "RefreshGrant", "Record"]]


async def test_its_holder_who_uses_an_old_one_ends_it(world: World) -> None:
    """RFC 9700 section 4.14.2, as without a key; but not by a request that was sent a second time."""
    proof, first = HOLDER.sent(), await world.refreshable(proof=HOLDER.sent())
    second = await world.refresh(first, proof=proof)
    world.clock.advance(REPLAY_WITHIN)
    assert second.refresh_token is not None
    with refusal(OAuthRefusal, "invalid_dpop_proof"):
        await world.refresh(first, proof=proof)
    third = await world.refresh(second.refresh_token, proof=HOLDER.sent(now=world.clock.now()))
    world.clock.advance(REPLAY_WITHIN)
    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(first, proof=HOLDER.sent(now=world.clock.now()))
    assert third.refresh_token is not None
    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(third.refresh_token, proof=HOLDER.sent(now=world.clock.now()))


async def test_a_refresh_binds_no_refresh_token_that_was_free(world: World) -> None:
    """Its session JWT alone: a thief could else bind it to a key of theirs, and its owner's next use end nothing."""
    first = await world.refreshable()
    stolen = await world.refresh(first, proof=OTHER.sent())
    world.clock.advance(REPLAY_WITHIN)
    assert claims(stolen.access_token)["cnf"] == {"jkt": OTHER.thumbprint}
    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(first)
    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(stolen.refresh_token or "", proof=OTHER.sent(now=world.clock.now()))


async def test_a_confidential_application_may_change_its_key(world: World) -> None:
    """RFC 9449 section 5: its refresh token is bound to its secret, each session JWT to the key of its own request."""
    token = await world.refreshable(application="reports", proof=HOLDER.sent())
    for proof, bound in ((OTHER.sent(), {"jkt": OTHER.thumbprint}), (None, None), (HOLDER.sent(), BOUND["cnf"])):
        tokens = await world.refresh(token, "reports", proof=proof)
        assert claims(tokens.access_token).get("cnf") == bound


async def test_an_applications_own_token_is_bound(world: World) -> None:
    """client_credentials: one write, for the proof alone."""
    world.forget()
    token = await token_for_itself(world.credentials("robot"), None, HOLDER.sent(), world.ports)

    assert (token.token_type, claims(token.access_token)["cnf"]) == ("DPoP", BOUND["cnf"])
    assert names(world.store.writes) == [["TakeAssertion"]]
    assert isinstance(world.written[0], TakeAssertion)


async def test_an_application_that_wants_it_gets_nothing_else(world: World) -> None:
    """RFC 9449 section 5.2, for every grant; nothing is burnt by having forgotten it."""
    before = await world.refreshable()
    wanting = {name: APPLICATIONS[name] | {"dpop": True} for name in ("demo-app", "robot")}
    await world.declare(applications=APPLICATIONS | wanting)
    code = await world.code(scope=OFFLINE)
    with refusal(OAuthRefusal, "invalid_request"):
        await world.redeem(code)
    tokens = await world.redeem(code, proof=HOLDER.sent())
    assert tokens.refresh_token is not None
    with refusal(OAuthRefusal, "invalid_request"):
        await world.refresh(tokens.refresh_token)
    await world.refresh(tokens.refresh_token, proof=HOLDER.sent())
    with refusal(OAuthRefusal, "invalid_grant"):  # it was given to nobody's key
        await world.refresh(before, proof=HOLDER.sent())
    with refusal(OAuthRefusal, "invalid_request"):
        await token_for_itself(world.credentials("robot"), None, None, world.ports)


async def test_a_bound_token_opens_nothing_by_itself(world: World) -> None:
    """Userinfo, and the feed: with its proof alone (RFC 9449 section 7.2); nothing is written."""
    tokens = await world.redeem(await world.code(ADA), proof=HOLDER.sent())
    world.forget()
    told = await userinfo(HOLDER.shown(tokens.access_token), world.ports)
    assert told.claims["email"] == "ada@acme.example"
    for shown in (ShownToken(text=tokens.access_token), OTHER.shown(tokens.access_token)):
        with refusal(OAuthRefusal, "invalid_token"):
            await userinfo(shown, world.ports)
        with refusal(OAuthRefusal, "invalid_token"):
            await admit(shown, world.ports)
    assert world.written == []


async def test_introspection_tells_the_key(world: World) -> None:
    """RFC 9449 section 6.2: of a session JWT, of an Application's own, and of a refresh token that is bound."""
    await world.declare(
        applications=APPLICATIONS | {"crm": APPLICATIONS["crm"] | {"audience": "https://api.partner-ops.example"}}
    )
    tokens = await world.redeem(await world.code(scope=OFFLINE), proof=HOLDER.sent())
    told = await introspect(world.credentials("crm"), tokens.access_token, world.ports)
    assert (told["token_type"], told["cnf"]) == ("DPoP", BOUND["cnf"])
    own = await token_for_itself(world.credentials("robot"), None, HOLDER.sent(), world.ports)
    told = await introspect(world.credentials("robot"), own.access_token, world.ports)
    assert (told["token_type"], told["cnf"]) == ("DPoP", BOUND["cnf"])
    kept = await world.refreshable(application="reports", proof=HOLDER.sent())
    assert "cnf" not in await introspect(world.credentials("reports"), kept, world.ports)
