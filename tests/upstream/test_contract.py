"""The contract of the `Upstream` port, held over every dialect that a Provider may speak."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from broker.domain.attempt import Purpose
from broker.domain.errors import BrokerError, Fault, Refusal
from broker.domain.outbox import RevocationResult
from broker.domain.pkce import proves
from broker.flows.ports import Callback
from providers.spec import Dialect
from tests.fakes.providers.provider import Endpoint, FakeProvider, Json
from tests.fakes.providers.trip import WORK, Trip, trip_to
from tests.upstream.dialects import CASES, DialectCase
from tests.upstream.leaks import leaked, told_by

pytestmark = pytest.mark.anyio


@dataclass(kw_only=True)
class Spoken:
    """A dialect, and a trip to a Provider that speaks it."""

    case: DialectCase
    trip: Trip[FakeProvider]

    @property
    def is_oidc(self) -> bool:
        return self.trip.registration.provider.dialect is Dialect.OIDC


@pytest.fixture(params=CASES, ids=lambda case: case.fake.name)
async def spoken(request: pytest.FixtureRequest) -> AsyncIterator[Spoken]:
    case: DialectCase = request.param
    async with trip_to(case.fake, **case.arguments) as trip:
        yield Spoken(case=case, trip=trip)


async def test_a_sign_in_comes_to_who_it_is(spoken: Spoken) -> None:
    """Subject and issuer, verified, under the registration that asked."""
    identity = (await spoken.trip.sign_in()).identity

    assert identity.registration == WORK
    assert identity.subject == spoken.case.subject
    assert identity.issuer == spoken.case.issuer.format(base=spoken.trip.fake.base)


async def test_the_same_person_is_the_same_every_time(spoken: Spoken) -> None:
    """Whatever was asked for."""
    first, second = await spoken.trip.sign_in(), await spoken.trip.sign_in("name")

    assert first.identity == second.identity


async def test_the_profile_holds_named_attributes_only(spoken: Spoken) -> None:
    """The Provider says more than that: none of it goes on."""
    verified = await spoken.trip.sign_in()

    assert verified.profile == spoken.case.profile
    assert verified.profile.keys() <= spoken.trip.gateway.registrations[WORK].attributes


async def test_attributes_that_were_not_asked_for_are_not_told(spoken: Spoken) -> None:
    """Even when the Provider tells them unasked."""
    fake = spoken.trip.fake
    if hasattr(fake, "bend_claims"):
        fake.bend_claims = lambda claims: claims | {"email": "overshared@corp.example", "phone_number": "+44"}
    fake.bend_userinfo = lambda claims: claims | {"email": "overshared@corp.example", "phone_number": "+44"}

    verified = await spoken.trip.sign_in("name")

    assert "email" not in verified.profile
    assert "phone_number" not in verified.profile
    assert verified.profile["name"] == "Ada Lovelace"


async def test_an_address_is_verified_by_the_providers_rule(spoken: Spoken) -> None:
    """And told apart from the attribute."""
    verified = await spoken.trip.sign_in("email")

    assert verified.verified_email == spoken.case.verified_email
    assert verified.profile["email"] == spoken.case.profile["email"]


async def test_only_needed_scopes_are_asked_for(spoken: Spoken) -> None:
    """What signing in needs, and what the attributes need; once each."""
    for attributes, scopes in spoken.case.scopes.items():
        assert spoken.trip.gateway.scopes_for(WORK, frozenset(attributes)) == pytest.approx(scopes)
        attempt = spoken.trip.attempt(*attributes or ("nothing",))
        url = await spoken.trip.gateway.authorize_url(attempt, login_hint=None, prompt_login=False)
        assert dict(parse_qsl(urlsplit(url).query)).get("scope", "").split() == list(scopes)


async def test_an_unknown_attribute_needs_no_scope(spoken: Spoken) -> None:
    """It cannot be had."""
    nothing = spoken.trip.gateway.scopes_for(WORK, frozenset())

    assert spoken.trip.gateway.scopes_for(WORK, frozenset({"shoe_size"})) == nothing


async def test_the_authorize_request_is_bound_to_the_attempt(spoken: Spoken) -> None:
    """State, PKCE S256 with a fresh challenge, and for OpenID Providers a nonce; the verifier stays here."""
    attempt = spoken.trip.attempt()
    url = await spoken.trip.gateway.authorize_url(attempt, login_hint=None, prompt_login=False)
    sent = dict(parse_qsl(urlsplit(url).query))

    assert sent["state"] == attempt.state
    assert sent["code_challenge_method"] == "S256"
    assert proves(attempt.code_verifier, sent["code_challenge"])
    assert sent.get("nonce") == (attempt.nonce if spoken.is_oidc else None)
    assert sent["redirect_uri"] == spoken.trip.registration.callback_url
    assert sent["client_id"] == spoken.trip.registration.provider_application_id
    assert attempt.code_verifier not in url
    assert spoken.trip.registration.secret not in url


async def test_a_code_is_redeemed_once(spoken: Spoken) -> None:
    """A second exchange of the same callback reaches the Provider and is refused there, in an error we know."""
    attempt = spoken.trip.attempt()
    callback = await spoken.trip.visit(attempt)
    await spoken.trip.exchange(attempt, callback)

    with pytest.raises(Refusal) as raised:
        await spoken.trip.exchange(attempt, callback)

    assert raised.value.code == "upstream_error"
    assert spoken.trip.fake.requests["token"] == 2


async def test_an_injected_code_is_refused(spoken: Spoken) -> None:
    """The code of one attempt does not fit the verifier of another (RFC 9700 section 4.5)."""
    stolen = await spoken.trip.visit(spoken.trip.attempt())

    with pytest.raises(Refusal) as raised:
        await spoken.trip.exchange(spoken.trip.attempt(), stolen)

    assert raised.value.code == "upstream_error"
    assert spoken.trip.fake.living == {}


async def test_a_wrong_secret_is_the_operators_business(spoken: Spoken) -> None:
    """Not the person's."""
    spoken.trip.fake.enrolled = type(spoken.trip.fake.enrolled)(secret="another")

    with pytest.raises(Fault) as raised:
        await spoken.trip.sign_in()

    assert raised.value.code == "provider_misconfigured"


