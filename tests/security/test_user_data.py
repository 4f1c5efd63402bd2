"""What is kept of somebody is shown to them, corrected by them, taken along by them: and by nobody else."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import fastjsonschema
import httpx2
import jwt
import pytest

from broker.domain.archive import is_about, read
from tests.flows.privacy.test_export import IS_VALID
from tests.security.browser import SAME_ORIGIN, Browser, ask
from tests.security.world import World

pytestmark = pytest.mark.anyio

MERGE = "application/merge-patch+json"
API = "/api/v1/me"


@pytest.fixture
async def ada(world: World) -> Browser:
    """Signed in, and known to an Application."""
    browser = world.browser()
    await browser.sign_in("ada")
    await browser.tokens_for(ask())
    return browser


async def connection_of(browser: Browser) -> str:
    """The id of their only Connection."""
    return str((await me(browser))["connections"][0]["id"])


async def me(browser: Browser) -> dict[str, Any]:
    """What the API says, as the published description says that it does."""
    answer = await browser.get(API)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    description = (await browser.get("/api/v1/openapi.json")).json()
    schema = {**description["components"]["schemas"]["Me"], "$schema": "http://json-schema.org/draft-07/schema#"}
    fastjsonschema.validate(schema, answer.json())
    told: dict[str, Any] = answer.json()
    return told


def kept(told: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    """Attribute -> its value, and whether it is the User's own word."""
    return {a["name"]: (a["value"], a["corrected"]) for a in told["connections"][0]["attributes"]}


async def patched(browser: Browser, path: str, body: bytes, *, content_type: str = MERGE, **headers: str) -> Any:
    """A script's change, with the token."""
    told = {**SAME_ORIGIN, "Content-Type": content_type, "X-CSRF-Token": await browser.csrf(), **headers}
    return await browser.send("PATCH", path, content=body, headers={n: v for n, v in told.items() if v})


async def test_the_page_and_the_api_tell_the_same(ada: Browser) -> None:
    """Values, reasons, who was told, and what else there is."""
    page = unescape((await ada.get("/account/data")).text)
    told = await me(ada)

    for attribute in told["connections"][0]["attributes"]:
        assert attribute["value"] in page
        assert attribute["purpose"] in page
    assert told["connections"][0]["attributes"][0]["told"] == ["demo-app"]
    assert "Told to <bdi>Demo</bdi>" in page
    assert told["also_kept"]["sessions"] == 1
    assert "1 signed-in browser" in page
    assert "2 organisations that you work for" in page
    assert re.search(r"\d+ lines in our record", page)
    assert "/account/erase" in page


async def test_a_correction_is_kept_and_can_be_taken_back(ada: Browser, world: World) -> None:
    """By the form and by a script; each is one line of the ledger with the attribute's name."""
    path = f"/account/data/{await connection_of(ada)}/name"
    assert "Ada Lovelace" in (await ada.get(path)).text
    done = await ada.press(path, {"value": " Ada Byron "})
    assert "Your name is corrected." in done.text
    await ada.sign_in("ada")
    assert kept(await me(ada))["name"] == ("Ada Byron", True)
    assert "Use what <bdi>Google</bdi> says" in (await ada.get(path)).text
    done = await ada.press(f"{path}/uncorrect")
    assert "Your name is taken from Google again" in done.text
    assert kept(await me(ada))["name"] == ("Ada Byron", False)
    await ada.sign_in("ada")
    assert kept(await me(ada))["name"] == ("Ada Lovelace", False)

    own = f"{API}/connections/{await connection_of(ada)}/attributes/name"
    assert (await patched(ada, own, b'{"value": "Ada King"}')).status_code == 204
    assert kept(await me(ada))["name"] == ("Ada King", True)
    assert (await patched(ada, own, b'{"value": null}', content_type="application/json")).status_code == 204
    assert kept(await me(ada))["name"] == ("Ada King", False)
    said = [(e.action, e.reason) for e in await world.store.events(40) if e.action.startswith("attributes.")]
    assert said == [("attributes.uncorrect", "1:name"), ("attributes.correct", "1:name")] * 2


