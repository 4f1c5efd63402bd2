"""G05-12: an answer that a page posts (OAuth 2.0 Form Post Response Mode 1.0) says what a redirect would, no more."""

from __future__ import annotations

import re

import httpx2
import pytest

from tests.security.browser import REDIRECTS, Ask, Browser, answered, ask
from tests.security.seen import fields_of
from tests.security.world import World

pytestmark = pytest.mark.anyio

MARKUP = """\"'><script>alert(1)</script><input name="code" value="x">&amp;"""


def posted(answer: httpx2.Response, application: str = "demo-app") -> dict[str, str]:
    """What an Application is posted; the policy of the page is held by the invariants."""
    assert answer.status_code == 200, answer.text
    assert f'<form method="post" action="{REDIRECTS[application]}">' in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return fields_of(answer)


def asks(application: str = "demo-app", **changes: str) -> Ask:
    """A request for an answer that is posted."""
    return ask(application, response_mode="form_post", **changes)


async def test_a_code_is_posted(world: World, ada: Browser) -> None:
    """With state and issuer (RFC 9207), at once and after the trip to a Provider; and it can be redeemed."""
    for signs_in in (True, False):
        request = asks(state="xyz")
        told = posted(await (ada.sign_in(request=request) if signs_in else ada.get(request.url)))

        assert told == {"code": told["code"], "state": "xyz", "iss": world.settings.issuer}
        assert (await ada.redeem(request, told["code"])).status_code == 200


async def test_nothing_that_an_application_says_becomes_a_part_of_the_page(ada: Browser) -> None:
    """No script but the one file of our own, which loads; whatever is in `state` stays a value."""
    await ada.sign_in()
    answer = await ada.get(asks(state=MARKUP).url)

    assert posted(answer)["state"] == MARKUP
    assert sorted(fields_of(answer)) == ["code", "iss", "state"]
    (script,) = re.findall(r"<script.*", answer.text)
    path = re.fullmatch(r'<script src="(/assets/form-post\.[0-9a-f]{16}\.js)" defer></script>', script)
    assert path is not None
    loaded = await ada.get(path[1])
    assert (loaded.status_code, loaded.headers["Content-Type"]) == (200, "text/javascript; charset=utf-8")


async def test_errors_are_posted_too(world: World, ada: Browser) -> None:
    """Those of the request, of the person, and of `prompt=none`; also by way of a push."""
    browser = world.browser()
    assert posted(await browser.get(asks(scope="email").url))["error"] == "invalid_scope"
    told = posted(await browser.get(asks(prompt="none", state="xyz").url))
    assert (told["error"], told["state"], told["iss"]) == ("login_required", "xyz", world.settings.issuer)
    assert posted(await ada.sign_in("stranger", request=asks(organization="acme")))["error"] == "access_denied"
    request = await ada.pushed(asks(organization="globex"))
    assert posted(await ada.get(request.url))["error"] == "access_denied"


async def test_the_consent_page_ends_in_a_post(world: World, ada: Browser) -> None:
    """Allowed and denied."""
    await ada.sign_in()
    for decision, name in (("deny", "error"), ("allow", "code")):
        answer = await ada.press("/oauth/consent", asks("crm").parameters | {"decision": decision})
        assert name in posted(answer, "crm")


async def test_only_the_web_can_be_posted_to(world: World, ada: Browser) -> None:
    """A loopback address can, by http; a private-use scheme is told so by a redirect."""
    await ada.sign_in()
    request = asks("native")
    request.parameters["redirect_uri"] = "http://127.0.0.1:4711/cb"
    answer = await ada.get(request.url)
    assert 'action="http://127.0.0.1:4711/cb"' in answer.text
    assert "form-action http:;" in answer.headers["Content-Security-Policy"]
    request.parameters["redirect_uri"] = "com.example.native:/cb"
    assert answered(await ada.get(request.url))["error"] == "invalid_request"