async def test_granted_scopes_are_what_the_provider_says(spoken: Spoken) -> None:
    """People may untick some: what comes back counts, in the names in which it was asked for."""
    attempt = spoken.trip.attempt()
    everything = await spoken.trip.sign_in()
    assert everything.granted_scopes == frozenset(attempt.scopes)

    email = next(scope for scope in attempt.scopes if "email" in scope)
    spoken.trip.fake.declined = {email}
    if spoken.is_oidc:
        verified = await spoken.trip.sign_in()

        assert verified.granted_scopes == frozenset(attempt.scopes) - {email}
        assert "email" not in verified.profile
        assert verified.verified_email is None


async def test_granted_scopes_that_are_not_said_are_those_asked_for(spoken: Spoken) -> None:
    """RFC 6749 section 5.1."""
    spoken.trip.fake.bend_answer = lambda answer: {n: v for n, v in answer.items() if n != "scope"}

    assert (await spoken.trip.sign_in("name")).granted_scopes == frozenset(spoken.trip.attempt("name").scopes)


async def test_a_revocation_reaches_the_provider(spoken: Spoken) -> None:
    """And a second one finds nothing left; where a Provider cannot be told, that is said."""
    verified = await spoken.trip.sign_in()
    first = await spoken.trip.gateway.revoke(WORK, verified.tokens)
    second = await spoken.trip.gateway.revoke(WORK, verified.tokens)

    assert (first, second) == spoken.case.revoked
    facts = spoken.trip.gateway.registrations[WORK]
    assert facts.can_revoke == (RevocationResult.UNSUPPORTED not in spoken.case.revoked)
    if facts.can_revoke:
        assert spoken.trip.fake.living == {}


async def test_a_warm_sign_in_asks_no_more_than_it_must(spoken: Spoken) -> None:
    """Metadata and keys are known by then."""
    await spoken.trip.sign_in()
    spoken.trip.fake.requests.clear()

    await spoken.trip.sign_in()

    del spoken.trip.fake.requests["authorize"]
    assert dict(spoken.trip.fake.requests) == spoken.case.warm


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("access_denied", "upstream_denied"),
        ("server_error", "upstream_error"),
        ("login_required", "upstream_error"),
        ("<script>alert(1)</script>", "upstream_error"),
        ("", "upstream_error"),
    ],
)
async def test_an_error_callback_comes_in_two_kinds(spoken: Spoken, error: str, code: str) -> None:
    """The person said no, or anything else; nothing of the text goes on, and no code is sent."""
    attempt = spoken.trip.attempt()
    callback = await spoken.trip.visit(attempt, error=error)

    with pytest.raises(Refusal) as raised:
        await spoken.trip.exchange(attempt, callback)

    assert raised.value.code == code
    assert "<script>" not in told_by(raised.value) + raised.value.sentence
    assert spoken.trip.fake.requests["token"] == 0


@pytest.mark.parametrize("code", [None, "", "x" * 4097, "a\nb", "é", "\x00", "\ud800"], ids=ascii)
async def test_a_callback_without_a_sound_code_is_refused(spoken: Spoken, code: str | None) -> None:
    """Nothing is sent to the Provider."""
    attempt = spoken.trip.attempt()
    callback = await spoken.trip.visit(attempt, code=code)

    with pytest.raises(Refusal) as raised:
        await spoken.trip.exchange(attempt, callback)

    assert raised.value.code == "upstream_error"
    assert spoken.trip.fake.requests["token"] == 0


