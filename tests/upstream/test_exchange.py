"""The exchange as a whole: its order, its time, what it ends, and what it asks for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from broker.domain.errors import Fault, Refusal
from broker.domain.ids import RegistrationId
from tests.fakes.providers.github import FakeGitHub
from tests.fakes.providers.google_like import FakeGoogle
from tests.fakes.providers.microsoft import CONTOSO, FakeEntra
from tests.fakes.providers.oidc import FakeOpenIdProvider
from tests.fakes.providers.provider import Endpoint
from tests.fakes.providers.trip import Trip, trip_to

pytestmark = pytest.mark.anyio


@pytest.fixture
async def trip() -> AsyncIterator[Trip[FakeOpenIdProvider]]:
    async with trip_to(FakeOpenIdProvider) as made:
        yield made


async def ill(_: Request) -> Response:
    return JSONResponse({}, 500)


def after(seconds: float, endpoint: Endpoint | None = None) -> Endpoint:
    async def late(request: Request) -> Response:
        await asyncio.sleep(seconds)
        return JSONResponse({}, 500) if endpoint is None else await endpoint(request)

    return late


async def test_g02_02_a_promised_issuer_must_be_there(trip: Trip[FakeOpenIdProvider]) -> None:
    """RFC 9207 section 2.4; no code is sent."""
    attempt = trip.attempt("email")
    callback = await trip.visit(attempt, iss=None)

    with pytest.raises(Refusal) as raised:
        await trip.exchange(attempt, callback)

    assert raised.value.code == "missing_iss"
    assert trip.fake.requests["token"] == 0


async def test_an_issuer_that_was_not_promised_need_not_be_there(trip: Trip[FakeOpenIdProvider]) -> None:
    """Only where the metadata says true."""
    for promise in (False, None, "true", 1):
        trip.fake.bend_metadata = lambda document, promise=promise: (
            document
            | {  # type: ignore[misc]
                "authorization_response_iss_parameter_supported": promise
            }
        )
        trip.clock.at += 3600
        attempt = trip.attempt("email")

        await trip.exchange(attempt, await trip.visit(attempt, iss=None))


async def test_an_error_of_another_issuer_is_not_believed_either(trip: Trip[FakeOpenIdProvider]) -> None:
    """The issuer is looked at first."""
    attempt = trip.attempt("email")
    callback = await trip.visit(attempt, iss="https://evil.example", error="access_denied")

    with pytest.raises(Refusal) as raised:
        await trip.exchange(attempt, callback)

    assert raised.value.code == "issuer_mismatch"


async def test_a_callback_of_another_registration_is_refused(trip: Trip[FakeOpenIdProvider]) -> None:
    """Though the flow looks at it too (RFC 9700 section 4.4)."""
    attempt = trip.attempt("email")
    callback = replace(await trip.visit(attempt), registration=RegistrationId("other"))

    with pytest.raises(Refusal) as raised:
        await trip.exchange(attempt, callback)

    assert raised.value.code == "provider_mismatch"
    assert trip.fake.requests["token"] == 0


async def test_two_providers_do_not_get_each_others_codes(trip: Trip[FakeOpenIdProvider]) -> None:
    """G02-01: the honest one's code comes back where the evil one was asked, and goes nowhere."""
    async with trip_to(FakeOpenIdProvider) as honest:
        attempt = trip.attempt("email")
        stolen = await honest.visit(replace(attempt))

        with pytest.raises(Refusal) as raised:
            await trip.exchange(attempt, stolen)

        assert raised.value.code == "issuer_mismatch"
        assert (trip.fake.requests["token"], honest.fake.requests["token"]) == (0, 0)


async def test_g19_06_a_code_is_not_sent_again_after_a_time_out(trip: Trip[FakeOpenIdProvider]) -> None:
    """Nor longer waited for than five seconds."""
    trip.fake.instead["token"] = after(12)
    attempt = trip.attempt("email")
    callback = await trip.visit(attempt)
    began = time.monotonic()

    with pytest.raises(Fault) as raised:
        await trip.exchange(attempt, callback)

    assert raised.value.code == "provider_unavailable"
    assert time.monotonic() - began < 9
    assert trip.fake.requests["token"] == 1


