"""Signing out: at the broker's own button, or when an Application asks (RP-Initiated Logout 1.0)."""

from __future__ import annotations

import pytest

from broker.domain.authorize_request import Parameters
from broker.domain.errors import OAuthRefusal, Refusal
from broker.domain.ledger import AuditEvent
from broker.flows.found import LiveSession
from broker.flows.possession import ShownToken
from broker.flows.sessions.sign_out import ConfirmationNeeded, SignedOut, sign_out
from broker.flows.tokens.userinfo import userinfo
from tests.fakes.upstream import Person
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, APPLICATIONS, GRACE, NOW
from tests.flows.texts import answer_of
from tests.flows.world import World

pytestmark = pytest.mark.anyio

HOME = "https://demo-app.example/"


async def leave(
    world: World, signed_in: LiveSession | None, parameters: Parameters, *, confirmed: bool = False
) -> SignedOut | ConfirmationNeeded:
    """Somebody asks to be signed out."""
    world.forget()
    return await sign_out(parameters, signed_in, world.ports, confirmed=confirmed, request_id="req-out")


async def signed_in_at(
    world: World, person: Person = ADA, application: str = "demo-app"
) -> tuple[LiveSession, str, str]:
    """A Session that began on behalf of an Application, its ID token and its session JWT."""
    finished = await world.sign_in(person, await world.request(application))
    tokens = await world.redeem(answer_of(finished.url)["code"], application)
    return await world.session_of(finished), tokens.id_token, tokens.access_token


def is_over(world: World, signed_in: LiveSession) -> bool:
    """Whether the Session has ended."""
    return world.store.tables.sessions[signed_in.session.id].ended_at is not None


async def test_who_presses_the_button_is_signed_out(world: World) -> None:
    """Of this browser; one line of the ledger."""
    ada, elsewhere = await world.signed_in(ADA), await world.signed_in(ADA)

    assert await leave(world, ada, {}, confirmed=True) == SignedOut(redirect_uri=None, state=None)
    assert is_over(world, ada)
    assert not is_over(world, elsewhere)
    assert len(world.store.writes) == 1
    assert world.event() == AuditEvent(
        at=NOW,
        action="session.sign_out",
        outcome="done",
        request_id="req-out",
        user_id=ada.user.id,
        object_id=ada.session.id,
    )


async def test_what_was_given_to_applications_ends_with_the_session(world: World) -> None:
    """Their tokens are dead at once."""
    ada, _, session_jwt = await signed_in_at(world)
    await leave(world, ada, {}, confirmed=True)

    with refusal(OAuthRefusal, "invalid_token"):
        await userinfo(ShownToken(text=session_jwt), world.ports)


async def test_a_link_alone_signs_nobody_out(world: World) -> None:
    """Any page could hold it: the person is asked first, and told on whose behalf where that is known."""
    ada = await world.signed_in(ADA)

    assert await leave(world, ada, {}) == ConfirmationNeeded(application_name=None)
    assert await leave(world, ada, {"client_id": ["demo-app"]}) == ConfirmationNeeded(application_name="Demo")
    assert not is_over(world, ada)
    assert world.written == []


async def test_the_sessions_own_id_token_is_a_proof(world: World) -> None:
    """Nobody has to be asked; the ledger names the Application. It may have expired."""
    ada, hint, _ = await signed_in_at(world)
    world.clock.advance(1200)
    outcome = await leave(
        world, ada, {"id_token_hint": [hint], "post_logout_redirect_uri": [HOME], "state": ["state-canary"]}
    )

    assert outcome == SignedOut(redirect_uri=HOME, state="state-canary")
    assert is_over(world, ada)
    assert world.event().application_id == "demo-app"


async def test_an_id_token_of_another_session_is_no_proof(world: World) -> None:
    """Not even of the same person; and somebody else's least of all."""
    (_, other_hint, _), (_, graces_hint, _) = await signed_in_at(world), await signed_in_at(world, GRACE)
    ada, _, _ = await signed_in_at(world)

    for hint in (other_hint, graces_hint):
        assert await leave(world, ada, {"id_token_hint": [hint]}) == ConfirmationNeeded(application_name="Demo")
    assert not is_over(world, ada)


async def test_whoever_confirms_is_signed_out_whatever_the_hint_says(world: World) -> None:
    """It is this browser's own Session that they end."""
    _, hint, _ = await signed_in_at(world, GRACE)
    ada = await world.signed_in(ADA)

    assert isinstance(await leave(world, ada, {"id_token_hint": [hint]}, confirmed=True), SignedOut)
    assert is_over(world, ada)


