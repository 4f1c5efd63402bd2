"""An Application's authorize request, up to the question of consent, which has a module of its own."""

from __future__ import annotations

import pytest

from broker.domain.authorize_request import Parameters
from broker.domain.changes import AddGrant, Record, RemoveApplication
from broker.domain.errors import Fault, Refusal
from broker.domain.ids import ApplicationId
from broker.domain.ledger import AuditEvent
from broker.domain.request_refused import RequestRefused
from broker.flows.found import LiveSession
from broker.flows.sign_in.authorize import Answered, ConsentNeeded, SignInNeeded, authorize
from tests.fakes.upstream import Person
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, GRACE, ISSUER, NOW, STRANGER, asked
from tests.flows.texts import answer_of, holds
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def ask(
    world: World, signed_in: LiveSession | None, application: str = "demo-app", **changes: str | None
) -> Answered | SignInNeeded | ConsentNeeded:
    """An authorize request, and what comes of it."""
    return await authorize(asked(application, **changes), signed_in, world.ports, request_id="req-1")


async def test_whoever_is_signed_in_is_sent_back_with_a_code(world: World) -> None:
    """At once, with the Application's state and our issuer (RFC 9207)."""
    ada = await world.signed_in(ADA)
    world.forget()
    outcome = await ask(world, ada)

    assert isinstance(outcome, Answered)
    assert outcome.url.startswith("https://demo-app.example/callback?")
    answer = answer_of(outcome.url)
    assert answer == {"code": answer["code"], "state": "state-canary", "iss": ISSUER}
    assert len(answer["code"]) == 43


async def test_a_code_is_kept_as_a_hash_with_all_that_was_asked(world: World) -> None:
    """One Grant and one line of the ledger, together; the code itself is handed to no store."""
    ada = await world.signed_in(ADA)
    world.forget()
    outcome = await ask(world, ada, organization="acme")
    assert isinstance(outcome, Answered)
    code = answer_of(outcome.url)["code"]

    add, record = world.written
    assert isinstance(add, AddGrant)
    assert isinstance(record, Record)
    assert add.grant.code == world.ports.secrets.keyed_hash("code", code)
    assert (add.grant.user_id, add.grant.session_id) == (ada.user.id, ada.session.id)
    assert (add.grant.scopes, add.grant.nonce) == (("openid", "email", "profile"), "nonce-canary")
    assert (add.grant.organization, add.grant.auth_time, add.grant.created_at) == ("acme", NOW, NOW)
    assert not holds(world.store.received, code)
    assert world.event() == AuditEvent(
        at=NOW,
        action="authorize",
        outcome="done",
        request_id="req-1",
        user_id=ada.user.id,
        application_id=ApplicationId("demo-app"),
        client_org=add.grant.organization,
        object_id=add.grant.id,
    )


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        (asked(client_id=None), "invalid_request"),
        (asked(client_id=""), "invalid_request"),
        (asked(client_id="elsewhere"), "unknown_application"),
        (asked(redirect_uri=None), "invalid_redirect_uri"),
        (asked(redirect_uri="https://demo-app.example/callback/"), "invalid_redirect_uri"),
    ],
    ids=["no application", "empty", "unknown", "no redirect", "a slash more"],
)
async def test_nobody_is_sent_to_an_address_that_is_not_proven(world: World, parameters: Parameters, code: str) -> None:
    """Signed in or not, it is refused here, and nothing is written."""
    ada = await world.signed_in(ADA)
    world.forget()

    for signed_in in (None, ada):
        with refusal(Refusal, code):
            await authorize(parameters, signed_in, world.ports, request_id="req-1")
    assert world.written == []


async def test_a_request_that_does_not_hold_is_answered_at_the_proven_address(world: World) -> None:
    """With the Application's state."""
    with refusal(RequestRefused, "unsupported_response_type") as caught:
        await ask(world, None, response_type="token")

    assert (caught.value.redirect_uri, caught.value.state) == ("https://demo-app.example/callback", "state-canary")


async def test_nobody_has_to_sign_in_first(world: World) -> None:
    """The request is handed back checked, and nothing is written."""
    outcome = await ask(world, None)

    assert isinstance(outcome, SignInNeeded)
    assert outcome.request == await world.request()
    assert outcome.application.name == "Demo"
    assert world.written == []


@pytest.mark.parametrize("prompt", ["login", "select_account", "login consent"])
async def test_an_application_may_want_a_fresh_sign_in(world: World, prompt: str) -> None:
    """However fresh the one is that there is."""
    assert isinstance(await ask(world, await world.signed_in(ADA), prompt=prompt), SignInNeeded)


