"""A browser comes with a pushed request (RFC 9126 section 4): whose it is, how long it lives, that it works once."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from broker.domain import changes as c
from broker.domain.errors import Refusal
from broker.domain.pushed_request import LIFETIME, ON_ITS_WAY, PREFIX
from broker.domain.request_refused import RequestRefused
from broker.flows.sign_in.authorize import Answered, ConsentNeeded, SignInNeeded
from broker.flows.sign_in.choose import choose
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, APPLICATIONS, GRACE, NOW, asked
from tests.flows.sign_in.pushing import bring, pushed, request_of
from tests.flows.texts import answer_of
from tests.flows.world import World

pytestmark = pytest.mark.anyio

PUSHING = APPLICATIONS | {
    name: APPLICATIONS[name] | {"require_pushed_authorization_requests": True} for name in ("demo-app", "crm")
}


async def test_it_is_answered_with_a_code_and_used_up_with_it(world: World) -> None:
    """In the write that adds the Grant; and it is remembered until nothing of this id lives any more."""
    ada, parameters = await world.signed_in(ADA), await pushed(world)
    world.forget()
    outcome = await bring(world, parameters, ada)

    assert isinstance(outcome, Answered)
    assert set(answer_of(outcome.url)) == {"code", "state", "iss"}
    ((taken, add, _event),) = world.store.writes
    assert isinstance(taken, c.TakePushedRequest)
    assert isinstance(add, c.AddGrant)
    assert taken.expires_at == NOW + ON_ITS_WAY + 900


async def test_it_works_once(world: World) -> None:
    """The second time its Application is told, whoever is signed in and whether anybody is."""
    ada, grace, parameters = await world.signed_in(ADA), await world.signed_in(GRACE), await pushed(world)
    await bring(world, parameters, ada)
    world.forget()

    for signed_in in (ada, grace, None):
        with refusal(RequestRefused, "invalid_request_uri") as caught:
            await bring(world, parameters, signed_in)
        assert caught.value.redirect_uri == "https://demo-app.example/callback"
    assert world.written == []


async def test_of_two_browsers_at_once_one_gets_a_code(world: World) -> None:
    """The other finds it taken when it writes, and nothing of its own stays."""
    ada, parameters = await world.signed_in(ADA), await pushed(world)
    world.store.before("write", lambda: bring(world, parameters, ada))

    with refusal(RequestRefused, "invalid_request_uri"):
        await bring(world, parameters, ada)
    assert len(world.store.tables.grants) == 1


@pytest.mark.parametrize("sealed", ["", "x", "k1.", "k1.AAAA"])
async def test_a_forged_one_is_shown_and_nobody_is_sent_anywhere(world: World, sealed: str) -> None:
    """Not even to an address that is registered: what stands beside it proves nothing (RFC 9101 section 6.3)."""
    with refusal(Refusal, "invalid_request_uri"):
        await bring(world, asked() | {"request_uri": [PREFIX + sealed]}, await world.signed_in(ADA))


async def test_another_application_s_is_shown(world: World) -> None:
    """Though it opens: neither of the two is told."""
    parameters = await pushed(world, "reports")

    with refusal(Refusal, "invalid_request_uri"):
        await bring(world, asked() | {"request_uri": parameters["request_uri"]}, await world.signed_in(ADA))
    assert world.store.tables.grants == {}


async def test_an_application_that_is_gone_has_none(world: World) -> None:
    """Nor has one that changed its addresses."""
    parameters = await pushed(world)
    await world.declare(
        applications=APPLICATIONS | {"demo-app": APPLICATIONS["demo-app"] | {"redirect_uris": ["https://new.example/"]}}
    )
    with refusal(Refusal, "invalid_redirect_uri"):
        await bring(world, parameters)
    await world.declare(applications={})
    with refusal(Refusal, "unknown_application"):
        await bring(world, parameters)


async def test_it_lives_for_five_minutes(world: World) -> None:
    """Then its Application is told to push it again."""
    parameters, ada = await pushed(world), await world.signed_in(ADA)
    world.clock.advance(LIFETIME - 1)
    assert isinstance(await bring(world, parameters), SignInNeeded)
    world.clock.advance(1)

    with refusal(RequestRefused, "invalid_request_uri"):
        await bring(world, parameters, ada)


async def test_what_is_said_beside_it_is_ignored(world: World) -> None:
    """RFC 9101 section 6.3: whatever a browser adds, only what was pushed counts."""
    parameters = await pushed(world, organization="acme") | {
        "redirect_uri": ["https://evil.example"],
        "state": ["a", "b"],
        "scope": ["openid"],
        "prompt": ["none"],
        "response_mode": ["fragment"],
        "request": ["x"],
        "organization": ["globex"],
    }
    outcome = await bring(world, parameters, await world.signed_in(ADA))

    assert isinstance(outcome, Answered)
    assert outcome.url.startswith("https://demo-app.example/callback?")
    assert answer_of(outcome.url)["state"] == "state-canary"
    (grant,) = world.store.tables.grants.values()
    assert grant.organization == "acme"


async def test_two_of_them_or_one_from_elsewhere_are_not_supported(world: World) -> None:
    """They are parameters like others, checked with the rest."""
    (uri,) = (await pushed(world))["request_uri"]
    for values, code in ([uri, uri], "invalid_request"), (["https://a.example/r"], "request_uri_not_supported"):
        with refusal(RequestRefused, code):
            await bring(world, asked() | {"request_uri": values})
        with refusal(Refusal, "invalid_redirect_uri"):
            await bring(world, {"client_id": ["demo-app"], "request_uri": values})


async def test_a_person_may_take_longer_than_a_browser(world: World) -> None:
    """What leads to the sign-in page is sealed anew and lives for an hour from the push, however often it is."""
    outcome = await bring(world, await pushed(world, prompt="login", provider="google"))
    assert isinstance(outcome, SignInNeeded)
    assert "canary" not in outcome.query
    assert set(parse_qs(outcome.query)) == {"client_id", "request_uri"}
    world.clock.advance(ON_ITS_WAY - 1)
    choice = await choose(parse_qs(outcome.query), world.ports)
    assert choice.request == outcome.request
    world.clock.advance(1)

    for query in (outcome.query, choice.query):
        with refusal(RequestRefused, "invalid_request_uri"):
            await choose(parse_qs(query), world.ports)


async def test_a_sign_in_for_it_ends_with_a_code_and_uses_it_up(world: World) -> None:
    """In the write that finishes the attempt, however late the person is."""
    parameters = await pushed(world)
    request = await request_of(world, parameters)
    assert request.pushed is not None
    world.clock.advance(LIFETIME)
    finished = await world.sign_in(ADA, request)

    assert (await world.redeem(answer_of(finished.url)["code"])).scope == "openid email profile"
    assert set(world.store.tables.taken_attempts) > {request.pushed.id}
    with refusal(RequestRefused, "invalid_request_uri"):
        await bring(world, parameters, await world.session_of(finished))


async def test_of_two_sign_ins_for_it_both_sign_in_and_one_gets_a_code(world: World) -> None:
    """The other Application's page hears why; nothing that its Provider gave is lost, and no attempt is left over."""
    request = await request_of(world, await pushed(world))
    trips = [await world.begin(person, request) for person in (ADA, GRACE)]
    world.store.before("write", lambda: world.come_back(trips[1], GRACE))
    finished = await world.come_back(trips[0], ADA)

    assert answer_of(finished.url)["error"] == "invalid_request_uri"
    assert (await world.session_of(finished)).user.id != next(iter(world.store.tables.grants.values())).user_id
    assert len(world.store.tables.grants) == 1
    assert [event.reason for event in world.events()] == ["", "invalid_request_uri"]
    assert world.upstream.revocations == []