@pytest.mark.parametrize("confirmed", [True, False])
async def test_where_nobody_is_signed_in_there_is_nothing_to_end(world: World, confirmed: bool) -> None:
    """The browser is sent on nevertheless, and nothing is written."""
    _, hint, _ = await signed_in_at(world)
    asked = {"id_token_hint": [hint], "post_logout_redirect_uri": [HOME]}

    assert await leave(world, None, asked, confirmed=confirmed) == SignedOut(redirect_uri=HOME, state=None)
    assert await leave(world, None, {}, confirmed=confirmed) == SignedOut(redirect_uri=None, state=None)
    assert world.written == []


async def test_a_state_goes_with_a_redirect_only(world: World) -> None:
    """On our own page it means nothing."""
    assert await leave(world, None, {"state": ["state-canary"]}) == SignedOut(redirect_uri=None, state=None)


@pytest.mark.parametrize(
    "asked",
    [
        {"post_logout_redirect_uri": [HOME]},
        {"post_logout_redirect_uri": [""], "client_id": ["demo-app"]},
        {"post_logout_redirect_uri": [HOME + "?"], "client_id": ["demo-app"]},
        {"post_logout_redirect_uri": ["https://demo-app.example"], "client_id": ["demo-app"]},
        {"post_logout_redirect_uri": ["https://demo-app.example/callback"], "client_id": ["demo-app"]},
        {"post_logout_redirect_uri": ["https://evil.example/"], "client_id": ["demo-app"]},
        {"post_logout_redirect_uri": [HOME], "client_id": ["reports"]},
        {"post_logout_redirect_uri": [HOME, HOME], "client_id": ["demo-app"]},
        {"client_id": ["elsewhere"]},
        {"client_id": ["demo-app", "demo-app"]},
        {"id_token_hint": [""]},
        {"id_token_hint": ["a.b.c"]},
        {"id_token_hint": ["a" * 4097]},
        {"state": ["one", "two"], "client_id": ["demo-app"]},
        {"state": ["s" * 4097]},
        {"ui_locales": ["e" * 4097]},
        {"logout_hint": ["ada", "grace"]},
    ],
)
async def test_a_request_that_does_not_hold_signs_nobody_out(world: World, asked: Parameters) -> None:
    """Though it was confirmed; and nobody is sent anywhere."""
    ada = await world.signed_in(ADA)

    with refusal(Refusal, "invalid_logout"):
        await leave(world, ada, asked, confirmed=True)
    assert not is_over(world, ada)
    assert world.written == []


@pytest.mark.parametrize("name", ["", " ", "demo app", "demo-app\0", "d" * 65], ids=ascii)
async def test_a_name_that_no_application_can_have_is_refused(world: World, name: str) -> None:
    """Before the store is asked for it."""
    ada = await world.signed_in(ADA)

    with refusal(Refusal, "invalid_request"):
        await leave(world, ada, {"client_id": [name]}, confirmed=True)
    assert world.store.received == []


async def test_a_hint_speaks_for_its_own_application_alone(world: World) -> None:
    """Another name beside it is refused, and its own is as good as none."""
    ada, hint, session_jwt = await signed_in_at(world)

    with refusal(Refusal, "invalid_logout"):
        await leave(world, ada, {"id_token_hint": [hint], "client_id": ["reports"]})
    with refusal(Refusal, "invalid_logout"):  # an access token proves nothing here
        await leave(world, ada, {"id_token_hint": [session_jwt]})
    assert isinstance(await leave(world, ada, {"id_token_hint": [hint], "client_id": ["demo-app"]}), SignedOut)


async def test_a_hint_of_an_application_that_was_removed_is_refused(world: World) -> None:
    """It is unknown by now."""
    ada, hint, _ = await signed_in_at(world, ADA, "reports")
    await world.declare(applications={"demo-app": APPLICATIONS["demo-app"]})

    with refusal(Refusal, "invalid_logout"):
        await leave(world, ada, {"id_token_hint": [hint]})


async def test_what_it_does_not_know_is_ignored(world: World) -> None:
    """Further parameters, however long or often."""
    asked = {"unknown": ["x" * 5000, "y"], "ui_locales": ["en de"], "logout_hint": ["ada@acme.example"]}

    assert await leave(world, None, asked) == SignedOut(redirect_uri=None, state=None)


async def test_the_longest_state_comes_back_whole(world: World) -> None:
    """4096 characters."""
    asked = {"client_id": ["demo-app"], "post_logout_redirect_uri": [HOME], "state": ["s" * 4096]}

    assert await leave(world, None, asked) == SignedOut(redirect_uri=HOME, state="s" * 4096)
