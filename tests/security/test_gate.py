"""The gate of the legal documents, over HTTP and on both databases: nobody is kept anything of who has not accepted."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from broker.domain import policy_parse
from broker.domain.ids import RegistrationId
from broker.domain.policy import AttributePolicy
from tests.security.browser import Browser, answered, ask
from tests.security.device import Device
from tests.security.device import answer as let_in_by
from tests.security.template import BEGINS, Template
from tests.security.world import World, open_world
from tests.servers.asgi import Application

pytestmark = pytest.mark.anyio

DAY = 86400
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
WORDS = {
    "privacy": {"text": "## Privacy\n\nAll is well.", "revised": BEGINS - 90 * DAY},
    "terms": {"text": "## Terms\n\nBe kind.", "revised": BEGINS - 90 * DAY},
}
RULES: dict[str, Any] = {
    "google": {
        "keep": {"email": "To write", "name": {"purpose": "To greet", "optional": "news"}},
        "release": {"email": "To write", "name": "To greet"},
    },
    "corp": {"keep": {"email": "To write"}},
    "purposes": {"news": {"label": "News", "purpose": "To tell what is new"}},
    "documents": {"grace_days": 30, **WORDS},
}
REVISED = RULES | {
    "documents": {
        "grace_days": 30,
        **WORDS,
        "terms": {"text": "## Terms\n\nBe very kind.", "revised": BEGINS - 31 * DAY},
    }
}
YES = {"accepted": "yes", "adult": "yes"}


@pytest.fixture(params=["sqlite", "postgresql"])
async def gate(request: pytest.FixtureRequest, template: Template, tmp_path: Path) -> AsyncIterator[World]:
    """A broker that asks."""
    database_url = request.getfixturevalue("filled_url") if request.param == "postgresql" else None
    async with open_world(template, tmp_path, database_url=database_url, rules=RULES) as world:
        yield world


def revised(world: World) -> AttributePolicy:
    """The same, with other terms; their time of grace is over since yesterday."""
    known = {RegistrationId(name): frozenset({"email", "name"}) for name in world.settings.registrations}
    return policy_parse.parse(REVISED, known)


def form_of(page: httpx2.Response) -> dict[str, str]:
    """What waits in the page."""
    return {name: unescape(value) for name, value in _HIDDEN.findall(page.text)}


async def asked(browser: Browser, request: Any = None, persona: str = "ada") -> httpx2.Response:
    """There and back: the page that asks."""
    page = await browser.sign_in(persona, request=request)
    assert page.status_code == 200
    assert "Before you continue" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    return page


async def answer(
    browser: Browser, page: httpx2.Response, said: Mapping[str, str] = YES, *, path: str = "accept"
) -> httpx2.Response:
    """What the page sends."""
    return await browser.post(f"/sign-in/{path}", {**form_of(page), **said})


def another_browser(world: World, app: Application, of: Browser) -> Browser:
    """The same person's, at another process of the broker."""
    browser = world.browser(app=app)
    for cookie in of.http.cookies.jar:
        browser.http.cookies.set(cookie.name, cookie.value or "", domain=urlsplit(world.settings.issuer).hostname or "")
    return browser


async def counts(world: World) -> dict[str, int]:
    """How many rows each table has."""
    return {name: len(rows) for name, rows in (await world.tables()).items()}


async def test_nothing_is_written_until_somebody_accepts(gate: World) -> None:
    """Not one row; then all of it: and both documents, their versions and the age are on record."""
    browser, before = gate.browser(), await gate.tables()
    page = await asked(browser, ask())
    assert await gate.tables() == before
    assert browser.cookie("session") is None

    request = ask()
    page = await asked(browser, request)
    accepted = await answer(browser, page)
    assert (await browser.redeem(request, answered(accepted)["code"])).status_code == 200
    (user,) = await gate.rows("SELECT id FROM users")
    lines = await gate.rows("SELECT user_id, document, version FROM acceptances ORDER BY document")
    assert [line["document"] for line in lines] == ["adult", "privacy", "terms"]
    assert {line["user_id"] for line in lines} == {user["id"]}
    assert [e["action"] for e in await gate.rows("SELECT action FROM ledger WHERE action LIKE 'sign_in%'")] == [
        "sign_in.accept"
    ]


async def test_declining_leaves_no_row_and_the_provider_has_revoked(gate: World) -> None:
    """Of every table the rows are counted; the one line of the ledger names nobody."""
    browser, before = gate.browser(), await counts(gate)
    page = await asked(browser, ask())
    assert [grant.alive for grant in gate.google.provider.grants] == [True]
    declined = await answer(browser, page, {}, path="decline")

    assert answered(declined)["error"] == "access_denied"
    assert [grant.alive for grant in gate.google.provider.grants] == [False]
    after = await counts(gate)
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {
        "taken_attempts": 1,
        "ledger": 1,
    }
    (event,) = await gate.rows(
        "SELECT action, outcome, reason, user_id, object_id FROM ledger ORDER BY id DESC LIMIT 1"
    )
    assert list(event.values()) == ["sign_in.decline", "done", "revoked", None, None]
    assert browser.cookie("attempt") is None


