"""RP-Initiated Logout OP and Back-Channel Logout OP: who is signed out, where they go then, and who is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.conformance.relying_party import unsigned
from tests.security.browser import SAME_ORIGIN, Browser, answered, ask
from tests.security.logout_tokens import EVENT, Endpoints, endpoints, until
from tests.security.seen import fields_of
from tests.security.world import World

pytestmark = pytest.mark.anyio
HOME = "https://app.example/"


async def hint(browser: Browser) -> str:
    """A whole flow; its ID token."""
    return str((await browser.tokens_for(ask()))["id_token"])


async def end_session(browser: Browser, **parameters: str) -> httpx2.Response:
    """Send the browser to the end_session_endpoint."""
    return await browser.get(f"/oauth/end-session?{urlencode(parameters)}")


async def is_signed_out(browser: Browser) -> bool:
    """As the suite asks: a request with `prompt=none` must be an error."""
    return answered(await browser.get(ask(prompt="none").url)).get("error") == "login_required"


async def is_refused(browser: Browser, answer: httpx2.Response) -> bool:
    """An error page, and no redirect; nobody is signed out."""
    page = (answer.status_code, "Location" in answer.headers) == (400, False)
    return page and not await is_signed_out(browser)


async def confirmed(browser: Browser, answer: httpx2.Response) -> httpx2.Response:
    """The person is asked, and presses "Sign out"."""
    assert (answer.status_code, "Location" in answer.headers) == (200, False)
    return await browser.send("POST", "/oauth/end-session", form=fields_of(answer), headers=SAME_ORIGIN)


async def discovery(browser: Browser) -> dict[str, Any]:
    told: dict[str, Any] = (await browser.get("/.well-known/openid-configuration")).json()
    return told


async def test_oidcc_rp_initiated_logout_discovery_endpoint_verification(ada: Browser) -> None:
    """There is an end_session_endpoint, by https."""
    assert (await discovery(ada))["end_session_endpoint"] == "https://id.example/oauth/end-session"


async def test_oidcc_rp_initiated_logout(ada: Browser) -> None:
    """To the registered target, with the state and nothing else; and the person is signed out."""
    token = await hint(ada)
    answer = await end_session(ada, id_token_hint=token, post_logout_redirect_uri=HOME, state="abc")

    assert answer.headers["Location"] == f"{HOME}?state=abc"
    assert await is_signed_out(ada)


async def test_oidcc_rp_initiated_logout_no_state(ada: Browser) -> None:
    """Without a state there is none in the answer."""
    answer = await end_session(ada, id_token_hint=await hint(ada), post_logout_redirect_uri=HOME)

    assert answer.headers["Location"] == HOME
    assert await is_signed_out(ada)


async def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(ada: Browser) -> None:
    """One that is not registered is not redirected to."""
    token = await hint(ada)

    assert await is_refused(ada, await end_session(ada, id_token_hint=token, post_logout_redirect_uri=f"{HOME}x"))


async def test_oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(ada: Browser) -> None:
    """Nor is one with a query more."""
    token, bent = await hint(ada), f"{HOME}?foo=bar"

    assert await is_refused(ada, await end_session(ada, id_token_hint=token, post_logout_redirect_uri=bent))


async def test_oidcc_rp_initiated_logout_modified_id_token_hint(ada: Browser) -> None:
    """A hint that was changed to `alg: none` proves nothing."""
    claims = jwt.decode(await hint(ada), options={"verify_signature": False})

    assert await is_refused(ada, await end_session(ada, id_token_hint=unsigned(claims), post_logout_redirect_uri=HOME))


async def test_oidcc_rp_initiated_logout_bad_id_token_hint(ada: Browser) -> None:
    """Nor does one that somebody else has signed."""
    token = await hint(ada)
    claims = jwt.decode(token, options={"verify_signature": False})
    kid = jwt.get_unverified_header(token)["kid"]
    forged = jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256", headers={"kid": kid})

    assert await is_refused(ada, await end_session(ada, id_token_hint=forged, post_logout_redirect_uri=HOME))


async def test_oidcc_rp_initiated_logout_no_id_token_hint(ada: Browser) -> None:
    """Without a hint nobody is redirected."""
    await hint(ada)

    assert await is_refused(ada, await end_session(ada, post_logout_redirect_uri=HOME, state="abc"))


async def test_oidcc_rp_initiated_logout_no_params(ada: Browser) -> None:
    """The person is asked, signed out, and told so on a page."""
    await hint(ada)
    answer = await confirmed(ada, await end_session(ada))

    assert (answer.status_code, "Location" in answer.headers) == (200, False)
    assert await is_signed_out(ada)


async def test_oidcc_rp_initiated_logout_only_state(ada: Browser) -> None:
    """As without any parameter."""
    await hint(ada)
    answer = await confirmed(ada, await end_session(ada, state="abc"))

    assert (answer.status_code, "abc" in answer.text) == (200, False)
    assert await is_signed_out(ada)


async def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(ada: Browser) -> None:
    """The hint is enough to be signed out; a page says so."""
    answer = await end_session(ada, id_token_hint=await hint(ada), state="abc")

    assert (answer.status_code, "Location" in answer.headers) == (200, False)
    assert await is_signed_out(ada)


async def test_oidcc_backchannel_logout_discovery_endpoint_verification(ada: Browser) -> None:
    """Both of it: logout tokens, and that they name the session."""
    told = await discovery(ada)

    assert told["backchannel_logout_supported"] is told["backchannel_logout_session_supported"] is True
    assert told["end_session_endpoint"].startswith("https://")


@pytest.fixture(scope="module")
def listening() -> Iterator[Endpoints]:
    """Where the suite takes logout tokens."""
    with endpoints() as made:
        yield made


async def test_oidcc_backchannel_rp_initiated_logout(world: World, ada: Browser, listening: Endpoints) -> None:
    """A logout token that holds comes to the client, the browser to the registered target; and nobody is signed in."""
    await listening.declare(world, "demo-app")
    token = await hint(ada)
    answer = await end_session(ada, id_token_hint=token, post_logout_redirect_uri=HOME, state="abc")

    async def told() -> bool:
        return "demo-app" in listening.tokens

    await until(told)
    assert answer.headers["Location"] == f"{HOME}?state=abc"
    assert await is_signed_out(ada)
    sent = listening.tokens["demo-app"][0]
    keys = jwt.PyJWKSet.from_dict((await ada.get("/.well-known/jwks.json")).json())
    header = jwt.get_unverified_header(sent)
    options: Any = {"verify_exp": False, "verify_iat": False}  # the test's clock is another
    issuer = world.settings.issuer
    claims = jwt.decode(sent, keys[header["kid"]], [header["alg"]], audience="demo-app", issuer=issuer, options=options)
    signed_in = jwt.decode(token, options={"verify_signature": False})
    assert header["typ"] == "logout+jwt"
    assert (claims["events"], "nonce" in claims) == ({EVENT: {}}, False)
    assert (claims["sub"], claims["sid"]) == (signed_in["sub"], signed_in["sid"])
    assert claims["iat"] <= world.clock.now() < claims["exp"]
    assert claims["jti"]