async def test_five_seconds_are_for_everything_together(trip: Trip[FakeOpenIdProvider]) -> None:
    """A slow token answer and a slow userinfo do not add up; the tokens are ended, in two seconds at most."""
    trip.fake.instead["token"] = after(3, trip.fake.token)
    trip.fake.instead["userinfo"] = after(3, trip.fake.userinfo)
    trip.fake.instead["revocation"] = after(12)
    began = time.monotonic()

    with pytest.raises(Fault) as raised:
        await trip.sign_in("email")

    assert raised.value.detail == "exchange: no answer in 5 s"
    assert time.monotonic() - began < 11
    assert trip.fake.requests["revocation"] == 1


async def test_a_failing_revocation_does_not_hide_the_refusal(trip: Trip[FakeOpenIdProvider]) -> None:
    """What went wrong first is what is said."""
    trip.fake.instead["revocation"] = ill
    trip.fake.bend_claims = lambda claims: claims | {"nonce": "another"}

    with pytest.raises(Refusal) as raised:
        await trip.sign_in("email")

    assert raised.value.code == "invalid_nonce"
    assert trip.fake.requests["revocation"] == 2  # a refresh and an access token


async def test_g19_10_userinfo_is_not_needed_when_the_id_token_says_it_all(trip: Trip[FakeOpenIdProvider]) -> None:
    """So a sign-in survives without it."""
    trip.fake.claims_in_id_token = frozenset(trip.fake.person)
    trip.fake.instead["userinfo"] = ill

    assert (await trip.sign_in()).profile["email"] == "ada@corp.example"
    assert trip.fake.requests["userinfo"] == 0


async def test_g19_10_an_attribute_that_cannot_be_had_is_a_fault(trip: Trip[FakeOpenIdProvider]) -> None:
    """Going on without it would erase what is kept."""
    trip.fake.instead["userinfo"] = ill

    with pytest.raises(Fault) as raised:
        await trip.sign_in("email")

    assert raised.value.code == "provider_unavailable"
    assert trip.fake.living == {}


async def test_userinfo_is_not_asked_when_no_attribute_is(trip: Trip[FakeOpenIdProvider]) -> None:
    """Signing in as such needs the subject alone."""
    verified = await trip.sign_in("nothing")

    assert verified.profile == {}
    assert trip.fake.requests["userinfo"] == 0


async def test_userinfo_is_not_asked_for_what_nobody_keeps(trip: Trip[FakeOpenIdProvider]) -> None:
    """The scope `profile` covers more than the name; what is missing of it in the ID token stays where it is."""
    trip.fake.claims_in_id_token = frozenset({"sub", "email", "email_verified", "name"})
    attempt = trip.attempt("email", "name")
    verified = await trip.exchange(attempt, await trip.visit(attempt), "email", "name")

    assert verified.profile.keys() == {"email", "name"}
    assert trip.fake.requests["userinfo"] == 0


async def test_what_nobody_keeps_is_not_in_the_profile(trip: Trip[FakeOpenIdProvider]) -> None:
    """Though the Provider told it, and its scope was asked for."""
    attempt = trip.attempt("name", "locale")
    verified = await trip.exchange(attempt, await trip.visit(attempt), "name")

    assert verified.profile.keys() == {"name"}


async def test_a_provider_without_userinfo_tells_what_it_tells(trip: Trip[FakeOpenIdProvider]) -> None:
    """The rest is not there."""
    trip.fake.bend_metadata = lambda document: {n: v for n, v in document.items() if n != "userinfo_endpoint"}

    assert (await trip.sign_in("email")).profile == {}


async def test_what_the_id_token_says_counts(trip: Trip[FakeOpenIdProvider]) -> None:
    """It is signed; userinfo only fills in."""
    trip.fake.claims_in_id_token = frozenset({"sub", "email"})
    trip.fake.bend_userinfo = lambda claims: claims | {"email": "other@corp.example", "iss": "https://evil.example"}

    verified = await trip.sign_in("email", "name")

    assert verified.profile["email"] == "ada@corp.example"
    assert verified.profile["name"] == "Ada Lovelace"
    assert verified.identity.issuer == trip.fake.issuer


@pytest.mark.parametrize(
    "verified", [False, None, "true", "false", 1, "deleted"], ids=["false", "null", "'true'", "'false'", "1", "absent"]
)
async def test_g04_02_an_address_is_verified_by_json_true_only(verified: object) -> None:
    """In the ID token as at userinfo."""
    async with trip_to(FakeOpenIdProvider, trusted_email_domains=["corp.example"]) as trip:
        for told in (frozenset({"sub"}), frozenset({"sub", "email", "email_verified"})):
            trip.fake.claims_in_id_token = told
            trip.fake.person["email_verified"] = verified
            if verified == "deleted":
                del trip.fake.person["email_verified"]

            assert (await trip.sign_in("email")).verified_email is None


