"""What a device is told each time it asks: every answer of RFC 8628 section 3.5, and tokens once."""

from __future__ import annotations

import asyncio

import pytest

from broker.domain.changes import EndSession, PollDeviceRequest, RemoveApplication, RevokeGrant, SetUserStatus
from broker.domain.errors import OAuthRefusal
from broker.domain.ids import ApplicationId, GrantId
from broker.domain.user import UserStatus
from broker.flows.devices.begin import DeviceAuthorization
from broker.flows.found import LiveSession
from broker.flows.issued import Tokens
from tests.flows.devices.tv import Tv
from tests.flows.proofs import Holder
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio

HOLDER = Holder()


@pytest.fixture
async def ada(world: World, tv: Tv) -> LiveSession:
    """Ada, signed in."""
    return await world.signed_in(ADA)


@pytest.fixture
async def allowed(world: World, tv: Tv, ada: LiveSession) -> DeviceAuthorization:
    """What Ada has just let in."""
    begun = await tv.begin(scope="openid email offline_access")
    await tv.answer(begun, ada)
    world.forget()
    return begun


async def test_until_somebody_answers_the_device_asks_again(world: World, tv: Tv) -> None:
    """`authorization_pending`; of each question its time is kept, and nothing else."""
    begun = await tv.begin()
    world.forget()
    for after in (0, 5, 5):
        with refusal(OAuthRefusal, "authorization_pending"):
            await tv.poll(begun, after=after)

    assert [type(change) for change in world.written] == [PollDeviceRequest] * 3
    assert world.events() == []


async def test_who_asks_too_often_has_to_slow_down(world: World, tv: Tv) -> None:
    """`slow_down`, and five seconds more from then on."""
    begun = await tv.begin()
    for after, code in (
        (0, "authorization_pending"),
        (3, "slow_down"),
        (8, "slow_down"),
        (15, "authorization_pending"),
    ):
        with refusal(OAuthRefusal, code):
            await tv.poll(begun, after=after)


async def test_who_was_allowed_gets_tokens(
    world: World, tv: Tv, ada: LiveSession, allowed: DeviceAuthorization
) -> None:
    """As from a code: an ID token without nonce, and a refresh token; one line in the ledger."""
    tokens = await tv.poll(allowed)
    claims = world.signer.verify(tokens.id_token, typ="JWT", audience="tv", now=NOW)
    session = world.signer.verify(tokens.access_token, typ="at+jwt", audience=None, now=NOW)

    assert claims is not None
    assert session is not None
    assert (claims["sub"], claims["email"]) == (ada.user.id, "ada@acme.example")
    assert "nonce" not in claims
    assert (session["sid"], session["client_id"]) == (ada.session.id, "tv")
    assert tokens.refresh_token is not None
    assert tokens.scope == "openid email offline_access"
    assert (world.event().action, world.event().request_id) == ("redeem", "req-poll")
    assert (await world.refresh(tokens.refresh_token, "tv")).refresh_token is not None


async def test_a_device_has_its_tokens_bound_to_its_key(world: World, tv: Tv, allowed: DeviceAuthorization) -> None:
    """RFC 9449 section 5; by a proof that nothing else was got with, and one that was leaves the code as it is."""
    used = HOLDER.sent()
    await world.redeem(await world.code(ADA), proof=used)
    with refusal(OAuthRefusal, "invalid_dpop_proof"):
        await tv.poll(allowed, proof=used)
    tokens = await tv.poll(allowed, proof=HOLDER.sent())

    session = world.signer.verify(tokens.access_token, typ="at+jwt", audience=None, now=NOW)
    assert session is not None
    assert (tokens.token_type, session["cnf"]) == ("DPoP", {"jkt": HOLDER.thumbprint})
    assert tokens.refresh_token is not None
    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(tokens.refresh_token, "tv")
    assert (await world.refresh(tokens.refresh_token, "tv", proof=HOLDER.sent())).token_type == "DPoP"


async def test_who_was_not_allowed_is_told_so(tv: Tv, ada: LiveSession) -> None:
    """`access_denied`, again and again."""
    begun = await tv.begin()
    await tv.answer(begun, ada, allow=False)
    for _ in range(2):
        with refusal(OAuthRefusal, "access_denied"):
            await tv.poll(begun)


@pytest.mark.parametrize("answered", [None, True, False])
async def test_after_ten_minutes_it_is_too_late(tv: Tv, ada: LiveSession, answered: bool | None) -> None:
    """`expired_token`, whatever was answered."""
    begun = await tv.begin()
    if answered is not None:
        await tv.answer(begun, ada, allow=answered)
    with refusal(OAuthRefusal, "expired_token"):
        await tv.poll(begun, after=600)


async def test_a_device_code_works_once(world: World, tv: Tv, allowed: DeviceAuthorization) -> None:
    """A second time it is `invalid_grant`; the tokens of the first live on, as a device's questions may overtake."""
    tokens = await tv.poll(allowed)
    with refusal(OAuthRefusal, "invalid_grant"):
        await tv.poll(allowed)

    assert tokens.refresh_token is not None
    await world.refresh(tokens.refresh_token, "tv")


