"""What the sign-in page is told."""

from __future__ import annotations

import pytest

from broker.domain.authorize_request import Parameters
from broker.domain.errors import Refusal
from broker.domain.request_refused import RequestRefused
from broker.flows.sign_in.choose import choose
from tests.flows.refusals import refusal
from tests.flows.setting import CORP, GOOGLE, asked
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def test_a_person_may_come_to_their_own_pages(world: World) -> None:
    """Every registration can be chosen, with what it would be asked for; no Application waits."""
    choice = await choose({}, world.ports)

    assert (choice.application_name, choice.request) == (None, None)
    assert [facts.id for facts in choice.registrations] == [GOOGLE, CORP]
    assert choice.asks == {GOOGLE: ("email", "name"), CORP: ("email",)}
    assert world.store.received == []


async def test_an_application_that_waits_is_named(world: World) -> None:
    """So that the person knows where they are going on to; nothing is written for it."""
    choice = await choose(asked(), world.ports)

    assert choice.application_name == "Demo"
    assert choice.request == await world.request()
    assert world.written == []


@pytest.mark.parametrize(("organization", "names"), [("acme", ("email", "name")), ("globex", ("email",))])
async def test_a_client_that_keeps_less_has_less_asked_for(
    world: World, organization: str, names: tuple[str, ...]
) -> None:
    """The page says exactly what is going to happen."""
    assert (await choose(asked(organization=organization), world.ports)).asks[GOOGLE] == names


async def test_without_a_policy_nothing_is_asked_for(world: World) -> None:
    """An absent policy denies, and the page says so."""
    assert (await choose({}, world.with_policy({}))).asks == {GOOGLE: (), CORP: ()}


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        (asked(client_id=None), "invalid_request"),
        (asked(client_id=""), "invalid_request"),
        (asked(client_id="elsewhere"), "unknown_application"),
        (asked(redirect_uri=None), "invalid_redirect_uri"),
        (asked(redirect_uri=""), "invalid_redirect_uri"),
        (asked(redirect_uri="https://evil.example/callback"), "invalid_redirect_uri"),
    ],
    ids=["no application", "empty", "unknown", "no redirect", "empty redirect", "another redirect"],
)
async def test_a_link_that_leads_nowhere_is_shown_here(world: World, parameters: Parameters, code: str) -> None:
    """Before Application and target are proven nobody is sent anywhere."""
    with refusal(Refusal, code):
        await choose(parameters, world.ports)


async def test_a_request_that_does_not_hold_is_the_applications_business(world: World) -> None:
    """It is told at its proven address."""
    with refusal(RequestRefused, "invalid_request") as caught:
        await choose(asked(code_challenge=None), world.ports)

    assert caught.value.redirect_uri == "https://demo-app.example/callback"


async def test_who_must_not_be_asked_is_offered_no_choice(world: World) -> None:
    """`prompt=none`: no link of ours leads here with it, but somebody's might."""
    with refusal(RequestRefused, "login_required") as caught:
        await choose(asked(prompt="none"), world.ports)

    assert (caught.value.redirect_uri, caught.value.state) == ("https://demo-app.example/callback", "state-canary")
