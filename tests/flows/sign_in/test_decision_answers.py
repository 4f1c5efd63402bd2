"""Where the browser goes after a sign-in, and what an Application that waits is told."""

from __future__ import annotations

import pytest

from broker.flows.sign_in.authorize import Answered, authorize
from tests.flows.setting import ACME, ADA, ADA_AT_CORP, GRACE, ISSUER, NOW, STRANGER, asked
from tests.flows.texts import answer_of, holds
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def test_our_own_application_gets_its_code_at_once(world: World) -> None:
    """With its state and our issuer; the code is kept as a hash."""
    finished = await world.sign_in(ADA, await world.request(organization="acme"))

    answer = answer_of(finished.url)
    assert finished.url.startswith("https://demo-app.example/callback?")
    assert answer == {"code": answer["code"], "state": "state-canary", "iss": ISSUER}
    assert not holds(world.store.received, answer["code"])
    (grant,) = world.store.tables.grants.values()
    assert (grant.organization, grant.auth_time, grant.nonce) == (ACME, NOW, "nonce-canary")
    assert answer["code"] not in repr(finished)


async def test_a_third_party_waits_for_its_permission(world: World) -> None:
    """The browser goes on to where the person is asked, with the request as it was."""
    finished = await world.sign_in(ADA, await world.request("crm"))

    assert finished.url.startswith(f"{ISSUER}/oauth/authorize?")
    assert answer_of(finished.url) == {name: values[0] for name, values in asked("crm").items()}
    assert world.store.tables.grants == {}
    assert world.event().reason == ""


@pytest.mark.parametrize(("application", "organization"), [("reports", None), ("demo-app", "acme")])
async def test_who_has_no_authorization_is_signed_in_without_a_code(
    world: World, application: str, organization: str | None
) -> None:
    """The Application is told so; the one line of the ledger says both."""
    finished = await world.sign_in(STRANGER, await world.request(application, organization=organization))

    assert answer_of(finished.url) == {"error": "access_denied", "state": "state-canary", "iss": ISSUER}
    assert world.store.tables.grants == {}
    assert (world.event().outcome, world.event().reason) == ("done", "access_denied")
    await world.session_of(finished)


@pytest.mark.parametrize("organization", ["acme", "a-name-that-somebody-chose"])
async def test_a_client_that_the_user_does_not_act_for_is_not_written_down(world: World, organization: str) -> None:
    """Whether it exists or not: the name in the request could be anything."""
    await world.sign_in(STRANGER, await world.request(organization=organization))

    assert world.event().client_org is None
    assert not holds(world.events(), organization)


async def test_an_invitation_taken_by_this_very_sign_in_counts(world: World) -> None:
    """Else everybody's first sign-in would be denied."""
    finished = await world.sign_in(ADA, await world.request("reports", organization="acme"))

    assert "code" in answer_of(finished.url)


async def test_somebody_else_than_the_application_expects_is_signed_in_without_a_code(world: World) -> None:
    """OpenID Connect Core section 3.1.2.1: the Application, which named Ada, must not take Grace for her."""
    hint = (await world.redeem(await world.code(ADA))).id_token
    request = await world.request(id_token_hint=hint)
    world.forget()
    finished = await world.sign_in(GRACE, request)

    assert answer_of(finished.url) == {"error": "login_required", "state": "state-canary", "iss": ISSUER}
    assert (world.event().outcome, world.event().reason) == ("done", "login_required")
    assert "code" in answer_of((await world.sign_in(ADA, request)).url)


async def test_a_third_party_too_gets_the_person_it_expects(world: World) -> None:
    """Nobody else is asked for a permission."""
    ada = await world.signed_in(ADA)
    answered = await authorize(asked("crm"), ada, world.ports, allow=True, request_id="req-1")
    assert isinstance(answered, Answered)
    hint = (await world.redeem(answer_of(answered.url)["code"], "crm")).id_token
    finished = await world.sign_in(GRACE, await world.request("crm", id_token_hint=hint))

    assert answer_of(finished.url)["error"] == "login_required"


async def test_an_account_may_be_connected_on_behalf_of_an_application(world: World) -> None:
    """No route does so today; the code is then of the Session that there is, with its own age."""
    ada = await world.signed_in(ADA)
    world.clock.advance(60)
    request = await world.request()
    trip = await world.begin(ADA_AT_CORP, request, signed_in=ada, connect=True)
    finished = await world.come_back(trip, ADA_AT_CORP, signed_in=ada)

    (grant,) = world.store.tables.grants.values()
    assert (grant.session_id, grant.auth_time) == (ada.session.id, NOW)
    assert finished.session_cookie is None