async def test_of_sixteen_questions_at_once_one_gets_tokens(world: World, tv: Tv, allowed: DeviceAuthorization) -> None:
    """Also of one that asks between what another reads and what it writes."""
    early: list[Tokens] = []

    async def overtake() -> None:
        early.append(await tv.poll(allowed))

    world.store.before("write", overtake)
    answers = await asyncio.gather(*(tv.poll(allowed) for _ in range(16)), return_exceptions=True)

    assert len(early) == 1
    assert {getattr(answer, "code", "tokens") for answer in answers} == {"invalid_grant"}


@pytest.mark.parametrize("device_code", ["", "x", "A" * 43])
async def test_an_unknown_code_is_refused(world: World, tv: Tv, device_code: str) -> None:
    """`invalid_grant`, and nothing is written."""
    begun = DeviceAuthorization(
        device_code=device_code,
        user_code="",
        verification_uri="",
        verification_uri_complete="",
        expires_in=0,
        interval=0,
    )
    with refusal(OAuthRefusal, "invalid_grant"):
        await tv.poll(begun)
    assert world.written == []


async def test_another_application_neither_learns_nor_changes_anything(
    world: World, tv: Tv, ada: LiveSession, allowed: DeviceAuthorization
) -> None:
    """The same answer as to an unknown code, for each state of the request; its own device goes on."""
    box = Tv(world, "box")
    pending, denied = await tv.begin(), await tv.begin()
    await tv.answer(denied, ada, allow=False)
    world.forget()
    for begun in (pending, denied, allowed):
        with refusal(OAuthRefusal, "invalid_grant") as caught:
            await box.poll(begun)
        assert caught.value.detail == "no device code of this application"
    assert world.written == []
    await tv.poll(allowed)


async def test_an_application_proves_itself_each_time(world: World, tv: Tv, ada: LiveSession) -> None:
    """A confidential one by its secret; one without the grant gets nothing."""
    box = Tv(world, "box")
    begun = await box.begin()
    await box.answer(begun, ada)
    box.credentials = world.credentials("box", secret=None)
    with refusal(OAuthRefusal, "invalid_client"):
        await box.poll(begun)
    box.credentials = world.credentials("demo-app")
    with refusal(OAuthRefusal, "unauthorized_client"):
        await box.poll(begun)
    await Tv(world, "box").poll(begun)


async def test_neither_code_passes_for_the_other(world: World, tv: Tv, allowed: DeviceAuthorization) -> None:
    """A device code is no authorization code, nor the other way round; neither is burnt by it."""
    code = await world.code(scope="openid")
    with refusal(OAuthRefusal, "invalid_grant"):
        await world.redeem(allowed.device_code, redirect_uri="", code_verifier="")
    with refusal(OAuthRefusal, "invalid_grant"):
        await world.redeem(allowed.user_code)
    presented = DeviceAuthorization(
        device_code=code, user_code="", verification_uri="", verification_uri_complete="", expires_in=0, interval=0
    )
    with refusal(OAuthRefusal, "invalid_grant"):
        await tv.poll(presented)
    await world.redeem(code)
    await tv.poll(allowed)


async def test_what_ended_between_answer_and_question_gives_no_tokens(world: World, tv: Tv, ada: LiveSession) -> None:
    """The User is switched off, signs out, or the Grant is revoked or gone: `invalid_grant` each."""
    off, out, revoked, gone = [await tv.begin() for _ in range(4)]
    for begun in (off, out, revoked, gone):
        await tv.answer(begun, ada)
    by_code = {g.code: g.id for g in world.store.tables.grants.values()}

    def grant_of(begun: DeviceAuthorization) -> GrantId:
        return by_code[world.ports.secrets.keyed_hash("device_code", begun.device_code)]

    await world.store.write(RevokeGrant(grant_id=grant_of(revoked), reason="revoked_by_application", at=NOW))
    del world.store.tables.grants[grant_of(gone)]
    await world.store.write(SetUserStatus(user_id=ada.user.id, status=UserStatus.SUSPENDED, at=NOW))
    with refusal(OAuthRefusal, "invalid_grant"):
        await tv.poll(off)
    await world.store.write(SetUserStatus(user_id=ada.user.id, status=UserStatus.ACTIVE, at=NOW))
    await world.store.write(EndSession(session_id=ada.session.id, user_id=ada.user.id, at=NOW))
    for begun in (out, revoked, gone):
        with refusal(OAuthRefusal, "invalid_grant"):
            await tv.poll(begun)


async def test_an_application_that_is_gone_gets_nothing(world: World, tv: Tv, allowed: DeviceAuthorization) -> None:
    """Its requests and Grants went with it."""
    await world.store.write(RemoveApplication(application_id=ApplicationId("tv"), at=NOW))
    with refusal(OAuthRefusal, "invalid_client"):
        await tv.poll(allowed)