async def test_without_trusted_domains_no_address_is_verified(trip: Trip[FakeOpenIdProvider]) -> None:
    """Whatever the Provider says."""
    verified = await trip.sign_in("email")

    assert verified.profile["email"] == "ada@corp.example"
    assert verified.verified_email is None


async def test_google_without_workspace_does_not_verify_a_foreign_address() -> None:
    """Its owner may have changed since."""
    async with trip_to(FakeGoogle) as trip:
        del trip.fake.person["hd"]
        assert (await trip.sign_in("email")).verified_email is None

        trip.fake.person["email"] = "ada@gmail.com"
        assert (await trip.sign_in("email")).verified_email == "ada@gmail.com"


async def test_google_gives_a_refresh_token_once_a_consent() -> None:
    """Coming back is no reason to lose it: no refresh token is None, and the flow keeps the old one."""
    async with trip_to(FakeGoogle) as trip:
        assert (await trip.sign_in()).tokens.refresh_token is not None
        assert (await trip.sign_in()).tokens.refresh_token is None


@pytest.mark.parametrize(
    ("tenant", "published", "tid", "accepted"),
    [
        ("common", "{tenantid}", CONTOSO, True),
        ("common", "{tenantid}", "9188040d-6c67-4c5b-b112-36a304b66dad", True),
        ("organizations", "{tenantid}", "9188040d-6c67-4c5b-b112-36a304b66dad", False),
        ("consumers", "9188040d-6c67-4c5b-b112-36a304b66dad", "9188040d-6c67-4c5b-b112-36a304b66dad", True),
        (CONTOSO, CONTOSO, CONTOSO, True),
        (CONTOSO, CONTOSO, "9188040d-6c67-4c5b-b112-36a304b66dad", False),
        ("contoso.example", CONTOSO, CONTOSO, True),
    ],
)
async def test_entra_tenants_are_told_apart(tenant: str, published: str, tid: str, accepted: bool) -> None:
    """One registration, many issuers, each checked against the tenant that the token names."""
    async with trip_to(FakeEntra, tenant=tenant) as trip:
        trip.fake.published_tenant = published
        trip.fake.person["tid"] = tid
        if accepted:
            assert (await trip.sign_in()).identity.issuer == f"{trip.fake.base}/{tid}/v2.0"
        else:
            with pytest.raises(Refusal, match="invalid_id_token: iss"):
                await trip.sign_in()


async def test_noauth_comes_to_nothing() -> None:
    """G04-01: an Entra tenant that writes a stranger's address proves nothing by it, and is another identity."""
    async with trip_to(FakeEntra) as trip:
        trip.fake.person |= {"email": "victim@corp.example", "email_verified": True, "oid": "evil"}
        verified = await trip.sign_in("email")

        assert verified.verified_email is None
        assert verified.identity.subject == f"{CONTOSO}:evil"


@pytest.mark.parametrize("missing", ["oid", "tid"])
async def test_an_entra_token_without_a_subject_of_its_own_is_refused(missing: str) -> None:
    """`sub` is there, but is not the person's in the tenant."""
    async with trip_to(FakeEntra) as trip:
        del trip.fake.person[missing]

        with pytest.raises(Refusal) as raised:
            await trip.sign_in()

        assert raised.value.code == "invalid_id_token"


async def test_githubs_addresses_are_read_only_when_asked_for() -> None:
    """Without the scope the document is not even fetched."""
    async with trip_to(FakeGitHub) as trip:
        verified = await trip.sign_in("name")

        assert trip.fake.requests["emails"] == 0
        assert verified.verified_email is None
        assert "email" not in verified.profile


async def test_a_github_person_who_unticked_the_scope_is_a_fault_not_a_crash() -> None:
    """GitHub answers 404 for what may not be read."""
    async with trip_to(FakeGitHub) as trip:
        trip.fake.declined = {"user:email"}

        with pytest.raises(Fault) as raised:
            await trip.sign_in("email")

        assert raised.value.detail == "emails: status 404"
        assert trip.fake.living == {}


@pytest.mark.parametrize("number", [None, "1815", 0, True, 1.5], ids=repr)
async def test_a_github_person_without_a_number_is_refused(number: object) -> None:
    """The login name does not do."""
    async with trip_to(FakeGitHub) as trip:
        trip.fake.person["id"] = number

        with pytest.raises(Refusal) as raised:
            await trip.sign_in("name")

        assert raised.value.code == "invalid_id_token"
        assert trip.fake.living == {}
