"""OP Basic, second half: what the parameters of an authorize request do, and that wishes do no harm."""

from __future__ import annotations

import json

import pytest

from tests.conformance.relying_party import PERSON, RelyingParty, needs_sign_in, returned
from tests.security.browser import ask

pytestmark = pytest.mark.anyio


async def succeeds(suite: RelyingParty, **wish: str) -> None:
    """The flow goes through as if the wish had not been there."""
    assert (await suite.claims(ask("reports", **wish)))["sub"]


async def test_oidcc_display_page(suite: RelyingParty) -> None:
    """`display=page` is no error."""
    await succeeds(suite, display="page")


async def test_oidcc_display_popup(suite: RelyingParty) -> None:
    """`display=popup` is no error."""
    await succeeds(suite, display="popup")


async def test_oidcc_login_hint(suite: RelyingParty) -> None:
    """`login_hint` is no error."""
    await succeeds(suite, login_hint="grace@globex.example")


async def test_oidcc_ui_locales(suite: RelyingParty) -> None:
    """`ui_locales` is no error."""
    await succeeds(suite, ui_locales="se fr-CA")


async def test_oidcc_claims_locales(suite: RelyingParty) -> None:
    """`claims_locales` is no error."""
    await succeeds(suite, claims_locales="se")


async def test_oidcc_ensure_request_with_unknown_parameter_succeeds(suite: RelyingParty) -> None:
    """What nobody knows is ignored."""
    await succeeds(suite, extra="foobar")


async def test_oidcc_claims_essential(suite: RelyingParty) -> None:
    """A request for an essential claim succeeds."""
    await succeeds(suite, scope="openid", claims=json.dumps({"userinfo": {"name": {"essential": True}}}))


async def test_oidcc_ensure_request_with_acr_values_succeeds(suite: RelyingParty) -> None:
    """And the ID token has one of those that discovery offers."""
    offered = (await suite.browser.get("/.well-known/openid-configuration")).json()["acr_values_supported"]
    claims = await suite.claims(ask("reports", acr_values=" ".join(offered)))

    assert claims["acr"] in offered


async def test_oidcc_ensure_post_request_succeeds(suite: RelyingParty) -> None:
    """The authorize request may be posted, by a browser in which nobody is signed in."""
    request = ask("reports")
    answer = await suite.browser.send("POST", "/oauth/authorize", form=request.parameters)
    while str(answer.headers.get("Location", "")).startswith("/oauth/authorize"):
        answer = await suite.browser.get(answer.headers["Location"])
    assert needs_sign_in(answer)
    told = returned(await suite.browser.sign_in(PERSON, request=request), request)

    assert (await suite.redeem(request, told["code"])).status_code == 200


async def test_oidcc_prompt_login(suite: RelyingParty) -> None:
    """Whoever is signed in signs in again, and the second ID token tells of a later time."""
    first = await suite.claims(ask("reports"))
    suite.world.clock.advance(1)
    request = ask("reports", prompt="login")

    assert needs_sign_in(await suite.browser.get(request.url))
    assert (await suite.claims(request))["auth_time"] > first["auth_time"]


async def test_oidcc_prompt_none_not_logged_in(suite: RelyingParty) -> None:
    """An error which says that somebody would have to be asked."""
    request = ask("reports", prompt="none")

    assert returned(await suite.browser.get(request.url), request)["error"] == "login_required"


async def test_oidcc_prompt_none_logged_in(suite: RelyingParty) -> None:
    """The same person and the same time of authentication, and nobody is asked."""
    first = await suite.claims(ask("reports"))
    suite.world.clock.advance(1)
    request = ask("reports", prompt="none")
    assert not needs_sign_in(await suite.browser.get(request.url))
    second = await suite.claims(request)

    assert (second["sub"], second["auth_time"]) == (first["sub"], first["auth_time"])


async def test_oidcc_max_age_1(suite: RelyingParty) -> None:
    """A sign-in of more than a second ago does not count."""
    first = await suite.claims(ask("reports"))
    suite.world.clock.advance(2)
    request = ask("reports", max_age="1")
    assert needs_sign_in(await suite.browser.get(request.url))
    second = await suite.claims(request)

    assert second["auth_time"] == suite.world.clock.now() > first["auth_time"]


async def test_oidcc_max_age_10000(suite: RelyingParty) -> None:
    """A recent one does; and `auth_time` is there, as `max_age` was asked for."""
    first = await suite.claims(ask("reports", max_age="15000"))
    suite.world.clock.advance(2)
    request = ask("reports", max_age="10000")
    assert not needs_sign_in(await suite.browser.get(request.url))

    assert (await suite.claims(request))["auth_time"] == first["auth_time"]


async def test_oidcc_id_token_hint(suite: RelyingParty) -> None:
    """With the ID token of the first flow and `prompt=none` the second succeeds, for the same person."""
    request = ask("reports")
    tokens = await suite.tokens(request)
    second = await suite.claims(ask("reports", prompt="none", id_token_hint=tokens["id_token"]))

    assert second["sub"] == (await suite.claims(ask("reports")))["sub"]
