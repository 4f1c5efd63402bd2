"""G02: an answer counts only where it was asked for: same Provider, same browser, same person."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx2
import pytest

from broker.domain.ids import RegistrationId
from tests.security.browser import Browser, answered, ask
from tests.security.template import Template
from tests.security.trips import bent, refused
from tests.security.world import World, open_world, registration

pytestmark = pytest.mark.anyio

TWIN = RegistrationId("twin")
RULES = {
    "google": {"keep": {"email": "Contact"}},
    "corp": {"keep": {"email": "Contact"}},
    "twin": {"keep": {"email": "Contact"}},
}


@pytest.fixture
async def twin_world(template: Template, tmp_path: Path) -> AsyncIterator[World]:
    """A second registration, "twin", at the Provider behind "corp"."""
    further = registration("twin", template.corp)
    async with open_world(template, tmp_path, registrations={TWIN: further}, rules=RULES) as world:
        yield world


async def test_a_code_never_reaches_another_providers_token_endpoint(world: World, ada: Browser) -> None:
    """G02-01: a malicious Provider sends the browser on to an honest one, with the same state (RFC 9700 4.4)."""
    to_corp = await ada.begin("corp")
    state = parse_qs(urlsplit(to_corp).query)["state"][0]
    elsewhere = world.browser()
    to_google = urlsplit(await elsewhere.begin("google"))
    query = dict(parse_qsl(to_google.query)) | {"state": state}
    callback = await ada.visit(f"{to_google._replace(query=urlencode(query)).geturl()}")
    assert callback.startswith("/callback/google?")

    await refused(world, ada, callback, "provider_mismatch")

    assert world.corp.provider.requests["token"] == 0
    assert world.google.provider.requests["token"] == 0


async def test_the_reverse_path_is_closed_too(world: World, ada: Browser) -> None:
    """G02-01: an honest Provider's code, handed to the callback of the malicious one."""
    callback = (await ada.trip()).replace("/callback/google", "/callback/corp")

    await refused(world, ada, callback, "provider_mismatch")

    assert world.corp.provider.requests["token"] == 0


async def test_a_code_for_the_other_callback_is_not_redeemed_by_who_asked(world: World, ada: Browser) -> None:
    """G02-01: the callback is the one asked for, but its `iss` says whose code it is (RFC 9207 section 2.4)."""
    google = parse_qs(urlsplit(await world.browser().trip()).query)
    callback = bent(await ada.trip(registration="corp"), code=google["code"][0], iss=google["iss"][0])

    await refused(world, ada, callback, "issuer_mismatch")

    assert world.corp.provider.requests["token"] == 0


async def test_a_callback_must_name_its_issuer_where_that_was_promised(world: World, ada: Browser) -> None:
    """G02-02: `authorization_response_iss_parameter_supported`, and then no `iss`."""
    callback = bent(await ada.trip(), iss=None)

    await refused(world, ada, callback, "missing_iss")

    assert world.google.provider.requests["token"] == 0


async def test_an_error_callback_must_name_its_issuer_too(world: World, ada: Browser) -> None:
    """G02-02: RFC 9207 section 2 asks for it in error answers as well."""
    await refused(world, ada, bent(await ada.trip(), iss=None, code=None, error="access_denied"), "missing_iss")


async def test_an_application_is_told_of_it(world: World, ada: Browser) -> None:
    """G02-02: once the browser is proven, the Application gets an answer; the ledger knows the reason."""
    request = ask()

    told = answered(await ada.get(bent(await ada.trip(request=request), iss=None)))

    assert (told["error"], told["state"]) == ("server_error", request.parameters["state"])
    assert await world.reason() == "missing_iss"


@pytest.mark.parametrize(
    ("part", "spelled"),
    [
        ("$", "/"), ("$", "%2F"), ("$", "?"), ("$", "#"), ("$", " "), ("$", "\x00"), ("$", "@evil.example"),
        ("^", " "), ("http", "HTTP"), ("http", "https"), ("//", "///"), ("//", "//user@"), (r"127\.0\.0\.1", "127.1"),
        (r"127\.0\.0\.1", "localhost"), (r"127\.0\.0\.1", "evil.example"), (r"\d$", ""), (".*", "null"),
        (".*", "https://accounts.google.com"),
    ],
)  # fmt: skip
async def test_the_issuer_is_compared_letter_by_letter(world: World, ada: Browser, part: str, spelled: str) -> None:
    """G02-03: a slash, a case, a user name, another spelling of the address are another issuer."""
    issuer = re.sub(part, spelled, world.google.provider.issuer, count=1)
    assert issuer != world.google.provider.issuer

    await refused(world, ada, bent(await ada.trip(), iss=issuer), "issuer_mismatch")

    assert world.google.provider.requests["token"] == 0