async def test_declining_without_an_application_is_said_on_a_page(gate: World) -> None:
    """In plain words."""
    browser = gate.browser()
    declined = await answer(browser, await asked(browser), {}, path="decline")

    assert declined.status_code == 200
    assert "You did not continue" in declined.text
    assert "Google was told to end the access" in declined.text


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ({}, ["Accept the privacy policy", "18 or older to use"]),
        ({"accepted": "yes"}, ["18 or older to use"]),
        ({"adult": "yes"}, ["Accept the privacy policy"]),
        ({"accepted": "no", "adult": "on"}, ["Accept the privacy policy", "18 or older to use"]),
    ],
    ids=["neither", "too young", "not accepted", "other values"],
)
async def test_without_both_words_the_page_comes_back(gate: World, said: dict[str, str], missing: list[str]) -> None:
    """Saying what is missing; what was ticked stays so, nothing is written, and it can be sent again."""
    browser = gate.browser()
    page = await asked(browser)
    before = await gate.tables()
    again = await answer(browser, page, {**said, "agreed": "news"})

    assert (again.status_code, await gate.reason()) == (400, "not_accepted")
    assert [words in again.text for words in missing] == [True] * len(missing)
    assert ("18 or older to use" in again.text) == ("18 or older to use" in missing)
    assert 'value="news" checked' in again.text
    after = await gate.tables()
    assert {name for name in after if after[name] != before[name]} == {"ledger"}
    assert (await answer(browser, again)).status_code == 303


async def test_an_answer_sent_twice_counts_once(gate: World) -> None:
    """The second is a page that says so."""
    browser = gate.browser()
    page = await asked(browser)
    cookies = {cookie.name: cookie.value or "" for cookie in browser.http.cookies.jar}
    assert (await answer(browser, page)).status_code == 303
    for name, value in cookies.items():
        browser.http.cookies.set(name, value, domain=urlsplit(gate.settings.issuer).hostname or "")
    again = await answer(browser, page)

    assert (again.status_code, await gate.reason()) == (400, "used_state")
    assert await gate.count("users") == 1
    assert (await answer(browser, page, {}, path="decline")).status_code == 400


async def test_the_form_of_another_browser_is_none(gate: World) -> None:
    """Whether that was asked something itself or not."""
    ada, eve = gate.browser(), gate.browser()
    page = await asked(ada)
    for stranger in (gate.browser(), eve):
        for path in ("accept", "decline"):
            assert (await answer(stranger, page, path=path)).status_code == 400
            assert await gate.reason() == "invalid_state"
        if stranger is not eve:
            await asked(eve, persona="grace")
    own = form_of(page) | {"attempt": form_of(await asked(eve, persona="grace"))["attempt"]}
    assert (await eve.post("/sign-in/accept", {**own, **YES})).status_code == 400
    assert await gate.count("users") == 0
    assert [grant.alive for grant in gate.google.provider.grants].count(True) > 0