@pytest.mark.parametrize(("later", "needed"), [(0, False), (60, False), (61, True)])
async def test_a_sign_in_may_be_too_long_ago_for_the_application(world: World, later: int, needed: bool) -> None:
    """`max_age` is the age that is still good enough."""
    ada = await world.signed_in(ADA)
    world.clock.advance(later)

    assert isinstance(await ask(world, ada, max_age="60"), SignInNeeded) is needed


async def test_without_asking_nobody_can_be_made_to_sign_in(world: World) -> None:
    """`prompt=none`: the Application is told, whether nobody is there, or not freshly, or somebody else."""
    hint = (await world.redeem(await world.code(GRACE))).id_token
    ada = await world.signed_in(ADA)
    world.clock.advance(61)
    world.forget()

    with refusal(RequestRefused, "login_required"):
        await ask(world, None, prompt="none")
    with refusal(RequestRefused, "login_required"):
        await ask(world, ada, prompt="none", max_age="60")
    with refusal(RequestRefused, "login_required"):
        await ask(world, ada, prompt="none", id_token_hint=hint)
    assert isinstance(await ask(world, ada, prompt="none"), Answered)


async def test_an_id_token_says_whom_the_application_expects(world: World) -> None:
    """Its own ID token about the person who is signed in, expired or not, lets them through."""
    hint = (await world.redeem(await world.code(ADA))).id_token
    world.clock.advance(1200)

    assert isinstance(await ask(world, await world.signed_in(ADA), id_token_hint=hint), Answered)


async def test_anybody_else_than_the_expected_person_has_to_sign_in(world: World) -> None:
    """Somebody else, and nobody: the expected person may be about to (OpenID Connect Core section 3.1.2.1)."""
    ada, other = await world.signed_in(ADA), await world.redeem(await world.code(GRACE))

    for signed_in in (ada, None):
        assert isinstance(await ask(world, signed_in, id_token_hint=other.id_token), SignInNeeded)


async def test_nobody_signs_in_for_a_hint_that_names_nobody(world: World) -> None:
    """No ID token of ours for this Application: whoever signed in would not be the one, so the Application is told."""
    ada, own = await world.signed_in(ADA), await world.redeem(await world.code(ADA))
    elsewhere = await world.redeem(await world.code(ADA, "reports"), "reports")
    forged = own.id_token[:-4] + "AAAA"

    for signed_in in (ada, None):
        for hint in (elsewhere.id_token, own.access_token, forged, "a.b.c"):
            with refusal(RequestRefused, "login_required") as caught:
                await ask(world, signed_in, id_token_hint=hint)
            assert "id_token_hint" in caught.value.sentence


@pytest.mark.parametrize(
    ("person", "application", "organization"),
    [(STRANGER, "reports", None), (STRANGER, "demo-app", "acme"), (GRACE, "demo-app", "acme"), (ADA, "demo-app", "x")],
    ids=["needs any", "stranger to acme", "Grace is not of acme", "no such Client"],
)
async def test_who_has_no_authorization_gets_no_code(
    world: World, person: Person, application: str, organization: str | None
) -> None:
    """The Application is told so; what does not exist and what is not theirs sound the same."""
    signed_in = await world.signed_in(person)
    world.forget()

    with refusal(RequestRefused, "access_denied") as caught:
        await ask(world, signed_in, application, organization=organization)
    assert caught.value.sentence.startswith("You have no authorization for this yet.")
    assert world.written == []


async def test_who_has_an_authorization_gets_a_code(world: World) -> None:
    """Of any Client where the Application asks for any, and of the one that is asked for."""
    ada = await world.signed_in(ADA)

    assert isinstance(await ask(world, ada, "reports"), Answered)
    assert isinstance(await ask(world, ada, "reports", organization="globex"), Answered)
    assert isinstance(await ask(world, await world.signed_in(STRANGER)), Answered)


async def test_an_invitation_is_not_taken_up_by_a_request(world: World) -> None:
    """Only a proven address takes it: a Session alone proves none."""
    signed_in = await world.signed_in(STRANGER)
    await ask(world, signed_in)

    assert all(a.user_id is None for a in world.store.tables.authorizations.values())


async def test_an_application_that_goes_meanwhile_gets_nothing(world: World) -> None:
    """Trying again will say that it is unknown; until then nothing is half done."""
    ada = await world.signed_in(ADA)
    world.forget()
    gone = RemoveApplication(application_id=ApplicationId("demo-app"), at=world.clock.now())
    world.store.before("write", lambda: world.store.write(gone))

    with refusal(Fault, "contention"):
        await ask(world, ada)
    assert world.store.tables.grants == {}
    assert world.events() == []


async def test_a_store_that_does_not_answer_is_a_fault(world: World) -> None:
    """And no code is handed out that nobody could redeem."""
    ada = await world.signed_in(ADA)
    world.store.stop_before("write")

    with refusal(Fault, "storage_unavailable"):
        await ask(world, ada)