async def test_an_issuer_is_named_once(world: World, ada: Browser) -> None:
    """G02-03: two of them, of which one is right, are none."""
    callback = await ada.trip()

    assert (await ada.get(f"{callback}&iss=https%3A%2F%2Fevil.example")).status_code == 400
    assert world.google.provider.requests["token"] == 0


@pytest.mark.parametrize(("begun", "ended"), [("corp", "twin"), ("twin", "corp"), ("google", "twin")])
async def test_each_registration_has_a_callback_of_its_own(twin_world: World, begun: str, ended: str) -> None:
    """G02-04: two registrations at one Provider, and still the answer to one is none to the other."""
    browser = twin_world.browser()
    callback = (await browser.trip(registration=begun)).replace(f"/callback/{begun}", f"/callback/{ended}")

    await refused(twin_world, browser, callback, "provider_mismatch")

    assert twin_world.corp.provider.requests["token"] == 0


async def test_each_registration_sends_its_own_callback(twin_world: World) -> None:
    """G02-04: what the Provider is told to return to names the registration."""
    for name in ("google", "corp", "twin"):
        url = await twin_world.browser().begin(name)
        target = parse_qs(urlsplit(url).query)["redirect_uri"]
        assert target == [f"{twin_world.settings.issuer}/callback/{name}"]


@pytest.mark.parametrize("path", ["/callback/google", "/callback/corp", "/callback/nobody", "/callback/%00"])
async def test_the_address_alone_is_no_context(world: World, ada: Browser, path: str) -> None:
    """G02-05: a callback sent to a victim's browser, which has no trip pending."""
    assert (await ada.get(f"{path}?code=attackers&state=attackers&iss=x")).status_code in (400, 404)

    assert world.google.provider.requests["token"] == 0


async def test_only_who_began_connecting_can_finish_it(world: World, ada: Browser, mallory: Browser) -> None:
    """G02-07: the attacker begins, the victim approves: the victim's own Session does not fit (with PKCE on)."""
    await mallory.sign_in("stranger")
    await ada.sign_in("ada")
    callback = await mallory.connect("ada", "corp")  # Ada has followed the attacker's link and approved

    # Even with the attacker's cookie planted in the victim's browser.
    for cookie in mallory.http.cookies.jar:
        if "attempt" in cookie.name:
            ada.http.cookies.set(cookie.name, cookie.value or "", domain="id.example")
    await refused(world, ada, callback, "initiator_mismatch", status=403)

    assert world.corp.provider.requests["token"] == 0
    assert await world.count("connections") == 2


async def test_a_link_to_connect_does_nothing_in_another_browser(world: World, ada: Browser, mallory: Browser) -> None:
    """G02-07: without the cookie it is not even looked at."""
    await mallory.sign_in("stranger")
    await ada.sign_in("ada")

    await refused(world, ada, await mallory.connect("ada", "corp"), "invalid_state")

    assert await world.count("connections") == 2


async def test_connecting_ends_with_the_session_that_began_it(world: World, ada: Browser) -> None:
    """G02-07: signed out in between, nobody is there to connect anything to."""
    await ada.sign_in("ada")
    callback = await ada.connect()
    await ada.press("/account/sign-out")

    await refused(world, ada, callback, "initiator_mismatch", status=403)

    assert await world.count("connections") == 1


async def test_an_attackers_account_is_not_connected_to_a_victim(world: World, ada: Browser, mallory: Browser) -> None:
    """G02-07: the other way round: the victim's own trip, finished with a code of the attacker's."""
    await ada.sign_in("ada")
    theirs = parse_qs(urlsplit(await mallory.trip("stranger", "corp")).query)["code"][0]
    callback = bent(await ada.connect(), code=theirs)

    await refused(world, ada, callback, "upstream_error")

    assert await world.count("connections") == 1


async def test_an_account_of_somebody_else_is_not_connected(world: World, ada: Browser, mallory: Browser) -> None:
    """G02-07: whose it is, it stays; what came along was not needed for them, and is theirs to keep."""
    await mallory.sign_in("stranger", "corp")
    await ada.sign_in("ada")

    await refused(world, ada, await ada.connect("stranger", "corp"), "identity_in_use", status=403)

    assert [grant.alive for grant in world.corp.provider.grants] == [True]