async def test_a_form_of_another_site_is_none(gate: World) -> None:
    """Though the browser were to send its cookies."""
    browser = gate.browser()
    page = await asked(browser)
    for path in ("accept", "decline"):
        sent = await browser.send(
            "POST", f"/sign-in/{path}", form={**form_of(page), **YES}, headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert (sent.status_code, await gate.reason()) == (403, "cross_site")
    assert (await answer(browser, page)).status_code == 303


async def test_what_was_tampered_with_is_no_answer(gate: World) -> None:
    """Each part of the sealed value in turn."""
    browser = gate.browser()
    page = await asked(browser)
    whole = form_of(page)["waiting"]
    for at in (0, len(whole) // 3, len(whole) // 2, len(whole) - 1):
        bent = whole[:at] + ("A" if whole[at] != "A" else "B") + whole[at + 1 :]
        sent = await browser.post("/sign-in/accept", {**form_of(page), "waiting": bent, **YES})
        assert (sent.status_code, await gate.reason()) == (400, "invalid_state")
    assert await gate.count("users") == 0
    assert (await answer(browser, page)).status_code == 303


async def test_after_ten_minutes_it_is_too_late(gate: World) -> None:
    """By the broker's clock, whatever the cookie says."""
    browser = gate.browser()
    page = await asked(browser)
    gate.clock.advance(600)
    late = await answer(browser, page)

    assert (late.status_code, await gate.reason()) == (400, "expired_state")
    assert await gate.count("users") == 0


async def test_two_tabs_answer_each_for_itself(gate: World) -> None:
    """One accepts, one declines: who has accepted is known, and goes on."""
    browser = gate.browser()
    first, second = await asked(browser), await asked(browser)
    assert (await answer(browser, first)).status_code == 303
    declined = await answer(browser, second, {}, path="decline")

    assert "What you had before is as it was" in declined.text
    assert await browser.is_signed_in()
    assert (await gate.rows("SELECT status FROM connections"))[0]["status"] == "active"


async def test_another_process_takes_the_answer(gate: World) -> None:
    """The one that asked may be gone: it has kept nothing."""
    browser = gate.browser()
    page = await asked(browser)
    other = another_browser(gate, await gate.another(), browser)

    assert (await answer(other, page)).status_code == 303
    assert await other.is_signed_in()


async def test_documents_that_change_while_the_page_is_open_are_shown_again(gate: World) -> None:
    """And only then accepted."""
    browser = gate.browser()
    page = await asked(browser)
    other = another_browser(gate, await gate.another(policy=revised(gate)), browser)
    again = await answer(other, page)

    assert (again.status_code, await gate.reason()) == (409, "documents_changed")
    assert "have changed while this page was open" in again.text
    assert "Be very kind" in again.text
    assert await gate.count("users") == 0
    assert (await answer(other, again)).status_code == 303
    versions = await gate.rows("SELECT version FROM acceptances WHERE document = 'terms'")
    assert [line["version"] for line in versions] == [revised(gate).documents.versions[1]]


async def test_the_page_cannot_be_loaded_again(gate: World) -> None:
    """The Provider is not asked with a code that is spent."""
    browser = gate.browser()
    callback = await browser.trip()
    assert (await browser.get(callback)).status_code == 200
    calls = dict(gate.google.provider.requests)
    again = await browser.get(callback)

    assert (again.status_code, await gate.reason()) == (400, "asked_already")
    assert "Please start again" in again.text
    assert dict(gate.google.provider.requests) == calls


async def test_when_the_time_for_a_new_version_is_over_nothing_goes_on_without_it(gate: World) -> None:
    """A refresh says why; prompt=none and a page alike lead to the question; afterwards everything goes on."""
    browser, request = gate.browser(), ask(scope="openid offline_access")
    accepted = await answer(browser, await asked(browser, request))
    tokens = (await browser.redeem(request, answered(accepted)["code"])).json()
    later = another_browser(gate, await gate.another(policy=revised(gate)), browser)

    refused = await later.refresh(tokens["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert "accept a new version" in refused.json()["error_description"]
    silent = await later.get(ask(prompt="none").url)
    assert answered(silent)["error"] == "interaction_required"
    led = await later.get(ask().url)
    assert led.headers["Location"].startswith("/sign-in?")
    assert "have changed. Sign in again" in (await later.get(led.headers["Location"])).text

    device = await Device(later, "tv").begin()
    for let_in in (later.get(f"/device?user_code={device.user_code}"), let_in_by(later, device)):
        led = await let_in
        assert led.headers["Location"].startswith("/sign-in?notice=documents&return_to=%2Fdevice")
        assert "have changed. Sign in again" in (await later.get(led.headers["Location"])).text
    assert await device.error() == "authorization_pending"

    gate.clock.advance(60)
    assert (await answer(later, await asked(later))).status_code == 303
    assert (await later.get(led.headers["Location"])).headers["Location"] == "/device"
    assert (await let_in_by(later, device)).status_code == 200
    assert (await later.refresh(tokens["refresh_token"])).status_code == 200
    assert "code" in answered(await later.get(ask(prompt="none").url))
    assert (await gate.rows("SELECT count(*) AS n FROM acceptances"))[0]["n"] == 6


async def test_what_is_optional_comes_and_goes_with_ones_word(gate: World) -> None:
    """Ticked at the gate it is kept and told; taken back, userinfo does not have it at the next question."""
    browser, request = gate.browser(), ask()
    accepted = await answer(browser, await asked(browser, request), {**YES, "agreed": "news"})
    tokens = (await browser.redeem(request, answered(accepted)["code"])).json()
    assert (await browser.userinfo(tokens["access_token"])).json()["name"] == "Ada Lovelace"

    shown = await browser.get("/account/choices")
    assert "Allowed since" in shown.text
    taken_back = await browser.press("/account/choices", {"subject": "news", "agreed": "no"})
    assert "We have deleted your name here" in taken_back.text
    assert "name" not in (await browser.userinfo(tokens["access_token"])).json()
    (choice,) = await gate.rows("SELECT subject, agreed FROM choices")
    assert (choice["subject"], choice["agreed"]) == ("news", 0)

    await browser.press("/account/choices", {"subject": "news", "agreed": "yes"})
    assert "name" not in (await browser.userinfo(tokens["access_token"])).json()
    await browser.sign_in()
    request = ask()
    tokens = (await browser.redeem(request, await browser.code_for(request))).json()
    assert (await browser.userinfo(tokens["access_token"])).json()["name"] == "Ada Lovelace"


async def test_what_is_not_optional_cannot_be_chosen(gate: World) -> None:
    """Nor may anybody say neither yes nor no."""
    browser = gate.browser()
    await answer(browser, await asked(browser))

    assert (await browser.press("/account/choices", {"subject": "google.email", "agreed": "no"})).status_code == 404
    assert (await browser.press("/account/choices", {"subject": "news", "agreed": "maybe"})).status_code == 400
    assert await gate.count("choices") == 0
