"""G05 and G06 by way of RFC 9126: a pushed request leads nowhere else, tells nothing on its way, and works once."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest

from tests.security.browser import Browser, answered, ask
from tests.security.seen import fields_of
from tests.security.template import CLIENTS
from tests.security.test_redirects import ALMOST, BROKEN
from tests.security.world import World

pytestmark = pytest.mark.anyio


async def test_a_push_leads_to_nothing_that_is_not_registered(world: World, ada: Browser) -> None:
    """G05-01, G05-03: told as JSON, by RFC 9126 section 2.3, whatever else is wrong (G05-02)."""
    for number, redirect_uri in enumerate(ALMOST):
        changes = list(BROKEN.values())[number % len(BROKEN)] if number % 2 else {}
        request = ask("demo-app", **changes | {"redirect_uri": redirect_uri})
        answer = await world.browser().push(request)

        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request"), redirect_uri
        assert "Location" not in answer.headers
        assert await world.reason() == ("invalid_request" if "request_uri" in changes else "invalid_redirect_uri")


async def test_what_is_wrong_with_a_push_is_told_to_who_pushes(world: World, ada: Browser) -> None:
    """G06-01, G06-02, G06-12: at once, and the browser need not be sent at all."""
    for name in BROKEN.keys() - {"nobody there", "not entitled"}:  # which is not for the Application to know
        answer = await ada.push(ask("demo-app", **BROKEN[name]))

        assert (answer.status_code, answer.json()["error"]) == (400, await world.reason()), name
        assert answer.json().keys() == {"error", "error_description"}


async def test_only_the_application_itself_pushes(world: World, mallory: Browser) -> None:
    """RFC 9126 section 2: as at the token endpoint."""
    for application, secret in (("reports", "wrong"), ("reports", ""), ("demo-app", "any"), ("nobody", "any")):
        changed = {"client_id": application, "client_secret": secret}
        assert (await mallory.push(ask("reports"), **changed)).status_code == 401
        assert await world.reason() == "invalid_client"
    answer = await mallory.push(ask(), request_uri="https://evil.example/request")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_push_is_answered_to_the_application_s_own_pages(ada: Browser) -> None:
    """201 and not to be stored (RFC 9126 section 2.2); other sites cannot read it (CORS)."""
    for origin, allowed in (("https://app.example", "https://app.example"), ("https://evil.example", None)):
        answer = await ada.send("POST", "/oauth/par", form=ask().parameters, headers={"Origin": origin})

        assert (answer.status_code, answer.json()["expires_in"]) == (201, 300)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers.get("Access-Control-Allow-Origin") == allowed


async def test_nothing_of_a_pushed_request_can_be_read_on_its_way(world: World, ada: Browser) -> None:
    """Not in an address or a page, nor in the database or the log; a push writes nothing at all."""
    before = await world.tables()
    secrets = {"state": "state-canary", "nonce": "nonce-canary", "login_hint": "login-canary", "organization": "acme"}
    request = await ada.pushed(ask("crm", prompt="login", **secrets))
    authorize = await ada.get(request.url)
    page = await ada.get(authorize.headers["Location"])
    fields = fields_of(page)
    begun = await ada.post("/sign-in/google", fields)

    assert set(fields) == {"client_id", "request_uri"}
    assert await world.tables() == before
    told = [request.url, *(authorize.headers["Location"], page.text, world.watch.log.text)]
    assert [text for text in told if re.search("canary|acme|crm.example", text)] == []
    query = parse_qs(urlsplit(begun.headers["Location"]).query)
    assert query["login_hint"] == ["login-canary"]  # which is meant for the Provider
    callback = await ada.visit(begun.headers["Location"])
    back = await ada.get(callback)
    consent = await ada.get(back.headers["Location"])
    assert [a for a in (back, consent) if "canary" in a.headers["Location"]] == []
    asked = fields_of(await ada.get(consent.headers["Location"]))
    answer = await ada.post("/oauth/consent", asked | {"decision": "allow"})
    assert answered(answer)["state"] == "state-canary"
    assert (await ada.redeem(request, answered(answer)["code"])).status_code == 200


@pytest.mark.parametrize("signed_in", [True, False])
async def test_a_pushed_request_used_many_times_at_once_is_used_once(any_world: World, signed_in: bool) -> None:
    """G06-06: by browsers at two processes, in which somebody is signed in or comes back from a Provider."""
    first, other = any_world.browser(), await any_world.another()
    request = await first.pushed(ask())
    rivals = [any_world.browser(app=(any_world.app, other)[number % 2]) for number in range(8)]
    urls = [request.url] * len(rivals)
    for number, rival in enumerate(rivals):
        if signed_in:
            await rival.sign_in()
        else:
            urls[number] = await rival.trip(request=request)
    with any_world.watch.together():
        answers = await asyncio.gather(*(rival.get(url) for rival, url in zip(rivals, urls, strict=True)))

    told = [answered(answer) for answer in answers]
    assert sorted(a.get("error", "a code") for a in told) == ["a code", *["invalid_request_uri"] * (len(rivals) - 1)]
    assert await any_world.count("grants") == 1
    assert await any_world.count("sessions") == len(rivals)


async def test_a_pushed_request_is_nobody_else_s(world: World, ada: Browser, mallory: Browser) -> None:
    """G06-07: another Application's is shown to the person and leads nowhere, like one that was made up or is bent."""
    await ada.sign_in()
    theirs = (await mallory.pushed(ask("crm"))).parameters["request_uri"]
    for request_uri in (theirs, theirs[:-1], theirs + "A", theirs.upper(), theirs[:60]):
        for path in ("/oauth/authorize", "/oauth/consent", "/sign-in"):
            beside = ask().parameters | {"request_uri": request_uri}
            answer = await ada.get(f"{path}?{urlencode(beside)}")
            if request_uri.startswith("urn:ietf:params"):
                assert (answer.status_code, await world.reason()) == (400, "invalid_request_uri")
                assert "Location" not in answer.headers
            else:
                assert answered(answer)["error"] == "request_uri_not_supported"
    assert await world.count("grants") == 0