NAMES = (
    "session",
    "session_id",
    "sid",
    "auth_session_id",
    "partner_ops_session",
    "__Host-partner_ops_session",
    "token",
)


@pytest.mark.parametrize("path", ["/account", "/account/data", "/sign-in", "/oauth/authorize", "/oauth/consent", "/"])
async def test_no_address_sets_or_is_a_session(world: World, ada: Browser, path: str) -> None:
    """G02-08: a link handed to a victim carries no Session, under whatever name."""
    await ada.sign_in("ada")
    stolen = urlencode({name: ada.cookie("session") or "" for name in NAMES})
    victim = world.browser()

    answer = await victim.get(f"{path}?{stolen}")

    assert victim.cookie("session") is None
    assert answer.status_code in (303, 400) or "ada@acme.example" not in answer.text
    assert not await victim.is_signed_in()


async def test_a_trip_to_connect_is_for_one_provider(world: World, ada: Browser) -> None:
    """G02-09: what was begun for one is not ended at the other."""
    await ada.sign_in("ada")
    callback = (await ada.connect()).replace("/callback/corp", "/callback/google")

    await refused(world, ada, callback, "provider_mismatch")


async def _without(world: World, name: str) -> Browser:
    """A browser at a broker which no longer has this registration."""
    left = {n: r for n, r in world.settings.registrations.items() if n != name}
    return world.browser(app=await world.another(registrations=left))


async def test_a_provider_switched_off_meanwhile_signs_nobody_in(world: World, ada: Browser) -> None:
    """G02-10: begun before, finished after: neither a page nor an Application gets anything."""
    callback = await ada.trip(registration="corp")
    later = await _without(world, "corp")
    later.http.cookies = ada.http.cookies

    await refused(world, later, callback, "provider_disabled", status=403)

    assert world.corp.provider.requests["token"] == 0


async def test_a_provider_switched_off_meanwhile_connects_nothing(world: World, ada: Browser) -> None:
    """G02-09: the same for a further account."""
    await ada.sign_in("ada")
    callback = await ada.connect()
    later = await _without(world, "corp")
    later.http.cookies = ada.http.cookies

    await refused(world, later, callback, "provider_disabled", status=403)


async def test_a_provider_switched_off_can_not_be_chosen(world: World, ada: Browser) -> None:
    """G02-10: neither on the page nor by its address, nor by an Application's wish."""
    later = await _without(world, "corp")

    assert "/sign-in/corp" not in (await later.get("/sign-in")).text
    assert (await later.post("/sign-in/corp")).status_code == 404
    assert (await later.get("/callback/corp?state=x&code=y")).status_code == 400
    assert (await later.get(ask(provider="corp").url)).headers["Location"].startswith("/sign-in?")


async def test_what_a_provider_says_of_itself_must_be_its_own(world: World, ada: Browser) -> None:
    """G02-11: metadata of another issuer: no endpoint of it is called, no browser sent there."""
    world.google.provider.fault = "discovery_wrong_issuer"

    answer = await ada.post("/sign-in/google")

    assert (answer.status_code, await world.reason()) == (503, "provider_misconfigured")
    assert set(world.google.provider.requests) == {"discovery"}


async def test_what_a_provider_says_of_itself_must_stay_its_own(world: World, ada: Browser) -> None:
    """G02-11: also where it was right when the trip began, an hour ago at another process."""
    callback = await ada.trip()
    later = world.browser(app=await world.another())
    later.http.cookies = ada.http.cookies
    world.google.provider.fault = "discovery_wrong_issuer"

    answer: httpx2.Response = await later.get(callback)

    assert (answer.status_code, await world.reason()) == (503, "provider_misconfigured")
    assert world.google.provider.requests["token"] == 0


async def test_one_issuer_behind_two_registrations_is_two_identities(twin_world: World) -> None:
    """G02-14: the same issuer and subject, and still another User, unless somebody connects them."""
    first, second = twin_world.browser(), twin_world.browser()
    await first.sign_in("ada", "corp")
    await second.sign_in("ada", "twin")

    assert await twin_world.count("users") == 2
    assert await twin_world.count("identities") == 2


async def test_one_subject_at_two_issuers_is_two_identities(world: World, ada: Browser, mallory: Browser) -> None:
    """G02-14: a subject means something within its issuer alone."""
    await ada.sign_in("ada", "google")
    await mallory.sign_in("ada", "corp")

    assert await world.count("users") == 2
    assert "Invoices" not in (await mallory.get("/account")).text
