"""The start of a trip to a Provider."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from broker.domain.attempt import Purpose, SignInAttempt
from broker.domain.authorize_request import MAX_KEPT
from broker.domain.errors import Fault, NotFound, Refusal
from broker.domain.ids import RegistrationId
from broker.domain.request_refused import RequestRefused
from broker.flows.sign_in.begin import Trip, begin
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, ADA_AT_CORP, GOOGLE, NOW, asked
from tests.flows.world import World

pytestmark = pytest.mark.anyio


def attempt_of(trip: Trip, world: World) -> SignInAttempt:
    """What was sealed into the cookie."""
    attempt = world.ports.secrets.open_attempt(trip.cookie)
    assert attempt is not None
    return attempt


async def test_a_trip_is_remembered_by_the_cookie_alone(world: World) -> None:
    """What the Provider was told is what the cookie opens to, and no store was asked or told anything."""
    trip = await begin(GOOGLE, Purpose.SIGN_IN, None, None, world.ports)
    attempt = attempt_of(trip, world)

    assert [departure.attempt for departure in world.upstream.departures] == [attempt]
    assert (attempt.state, attempt.registration, attempt.started_at) == (trip.state, GOOGLE, NOW)
    assert (attempt.initiator, attempt.organization, attempt.continue_to) == (None, None, "")
    assert world.store.received == []


async def test_each_trip_has_secrets_of_its_own(world: World) -> None:
    """State, nonce and verifier are 256 random bits each, never the same twice."""
    attempts = [attempt_of(await world.begin(ADA), world) for _ in range(3)]
    secrets = [value for a in attempts for value in (a.state, a.nonce, a.code_verifier)]

    assert len({*secrets}) == 9
    assert {len(value) for value in secrets} == {43}
    assert len({a.id for a in attempts}) == 3


async def test_the_cookie_shows_nothing(world: World) -> None:
    """Neither the verifier nor the nonce, nor what waits; and repr shows neither cookie nor state."""
    trip = await world.begin(ADA, await world.request())
    attempt = attempt_of(trip, world)

    for secret in (attempt.code_verifier, attempt.nonce, attempt.state, "state-canary"):
        assert secret not in trip.cookie
    assert trip.state not in repr(trip)
    assert trip.cookie not in repr(trip)


@pytest.mark.parametrize("name", ["", "elsewhere", "GOOGLE", "google "])
async def test_only_registrations_of_this_deployment_can_be_chosen(world: World, name: str) -> None:
    """Any other name leads nowhere."""
    with refusal(NotFound, "not_found"):
        await begin(RegistrationId(name), Purpose.SIGN_IN, None, None, world.ports)

    assert world.upstream.departures == []


async def test_nobody_cannot_connect_a_further_account(world: World) -> None:
    """There is nobody to connect it to."""
    with refusal(Refusal, "sign_in_needed"):
        await begin(GOOGLE, Purpose.CONNECT, None, None, world.ports)

    assert world.upstream.departures == []


async def test_who_connects_an_account_is_remembered(world: World) -> None:
    """So that nobody else can finish it."""
    ada = await world.signed_in(ADA)
    attempt = attempt_of(await world.begin(ADA_AT_CORP, signed_in=ada, connect=True), world)

    assert (attempt.purpose, attempt.initiator) == (Purpose.CONNECT, ada.user.id)


@pytest.mark.parametrize(
    ("organization", "scopes"),
    [(None, ("openid", "email", "profile")), ("acme", ("openid", "email", "profile")), ("globex", ("openid", "email"))],
)
async def test_a_provider_is_asked_for_what_may_be_kept(
    world: World, organization: str | None, scopes: tuple[str, ...]
) -> None:
    """And for nothing more: a Client that keeps less has less asked for."""
    attempt = attempt_of(await world.begin(ADA, await world.request(organization=organization)), world)

    assert (attempt.scopes, attempt.organization) == (scopes, organization)


async def test_without_a_policy_nothing_but_the_sign_in_is_asked_for(world: World) -> None:
    """An absent policy denies."""
    trip = await begin(GOOGLE, Purpose.SIGN_IN, None, None, world.with_policy({}))

    assert attempt_of(trip, world).scopes == ("openid",)


async def test_the_request_that_waits_travels_along(world: World) -> None:
    """As it was checked, with whom it expects, without its wish for a fresh sign-in, which is being fulfilled."""
    hint = (await world.redeem(await world.code())).id_token
    request = await world.request(prompt="login", max_age="0", id_token_hint=hint, login_hint="ada@acme.example")
    attempt = attempt_of(await world.begin(ADA, request), world)

    assert parse_qs(attempt.continue_to) == asked() | {"id_token_hint": [hint]}


@pytest.mark.parametrize(
    ("prompt", "prompt_login"),
    [(None, False), ("none", False), ("consent", False), ("login", True), ("select_account", True)],
)
async def test_a_provider_is_told_to_ask_again_where_the_application_wants_it(
    world: World, prompt: str | None, prompt_login: bool
) -> None:
    """A wish for consent is ours to fulfil; the Provider is not bothered with it."""
    await world.begin(ADA, await world.request(prompt=prompt))

    assert [departure.prompt_login for departure in world.upstream.departures] == [prompt_login]


@pytest.mark.parametrize("login_hint", [None, "ada@acme.example"])
async def test_a_login_hint_is_passed_on(world: World, login_hint: str | None) -> None:
    """Where there is one."""
    await world.begin(ADA, await world.request(login_hint=login_hint))

    assert [departure.login_hint for departure in world.upstream.departures] == [login_hint]


async def test_the_longest_request_has_room_in_a_cookie(world: World) -> None:
    """Were it longer, a browser would drop it, and the person would come back as a stranger."""
    request = await world.request(state="s" * 1024)
    room = MAX_KEPT - len(request.to_keep()) - len("&id_token_hint=")
    longest = await world.request(state="s" * 1024, id_token_hint="h" * room)

    assert attempt_of(await world.begin(ADA, longest), world).continue_to == longest.to_keep()
    with refusal(RequestRefused, "invalid_request"):
        await world.request(state="s" * 1024, id_token_hint="h" * (room + 1))


async def test_a_provider_that_does_not_answer_is_a_fault(world: World) -> None:
    """Trying again may help."""
    world.upstream.down = True

    with refusal(Fault, "provider_unavailable"):
        await world.begin(ADA)
