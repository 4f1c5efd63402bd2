"""The return from a Provider: what has to be proven, and what is left undone when it is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from broker.crypto.keyring import new_keyring, parse_keyring
from broker.crypto.secrets import KeyringSecrets
from broker.domain.attempt import LIFETIME
from broker.domain.changes import SetUserStatus
from broker.domain.errors import BrokerError, Fault, Refusal
from broker.domain.ids import RegistrationId
from broker.domain.request_refused import RequestRefused
from broker.domain.user import UserStatus
from broker.flows.ports import Callback
from broker.flows.sign_in.begin import Trip
from broker.flows.sign_in.finish import finish
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, ADA_AT_CORP, APPLICATIONS, CORP, GRACE, ISSUER
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def test_who_comes_back_is_signed_in(world: World) -> None:
    """With a cookie of 256 random bits, which repr does not show."""
    finished = await world.sign_in(ADA)

    assert finished.url == f"{ISSUER}/account"
    assert finished.session_cookie is not None
    assert len(finished.session_cookie) == 43
    assert finished.session_cookie not in repr(finished)
    assert (await world.session_of(finished)).session.browser == "Firefox on Linux"


def foreign(trip: Trip, world: World) -> str:
    """The same attempt, sealed by somebody else."""
    attempt = world.ports.secrets.open_attempt(trip.cookie)
    assert attempt is not None
    return KeyringSecrets(parse_keyring(new_keyring())).seal_attempt(attempt)


@pytest.mark.parametrize(
    "cookie",
    [
        lambda trip, world: None,
        lambda trip, world: "",
        lambda trip, world: "c1.AAAA",
        lambda trip, world: trip.cookie[:-1],
        foreign,
    ],
    ids=["absent", "empty", "made up", "cut", "another broker's"],
)
async def test_a_browser_which_did_not_begin_is_refused(
    world: World, cookie: Callable[[Trip, World], str | None]
) -> None:
    """Before anything is read, sent or written: a code in somebody else's browser is worth nothing."""
    trip = await world.begin(ADA)
    callback = world.upstream.allow(trip.url, ADA)

    with refusal(Refusal, "invalid_state"):
        await finish(callback, cookie(trip, world), None, world.ports, browser="", request_id="req-1")
    assert world.upstream.exchanges == []
    assert world.store.received == []


@pytest.mark.parametrize("state", ["", "x" * 43, "ünicode"], ids=["empty", "wrong", "not ASCII"])
async def test_a_cookie_of_another_trip_proves_nothing(world: World, state: str) -> None:
    """The state is compared, though the cookie opens."""
    trip = await world.begin(ADA)
    callback = replace(world.upstream.allow(trip.url, ADA), state=state)

    with refusal(Refusal, "invalid_state"):
        await world.come_back(trip, callback)
    assert world.upstream.exchanges == []


async def test_the_trips_of_two_tabs_are_not_mixed_up(world: World) -> None:
    """Each finishes with its own cookie, in any order, and with no other."""
    first, second = await world.begin(ADA), await world.begin(ADA)

    with refusal(Refusal, "invalid_state"):
        await world.come_back(replace(first, cookie=second.cookie), ADA)
    assert (await world.come_back(second, ADA)).session_cookie is not None
    assert (await world.come_back(first, ADA)).session_cookie is not None


async def test_a_trip_may_take_ten_minutes(world: World) -> None:
    """And not a second more."""
    in_time, late = await world.begin(ADA), await world.begin(ADA)
    world.clock.advance(LIFETIME - 1)
    await world.come_back(in_time, ADA)
    world.clock.advance(1)

    with refusal(Refusal, "expired_state"):
        await world.come_back(late, ADA)
    assert len(world.upstream.exchanges) == 1


async def test_an_answer_of_another_provider_is_refused(world: World) -> None:
    """Its code is sent to nobody (RFC 9700 section 4.4)."""
    trip = await world.begin(ADA)
    callback = replace(world.upstream.allow(trip.url, ADA), registration=CORP)

    with refusal(Refusal, "provider_mismatch"):
        await world.come_back(trip, callback)
    assert world.upstream.exchanges == []


async def test_only_who_began_connecting_can_finish_it(world: World) -> None:
    """Neither nobody nor somebody else: an account that Grace allows must not become Ada's, or the other way."""
    ada, grace = await world.signed_in(ADA), await world.signed_in(GRACE)
    trip = await world.begin(ADA_AT_CORP, signed_in=ada, connect=True)
    world.forget()
    exchanges = len(world.upstream.exchanges)

    for signed_in in (None, grace):
        with refusal(Refusal, "initiator_mismatch"):
            await world.come_back(trip, ADA_AT_CORP, signed_in=signed_in)
    assert len(world.upstream.exchanges) == exchanges
    assert world.store.received == []


async def test_a_sign_in_can_be_finished_by_anybody_in_the_same_browser(world: World) -> None:
    """Who was signed in when it began may have signed out meanwhile."""
    ada = await world.signed_in(ADA)
    trip = await world.begin(GRACE, signed_in=ada)

    assert (await world.come_back(trip, GRACE, signed_in=None)).session_cookie is not None


