"""What a User is asked before a third party's Application learns anything, and how long the answer holds."""

from __future__ import annotations

from typing import Any

import pytest

from broker.domain.changes import AddGrant, PutConsent
from broker.domain.consent import Consent
from broker.domain.ids import ApplicationId
from broker.domain.request_refused import RequestRefused
from broker.domain.scope import covers
from broker.flows.found import LiveSession
from broker.flows.sign_in.authorize import Answered, ConsentNeeded, SignInNeeded, authorize
from tests.flows.refusals import refusal
from tests.flows.setting import ACME, ADA, APPLICATIONS, GLOBEX, GRACE, NOW, STRANGER, asked
from tests.flows.world import World

pytestmark = pytest.mark.anyio

CRM = ApplicationId("crm")


@pytest.fixture
async def ada(world: World) -> LiveSession:
    """Ada, signed in."""
    signed_in = await world.signed_in(ADA)
    world.forget()
    return signed_in


async def ask(world: World, signed_in: LiveSession, *, allow: bool = False, **changes: Any) -> object:
    """The CRM asks, and perhaps the User has just pressed "Allow"."""
    application = changes.pop("application", "crm")
    return await authorize(asked(application, **changes), signed_in, world.ports, allow=allow, request_id="req-1")


async def test_a_third_party_is_allowed_first(world: World, ada: LiveSession) -> None:
    """The page is told whose rights it would see, and nothing is written."""
    outcome = await ask(world, ada)

    assert isinstance(outcome, ConsentNeeded)
    assert (outcome.application.id, outcome.clients) == (CRM, (ACME, GLOBEX))
    assert [name for name in ("email", "name", "picture", "phone") if covers(outcome.request.scopes, name)] == [
        "email",
        "name",
        "picture",
    ]
    assert world.written == []


async def test_nobody_allows_by_saying_nothing(world: World, ada: LiveSession) -> None:
    """Where nothing was pressed, the person is asked."""
    outcome = await authorize(asked("crm"), ada, world.ports, request_id="req-1")

    assert isinstance(outcome, ConsentNeeded)


async def test_the_page_speaks_of_what_is_asked_for_alone(world: World, ada: LiveSession) -> None:
    """One Client, where one is asked for; no attribute of a scope that is not."""
    outcome = await ask(world, ada, organization="globex", scope="openid")

    assert isinstance(outcome, ConsentNeeded)
    assert outcome.clients == (GLOBEX,)
    assert not covers(outcome.request.scopes, "email")


async def test_nobody_signed_in_cannot_allow_anything(world: World) -> None:
    """The sign-in comes first, whatever was pressed."""
    outcome = await authorize(asked("crm"), None, world.ports, allow=True, request_id="req-1")

    assert isinstance(outcome, SignInNeeded)
    assert world.written == []


async def test_allowing_is_written_together_with_the_code(world: World, ada: LiveSession) -> None:
    """The permission, the Grant, and one line of the ledger that tells it from a code nobody was asked about."""
    assert isinstance(await ask(world, ada, allow=True), Answered)

    (allowed,) = [change.consent for change in world.written if isinstance(change, PutConsent)]
    (grant,) = [change.grant for change in world.written if isinstance(change, AddGrant)]
    scopes = ("openid", "email", "profile")
    assert allowed == Consent(user_id=ada.user.id, application_id=CRM, scopes=scopes, given_at=NOW)
    assert len(world.store.writes) == 1
    event = world.event()
    assert (event.action, event.outcome, event.object_id) == ("authorize.allow", "done", grant.id)


async def test_what_was_allowed_is_not_asked_again(world: World, ada: LiveSession) -> None:
    """Nor less than that, nor one Client's share of it; each time is an ordinary line of the ledger."""
    await ask(world, ada, allow=True)
    world.forget()

    assert isinstance(await ask(world, ada), Answered)
    assert isinstance(await ask(world, ada, scope="openid email"), Answered)
    assert isinstance(await ask(world, ada, organization="acme"), Answered)
    assert isinstance(await ask(world, ada, prompt="none"), Answered)
    assert {event.action for event in world.events()} == {"authorize"}
    assert not any(isinstance(change, PutConsent) for change in world.written)


async def test_more_than_was_allowed_is_asked_again(world: World, ada: LiveSession) -> None:
    """A permission does not stretch to further scopes."""
    await ask(world, ada, allow=True, scope="openid email")

    assert isinstance(await ask(world, ada), ConsentNeeded)


async def test_allowing_one_client_does_not_allow_the_others(world: World, ada: LiveSession) -> None:
    """The page promised that they stay out of reach, so that permission lasts for this once."""
    assert isinstance(await ask(world, ada, allow=True, organization="acme"), Answered)
    assert world.event().action == "authorize.allow"
    assert world.store.tables.consents == {}

    assert isinstance(await ask(world, ada), ConsentNeeded)
    assert isinstance(await ask(world, ada, organization="acme"), ConsentNeeded)
    assert isinstance(await ask(world, ada, organization="globex"), ConsentNeeded)


async def test_allowing_one_client_leaves_an_older_permission_as_it_was(world: World, ada: LiveSession) -> None:
    """Neither stretched nor taken back."""
    await ask(world, ada, allow=True, scope="openid email")
    await ask(world, ada, allow=True, organization="acme")

    assert world.store.tables.consents[ada.user.id, CRM].scopes == ("openid", "email")


async def test_an_application_may_want_to_be_allowed_again(world: World, ada: LiveSession) -> None:
    """`prompt=consent` asks, until it is answered."""
    await ask(world, ada, allow=True)

    assert isinstance(await ask(world, ada, prompt="consent"), ConsentNeeded)
    assert isinstance(await ask(world, ada, prompt="consent", allow=True), Answered)


async def test_without_asking_nothing_can_be_allowed(world: World, ada: LiveSession) -> None:
    """`prompt=none`: the Application is told that the person has to be asked."""
    with refusal(RequestRefused, "consent_required"):
        await ask(world, ada, prompt="none")

    assert world.written == []


async def test_a_permission_is_one_users_for_one_application(world: World, ada: LiveSession) -> None:
    """Ada's is not Grace's, and the CRM's is not another third party's."""
    await world.declare(applications=APPLICATIONS | {"shop": APPLICATIONS["crm"] | _AT_SHOP})
    await ask(world, ada, allow=True)

    assert isinstance(await ask(world, await world.signed_in(GRACE)), ConsentNeeded)
    assert isinstance(await ask(world, ada, application="shop"), ConsentNeeded)


@pytest.mark.parametrize("allow", [True, False])
async def test_our_own_applications_need_no_permission(world: World, ada: LiveSession, allow: bool) -> None:
    """Not even where one is wished for; and none is written down that nobody was asked for."""
    assert isinstance(await ask(world, ada, allow=allow, application="demo-app", prompt="consent"), Answered)

    assert world.event().action == "authorize"
    assert world.store.tables.consents == {}


async def test_a_permission_does_not_replace_an_authorization(world: World) -> None:
    """Whoever has none can allow what they like."""
    stranger = await world.signed_in(STRANGER)
    world.forget()

    with refusal(RequestRefused, "access_denied"):
        await ask(world, stranger, allow=True, organization="acme")
    assert world.written == []


_AT_SHOP = {"redirect_uris": ["https://shop.example/callback"], "secrets": ["shop-secret-canary"]}