async def test_a_code_of_a_pushed_request_is_bound_like_any_other(world: World, ada: Browser) -> None:
    """G06-03, G06-04, G06-08: to the challenge and the address that were pushed, whatever is said beside it."""
    await ada.sign_in()
    wrong: list[dict[str, str | None]] = [
        {"code_verifier": ask().verifier},
        {"code_verifier": None},
        {"redirect_uri": "https://app.example/"},
    ]
    for changes in wrong:
        request = await ada.pushed(ask())
        beside = urlencode(
            {"code_challenge": ask().parameters["code_challenge"], "redirect_uri": "https://evil.example"}
        )
        code = answered(await ada.get(f"{request.url}&{beside}"))["code"]
        answer = await ada.redeem(request, code, may_change=(), **changes)

        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_an_application_that_has_to_push_cannot_be_reached_otherwise(world: World, ada: Browser) -> None:
    """RFC 9126 section 6: by none of the pages that a request goes by."""
    required = "require_pushed_authorization_requests = true\n"
    await world.declare(clients=CLIENTS.replace('name = "Demo"\n', f'name = "Demo"\n{required}'))
    begun = await ada.begin()
    await ada.get(await ada.visit(begun))

    def refused(answer: httpx2.Response) -> bool:
        return answered(answer)["error"] == "invalid_request"

    for path in ("/oauth/authorize", "/oauth/consent", "/sign-in"):
        assert refused(await ada.get(f"{path}?{urlencode(ask().parameters)}"))
    assert refused(await ada.post("/sign-in/google", ask().parameters))
    assert refused(await ada.press("/oauth/consent", ask().parameters | {"decision": "allow"}))
    request = await ada.pushed(ask())
    assert (await ada.redeem(request, await ada.code_for(request))).status_code == 200


async def test_metadata_tells_of_it(ada: Browser) -> None:
    """RFC 9126 section 5: where to push, and that nobody has to who was not told so."""
    document = (await ada.get("/.well-known/openid-configuration")).json()

    assert document["pushed_authorization_request_endpoint"] == "https://id.example/oauth/par"
    assert document["require_pushed_authorization_requests"] is False
    assert document["request_uri_parameter_supported"] is False
