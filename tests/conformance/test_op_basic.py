"""OP Basic, first half: what comes of a flow, and what is refused."""

from __future__ import annotations

from pathlib import Path

import jwt
import pytest

from tests.conformance.relying_party import RelyingParty, returned, unsigned
from tests.fakes.providers.oidc import FakeOpenIdProvider
from tests.security.browser import REDIRECTS, ask
from tests.security.staged import staged
from tests.security.template import SECRETS, Template

pytestmark = pytest.mark.anyio


async def test_oidcc_server(suite: RelyingParty) -> None:
    """A code nobody can guess, a bearer token that works, and an ID token that holds."""
    request = ask("reports")
    told = await suite.authorize(request)
    answer = await suite.redeem(request, told["code"])
    tokens = answer.json()

    assert len(told["code"]) >= 32
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] > 0
    claims = await suite.claims(ask("reports"))
    assert claims["sub"] == (await suite.browser.userinfo(tokens["access_token"])).json()["sub"]


async def test_oidcc_response_type_missing(suite: RelyingParty) -> None:
    """The client is told so, with its state."""
    request = ask("reports", response_type=None)
    told = returned(await suite.browser.get(request.url), request)

    assert told["error"] in ("invalid_request", "unsupported_response_type")


async def test_oidcc_userinfo_get(suite: RelyingParty) -> None:
    """`sub`, as JSON, by GET with the token in the header."""
    assert (await suite.userinfo(ask("reports")))["sub"]


async def test_oidcc_userinfo_post_header(suite: RelyingParty) -> None:
    """The same by POST, with the token in the header."""
    token = (await suite.tokens(ask("reports")))["access_token"]
    answer = await suite.browser.send("POST", "/oauth/userinfo", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 200
    assert answer.json() == (await suite.browser.userinfo(token)).json()


async def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(suite: RelyingParty) -> None:
    """A nonce is optional here, and none comes back."""
    assert "nonce" not in await suite.claims(ask("reports", nonce=None))


async def test_oidcc_scope_profile(suite: RelyingParty) -> None:
    """What the policy releases of it: the name."""
    assert (await suite.userinfo(ask("reports", scope="openid profile")))["name"] == "Grace Hopper"


async def test_oidcc_scope_email(suite: RelyingParty) -> None:
    """The address, and nothing of the other scopes."""
    told = await suite.userinfo(ask("reports", scope="openid email"))

    assert told.keys() == {"sub", "email"}
    assert told["email"] == "grace@globex.example"


async def test_oidcc_scope_phone(template: Template, tmp_path: Path) -> None:
    """The number, where the policy releases it."""
    number = ("phone_number",)
    async with staged(template, tmp_path, FakeOpenIdProvider, keep=number, release=number) as (world, fake):
        browser, request = world.browser(), ask("demo-app", scope="openid phone")
        code = returned(await browser.sign_in(registration="twin", request=request), request)["code"]
        token = (await browser.redeem(request, code)).json()["access_token"]
        told = (await browser.userinfo(token)).json()

        assert told.keys() == {"sub", "phone_number"}
        assert told["phone_number"] == fake.person["phone_number"]


async def test_oidcc_alternate_happy_flow(suite: RelyingParty) -> None:
    """Neither the order of scopes nor that of parameters means anything."""
    request = ask("reports", scope="email openid")
    request.parameters.update({name: request.parameters.pop(name) for name in reversed([*request.parameters])})

    assert (await suite.userinfo(request)).keys() == {"sub", "email"}


async def test_oidcc_codereuse(suite: RelyingParty) -> None:
    """The second use of a code is `invalid_grant`."""
    request = ask("reports")
    code = (await suite.authorize(request))["code"]
    assert (await suite.redeem(request, code)).status_code == 200
    answer = await suite.redeem(request, code)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_oidcc_codereuse_30seconds(suite: RelyingParty) -> None:
    """Also half a minute later; and the tokens of the first use are over."""
    request = ask("reports")
    code = (await suite.authorize(request))["code"]
    tokens = (await suite.redeem(request, code)).json()
    suite.world.clock.advance(30)
    assert (await suite.browser.userinfo(tokens["access_token"])).status_code == 200
    answer = await suite.redeem(request, code)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert (await suite.browser.userinfo(tokens["access_token"])).status_code == 401


async def test_oidcc_ensure_registered_redirect_uri(suite: RelyingParty) -> None:
    """An error page, and no redirect."""
    answer = await suite.browser.get(ask("reports", redirect_uri="https://reports.example/callback/x?area=eu").url)

    assert (answer.status_code, "Location" in answer.headers) == (400, False)
    assert answer.headers["Content-Type"].startswith("text/html")


async def test_oidcc_server_client_secret_post(suite: RelyingParty) -> None:
    """The secret in the form will do."""
    request = ask("reports")
    answer = await suite.browser.redeem(request, (await suite.authorize(request))["code"])

    assert answer.status_code == 200


async def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(
    suite: RelyingParty,
) -> None:
    """Rejected as unsupported, and discovery says so."""
    request = ask("reports")
    inside = {**request.parameters, "iss": "reports", "aud": suite.world.settings.issuer}
    request.parameters["request"] = unsigned(inside)

    assert returned(await suite.browser.get(request.url), request)["error"] == "request_not_supported"
    assert (await suite.browser.get("/.well-known/openid-configuration")).json()["request_parameter_supported"] is False


async def test_oidcc_ensure_request_object_with_redirect_uri(suite: RelyingParty) -> None:
    """A request object that names the right target does not make a wrong one beside it good: an error page."""
    request = ask("reports", redirect_uri="https://reports.example/wrong")
    inside = request.parameters | {"redirect_uri": REDIRECTS["reports"]}
    request.parameters["request"] = unsigned(inside)
    answer = await suite.browser.get(request.url)

    assert (answer.status_code, "Location" in answer.headers) == (400, False)


async def test_oidcc_refresh_token(suite: RelyingParty) -> None:
    """New tokens of the same person for the same client; and nothing for a second client that has the refresh token."""
    request = ask("reports", scope="openid offline_access")
    tokens = await suite.tokens(request)
    first = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    suite.world.clock.advance(1)
    answer = await suite.browser.refresh(tokens["refresh_token"], "reports")
    again = jwt.decode(answer.json()["id_token"], options={"verify_signature": False})

    assert answer.status_code == 200
    assert answer.json()["access_token"] != tokens["access_token"]
    assert [again[name] for name in ("iss", "sub", "aud", "auth_time")] == [
        first[name] for name in ("iss", "sub", "aud", "auth_time")
    ]
    assert again["iat"] > first["iat"]
    stolen = await suite.browser.refresh(tokens["refresh_token"], "crm", client_secret=SECRETS["crm"])
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")


async def test_oidcc_ensure_request_with_valid_pkce_succeeds(suite: RelyingParty) -> None:
    """S256, as every request here has it; without its verifier the code is worth nothing."""
    request = ask("reports")
    assert request.parameters["code_challenge_method"] == "S256"
    assert (await suite.tokens(request))["access_token"]
    answer = await suite.redeem(request, (await suite.authorize(request))["code"], code_verifier=None)
    assert answer.json()["error"] == "invalid_grant"