async def test_an_attempt_that_comes_back_twice_is_still_told_from_that(world: World) -> None:
    """Its own attempt was taken, and the request with it: nobody is answered twice."""
    trip = await world.begin(ADA, await request_of(world, await pushed(world)))
    world.store.before("arrival", world.forget_leases)
    world.store.before("write", lambda: world.come_back(trip, ADA))

    with refusal(Refusal, "used_state"):
        await world.come_back(trip, ADA)
    assert len(world.store.tables.sessions) == 1


async def test_a_third_party_s_is_led_to_the_consent_page_without_what_the_sign_in_fulfilled(world: World) -> None:
    """Under the same id: asking for a sign-in again would never end, and allowing it uses it up."""
    parameters = await pushed(world, "crm", prompt="login", max_age="0", provider="google")
    request = await request_of(world, parameters)
    finished = await world.sign_in(ADA, request)
    assert "canary" not in finished.url
    ada, onward = await world.session_of(finished), parse_qs(urlsplit(finished.url).query)
    later = await request_of(world, onward)
    assert (later.pushed, later.prompts, later.max_age, later.provider) == (request.pushed, frozenset(), None, None)
    world.clock.advance(LIFETIME)
    needed = await bring(world, onward, ada)
    assert isinstance(needed, ConsentNeeded)
    outcome = await bring(world, needed.query, ada, allow=True)

    assert isinstance(outcome, Answered)
    for again in (parameters, onward, parse_qs(needed.query)):
        with refusal(RequestRefused, "invalid_request_uri"):
            await bring(world, again, ada, allow=True)
    assert len(world.store.tables.grants) == 1


async def test_where_it_is_required_nothing_else_gets_in(world: World) -> None:
    """RFC 9126 section 6: not by the authorize endpoint, the pages that follow it, nor a sign-in that began before."""
    trip = await world.begin(ADA, await world.request())
    await world.declare(applications=PUSHING)
    ada = await world.signed_in(ADA)

    for application in ("demo-app", "crm"):
        for signed_in in (None, ada):
            with refusal(RequestRefused, "invalid_request"):
                await bring(world, asked(application), signed_in, allow=True)
        with refusal(RequestRefused, "invalid_request"):
            await choose(asked(application), world.ports)
    with refusal(RequestRefused, "invalid_request"):
        await world.come_back(trip, ADA)
    assert isinstance(await bring(world, await pushed(world), ada), Answered)
    assert isinstance(await bring(world, await pushed(world, "crm"), ada), ConsentNeeded)
    assert (await world.sign_in(ADA, await request_of(world, await pushed(world)))).session_cookie is not None


async def test_without_asking_nobody_is_asked(world: World) -> None:
    """`prompt=none`, which no page of ours follows."""
    parameters = await pushed(world, prompt="none")

    with refusal(RequestRefused, "login_required"):
        await bring(world, parameters)
    with refusal(RequestRefused, "login_required"):
        await choose(parameters, world.ports)
    assert isinstance(await bring(world, parameters, await world.signed_in(ADA)), Answered)