@pytest.mark.parametrize("change", ["https://evil.example", "slash", "upper", "userinfo", ""])
async def test_a_callback_of_another_issuer_is_refused(spoken: Spoken, change: str) -> None:
    """RFC 9207: one string, compared as it is, wherever it is present."""
    attempt = spoken.trip.attempt()
    callback = await spoken.trip.visit(attempt)
    base = spoken.trip.fake.base
    near = {"slash": f"{base}/", "upper": base.upper(), "userinfo": base.replace("//", "//h@")}
    bent = Callback(
        registration=WORK, state=callback.state, code=callback.code, error=None, iss=near.get(change, change)
    )

    with pytest.raises(Refusal) as raised:
        await spoken.trip.exchange(attempt, bent)

    assert raised.value.code == "issuer_mismatch"
    assert spoken.trip.fake.requests["token"] == 0


async def test_nothing_is_told_by_what_is_returned_or_logged(spoken: Spoken, caplog: pytest.LogCaptureFixture) -> None:
    """Secrets and personal values have no repr, and no log line."""
    caplog.set_level(logging.DEBUG)
    attempt = spoken.trip.attempt()
    callback = await spoken.trip.visit(attempt)
    verified = await spoken.trip.exchange(attempt, callback)
    await spoken.trip.gateway.revoke(WORK, verified.tokens)

    parts = (
        spoken.trip.gateway,
        spoken.trip.registration,
        verified,
        attempt,
        callback,
        verified.identity,
        verified.tokens,
    )
    logged = [record.getMessage() for record in caplog.records if not record.name.startswith("uvicorn")]  # the fake's
    assert leaked(spoken.trip.fake, *map(repr, parts), *logged) == set()
    assert attempt.nonce not in "".join(map(repr, parts))
    assert attempt.code_verifier not in "".join(map(repr, parts))


ENDPOINTS = ("token", "userinfo", "user", "emails", "keys", "discovery")
EXPECTED = {"provider_unavailable", "upstream_error", "provider_misconfigured", "subject_mismatch"}


@pytest.mark.parametrize(
    "answer", ["html", "error_500", "error_200", "no_object", "garbage", "redirect", "empty", "404"]
)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_an_endpoint_that_fails_is_an_error_without_detail_from_it(
    spoken: Spoken, endpoint: str, answer: str
) -> None:
    """Never an unexpected exception, never a word of the answer; tokens that were obtained are ended."""
    spoken.trip.fake.instead[endpoint] = misbehaving(answer)
    attempt = spoken.trip.attempt()
    try:
        await spoken.trip.exchange(attempt, await spoken.trip.visit(attempt))
    except BrokerError as error:
        assert error.code in EXPECTED
        assert "canary-of-the-answer" not in told_by(error)
        assert leaked(spoken.trip.fake, told_by(error)) == set()
        if spoken.trip.gateway.registrations[WORK].can_revoke and endpoint != "discovery":
            assert spoken.trip.fake.living == {}
    else:
        assert spoken.trip.fake.requests[endpoint] == 0 or (endpoint, answer) == ("emails", "no_object")


def misbehaving(answer: str) -> Endpoint:
    """An endpoint that answers with something else."""
    canary: Json = {"error": "canary-of-the-answer", "error_description": "canary-of-the-answer"}

    async def endpoint(request: Request) -> Response:
        match answer:
            case "html":
                return HTMLResponse("<p>canary-of-the-answer")
            case "error_500":
                return JSONResponse(canary, 500)
            case "error_200":
                return JSONResponse(canary)
            case "no_object":
                return JSONResponse(["canary-of-the-answer"])
            case "garbage":
                return Response(b'{"canary-of-the-answer', media_type="application/json")
            case "redirect":
                return RedirectResponse("https://evil.example/canary-of-the-answer", 302)
            case "404":
                return JSONResponse(canary, 404)
            case _:
                return Response(media_type="application/json")

    return endpoint


async def test_facts_are_told_to_flows_and_pages(spoken: Spoken) -> None:
    """Name, label, attributes, and what a revocation does."""
    facts = spoken.trip.gateway.registrations[WORK]

    assert facts.provider == spoken.case.fake.name
    assert facts.label
    assert facts.attributes >= spoken.case.profile.keys()
    assert facts.reach.endswith(".")


async def test_connecting_an_account_asks_for_lasting_access(spoken: Spoken) -> None:
    """Where a Provider has a way to be asked; signing in does not ask again."""
    prompt = spoken.trip.registration.provider.connect_prompt
    for purpose, expected in ((Purpose.CONNECT, prompt), (Purpose.SIGN_IN, None)):
        attempt = spoken.trip.attempt(purpose=purpose)
        url = await spoken.trip.gateway.authorize_url(attempt, login_hint=None, prompt_login=False)

        assert dict(parse_qsl(urlsplit(url).query)).get("prompt") == expected