async def test_a_callback_works_once(world: World) -> None:
    """The second time no Provider is asked, and the Session of the first lives on."""
    trip = await world.begin(ADA)
    callback = world.upstream.allow(trip.url, ADA)
    finished = await world.come_back(trip, callback)
    world.forget()

    with refusal(Refusal, "used_state"):
        await world.come_back(trip, callback)
    assert len(world.upstream.exchanges) == 1
    assert world.written == []
    await world.session_of(finished)


@pytest.mark.parametrize(
    ("applications", "code"),
    [
        ({}, "unknown_application"),
        (
            APPLICATIONS | {"demo-app": APPLICATIONS["demo-app"] | {"redirect_uris": ["https://moved.example/"]}},
            "invalid_redirect_uri",
        ),
    ],
    ids=["removed", "another address"],
)
async def test_an_application_that_changed_meanwhile_is_checked_once_more(
    world: World, applications: dict[str, object], code: str
) -> None:
    """Nobody is sent to an address that is not registered any more, and the code is not used up."""
    trip = await world.begin(ADA, await world.request())
    await world.declare(applications=applications)
    world.forget()

    with refusal(Refusal, code):
        await world.come_back(trip, ADA)
    assert world.upstream.exchanges == []
    assert world.written == []


def denied(trip: Trip) -> Callback:
    """The person has pressed "Cancel" at the Provider."""
    return Callback(registration=RegistrationId("google"), state=trip.state, code=None, error="access_denied", iss=None)


async def test_who_turns_back_at_the_provider_is_told_here(world: World) -> None:
    """When no Application waits."""
    trip = await world.begin(ADA)

    with refusal(Refusal, "upstream_denied"):
        await world.come_back(trip, denied(trip))
    assert world.written == []


async def test_an_application_that_waits_is_told_instead(world: World) -> None:
    """In the words of RFC 6749, with its state; the finer reason is kept for the ledger."""
    trip = await world.begin(ADA, await world.request())

    with refusal(RequestRefused, "access_denied") as caught:
        await world.come_back(trip, denied(trip))
    assert caught.value.reason == "upstream_denied"
    assert (caught.value.redirect_uri, caught.value.state) == ("https://demo-app.example/callback", "state-canary")


async def test_a_provider_that_is_away_is_a_fault(world: World) -> None:
    """Told to whoever waits: the person, or the Application."""
    alone, for_application = await world.begin(ADA), await world.begin(ADA, await world.request())
    world.upstream.down = True

    with refusal(Fault, "provider_unavailable"):
        await world.come_back(alone, ADA)
    with refusal(RequestRefused, "temporarily_unavailable") as caught:
        await world.come_back(for_application, ADA)
    assert caught.value.reason == "provider_unavailable"
    assert world.written == []


async def test_a_registration_that_was_removed_signs_nobody_in(world: World) -> None:
    """A trip that began before comes to nothing."""
    trip = await world.begin(ADA)
    del world.upstream.facts[ADA.registration]

    with refusal(Refusal, "provider_disabled"):
        await world.come_back(trip, ADA)
    assert world.written == []


@pytest.mark.parametrize("error", [Refusal("invalid_nonce", "No."), Refusal("invalid_id_token", "No.")])
async def test_an_answer_that_fails_a_check_signs_nobody_in(world: World, error: BrokerError) -> None:
    """Whatever the exchange finds."""
    world.upstream.fails_with = error

    with refusal(Refusal, error.code):
        await world.sign_in(ADA)
    assert world.written == []


async def test_a_user_who_is_switched_off_is_not_signed_in(world: World) -> None:
    """Nothing is renewed either, and an Application that waits is told that access is denied."""
    ada = await world.signed_in(ADA)
    await world.store.write(SetUserStatus(user_id=ada.user.id, status=UserStatus.SUSPENDED, at=world.clock.now()))
    world.forget()

    with refusal(Refusal, "account_disabled"):
        await world.sign_in(ADA)
    with refusal(RequestRefused, "access_denied") as caught:
        await world.sign_in(ADA, await world.request())
    assert caught.value.reason == "account_disabled"
    assert world.written == []


async def test_a_data_key_that_does_not_open_is_a_fault(world: World) -> None:
    """Nobody can sign in again by changing anything: an operator has to look."""
    ada = await world.signed_in(ADA)
    keys = world.store.tables.data_keys
    keys[ada.user.id] = replace(keys[ada.user.id], wrapped=bytes(61))
    world.forget()

    with refusal(Fault, "seal_broken"):
        await world.sign_in(ADA)
    with refusal(RequestRefused, "temporarily_unavailable"):
        await world.sign_in(ADA, await world.request())
    assert world.written == []


async def test_a_store_that_does_not_answer_is_a_fault(world: World) -> None:
    """From the first question on: then no Provider is asked."""
    trip = await world.begin(ADA)
    world.store.down = True

    with refusal(Fault, "storage_unavailable"):
        await world.come_back(trip, ADA)
    assert world.upstream.exchanges == []