async def test_what_is_optional_can_be_allowed_and_taken_back_by_a_script(ada: Browser, world: World) -> None:
    """As on the page; what went with it is told."""
    (news,) = (await me(ada))["choices"]
    assert (news["subject"], news["attributes"], news["agreed_since"]) == ("news", [], None)
    done = await patched(ada, f"{API}/choices/news", b'{"agreed": true}')
    assert (done.status_code, done.json()) == (200, {"deleted": [], "ended": []})
    assert (await me(ada))["choices"][0]["agreed_since"] == world.clock.now()
    assert (await patched(ada, f"{API}/choices/news", b'{"agreed": false}')).status_code == 200
    assert (await me(ada))["choices"] == [news]
    said = [e.action for e in await world.store.events(40) if e.action.startswith("choice.")]
    assert said == ["choice.withdraw", "choice.give"]


@pytest.mark.parametrize(
    ("subject", "body", "status"),
    [
        ("nothing", b'{"agreed": true}', 404),
        ("news", b'{"agreed": "yes"}', 400),
        ("news", b'{"agreed": null}', 400),
        ("news", b'{"agreed": true, "agreed": false}', 400),
        ("news", b'{"value": true}', 400),
        ("news", b"true", 400),
    ],
)
async def test_a_choice_that_is_none_changes_nothing(ada: Browser, subject: str, body: bytes, status: int) -> None:
    """What is not optional cannot be chosen, and nothing but yes or no is said."""
    before = (await me(ada))["choices"]

    assert (await patched(ada, f"{API}/choices/{subject}", body)).status_code == status
    assert (await me(ada))["choices"] == before


async def test_what_cannot_be_kept_is_shown_again(ada: Browser) -> None:
    """With what was typed, and what to do."""
    answer = await ada.press(f"/account/data/{await connection_of(ada)}/name", {"value": "A\u202eda"})

    assert answer.status_code == 400
    assert "Enter one line of text" in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert kept(await me(ada))["name"] == ("Ada Lovelace", False)


async def test_what_is_not_theirs_to_correct_is_refused(ada: Browser, world: World) -> None:
    """By the policy, of others, of nobody; the answers have the format of the place."""
    grace = world.browser()
    await grace.sign_in("grace")
    of_ada, of_grace = await connection_of(ada), await connection_of(grace)
    for connection, attribute, status, code in (
        (of_ada, "email", 403, "not_correctable"),
        (of_ada, "picture", 403, "not_correctable"),
        (of_grace, "name", 404, "not_found"),
        ("con_unknown", "name", 404, "not_found"),
    ):
        assert (await ada.get(f"/account/data/{connection}/{attribute}")).status_code == 404
        answer = await ada.press(f"/account/data/{connection}/{attribute}", {"value": "ada@home.example"})
        assert (answer.status_code, await world.reason()) == (status, code)
        answer = await ada.press(f"/account/data/{connection}/{attribute}/uncorrect")
        assert (answer.status_code, await world.reason()) == (status, code)
        answer = await patched(ada, f"{API}/connections/{connection}/attributes/{attribute}", b'{"value": "a@b"}')
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert kept(await me(grace))["name"] == ("Grace Hopper", False)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"value": 1}',
        b'{"value": {"a": "b"}}',
        b'{"value": []}',
        b'{"value": "a", "value": "b"}',
        b'{"value": "a", "more": 1}',
        b'[["value", "a"]]',
        b"\xff",
        b"[" * 50_000,
    ],
)
async def test_a_change_that_says_something_else_is_refused(ada: Browser, body: bytes) -> None:
    """Nothing is kept of it."""
    path = f"{API}/connections/{await connection_of(ada)}/attributes/name"
    answer = await patched(ada, path, body)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


async def test_only_our_own_pages_change_anything(ada: Browser, world: World) -> None:
    """Neither another site's, nor without the token, nor by a form's type."""
    path, body = f"{API}/connections/{await connection_of(ada)}/attributes/name", b'{"value": "x"}'
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "", "Origin": "https://evil.example"},
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": "0" * 64},
    ):
        answer = await patched(ada, path, body, **headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    answer = await patched(ada, path, body, content_type="text/plain")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    for where in (API, f"{API}/archive"):
        answer = await ada.get(where, headers={"Sec-Fetch-Site": "cross-site"})
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    assert (await ada.post("/account/data/archive")).status_code == 403
    assert kept(await me(ada))["name"] == ("Ada Lovelace", False)


async def test_nobody_is_shown_anything_who_is_not_signed_in(ada: Browser, world: World) -> None:
    """A session JWT, which services have, does not help."""
    stranger, connection = world.browser(), await connection_of(ada)
    token = (await ada.tokens_for(ask()))["access_token"]
    for headers in ({}, {"Authorization": f"Bearer {token}"}, {"Cookie": "__Host-partner_ops_session=" + "A" * 43}):
        for where in (API, f"{API}/archive"):
            answer = await stranger.get(where, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
            assert answer.headers["WWW-Authenticate"] == 'Cookie realm="account"'
        path = f"{API}/connections/{connection}/attributes/name"
        answer = await stranger.send(
            "PATCH", path, content=b'{"value": "x"}', headers={**headers, "Content-Type": MERGE}
        )
        assert answer.status_code == 401
    for path in ("/account/data", f"/account/data/{connection}/name"):
        assert (await stranger.get(path)).headers["Location"] == "/sign-in"
    for path in ("/account/data/archive", f"/account/data/{connection}/name"):
        assert (await stranger.post(path, {"csrf": "x"})).headers["Location"] == "/sign-in"


async def test_an_archive_is_downloaded_and_proven_by_the_published_keys(ada: Browser, world: World) -> None:
    """From the page and by a script; complete, of the documented form, and without a token."""
    published = (await ada.get("/.well-known/jwks.json")).json()
    for answer in (await ada.press("/account/data/archive"), await ada.get(f"{API}/archive")):
        assert answer.status_code == 200
        assert answer.headers["Content-Disposition"] == 'attachment; filename="partner-ops-archive.json"'
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Type"] == "application/json"
        IS_VALID(answer.json())
        archive = proven(answer, published)
        assert {a["name"]: a["value"] for a in archive["connections"][0]["attributes"]}["name"] == "Ada Lovelace"
        for issued in world.google.provider.issued:
            assert issued.value not in answer.text
    actions = [(e.action, e.request_id != "") for e in await world.store.events(2)]
    assert actions == [("data.export", True)] * 2


def proven(answer: httpx2.Response, published: dict[str, Any]) -> dict[str, Any]:
    """The archive, if one of the published keys has signed just this. The documented example is tried in journeys/."""
    signed = read(answer.content)
    key = jwt.PyJWKSet.from_dict(published)[jwt.get_unverified_header(signed.signature)["kid"]]
    # The world's clock is another one than the machine's.
    claims = jwt.decode(signed.signature, key, algorithms=["ES256"], options={"verify_iat": False})
    assert claims["sub"] == signed.archive["user"]["id"]
    assert is_about(claims, signed.archive)
    assert not is_about(claims, read(answer.content.replace(b"Ada Lovelace", b"Ada Nobody")).archive)
    return dict(signed.archive)


async def test_no_corrected_address_is_told_as_verified(world: World) -> None:
    """Neither in an ID token nor in userinfo is there ever a word that an address is verified."""
    ada = world.browser()
    await ada.sign_in("ada")
    answer = await ada.send("GET", "/oauth/userinfo", headers=await bearer(ada))

    assert "email_verified" not in answer.json()
    assert answer.json()["email"] == "ada@acme.example"


async def bearer(browser: Browser) -> dict[str, str]:
    """What the Application shows."""
    tokens = await browser.tokens_for(ask())
    assert b"email_verified" not in json.dumps(tokens).encode()
    return {"Authorization": f"Bearer {tokens['access_token']}"}
