"""FAPI 2.0 Security Profile: what is pushed, what the browser is sent with, and what comes back."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

import jwt
import pytest

from tests.conformance.partner import Partner, asked, refused
from tests.conformance.relying_party import id_token, returned
from tests.security.browser import answered
from tests.security.trips import bent

pytestmark = pytest.mark.anyio
FAPI_ALGORITHMS = {"ES256", "PS256", "EdDSA"}
WRONG = ("invalid_request", "invalid_request_object")


async def test_fapi2_security_profile_final_discovery_end_point_verification(bank: Partner) -> None:
    """What the profile needs is there: PAR, S256, `iss` in answers, private_key_jwt, and its algorithms."""
    told = (await bank.browser.get("/.well-known/openid-configuration")).json()

    assert told["issuer"] == bank.world.settings.issuer
    assert "code" in told["response_types_supported"]
    assert told["authorization_response_iss_parameter_supported"] is True
    assert told["pushed_authorization_request_endpoint"].startswith("https://")
    assert isinstance(told["require_pushed_authorization_requests"], bool)
    assert "S256" in told["code_challenge_methods_supported"]
    assert "private_key_jwt" in told["token_endpoint_auth_methods_supported"]
    assert "openid" in told["scopes_supported"]
    assert "public" in told["subject_types_supported"]
    for what in ("token_endpoint_auth", "dpop", "id_token"):
        assert FAPI_ALGORITHMS & set(told[f"{what}_signing_alg_values_supported"]), what


async def test_fapi2_security_profile_final_happy_flow(bank: Partner) -> None:
    """The whole flow: tokens bound to the key, an ID token that holds, and a resource that answers."""
    request = asked(scope="openid email offline_access")
    tokens = await bank.tokens(request)
    claims = await id_token(bank.world, bank.browser, tokens, request, "bank")
    answer = await bank.userinfo(tokens["access_token"])

    assert tokens["token_type"] == "DPoP"
    assert jwt.get_unverified_header(tokens["id_token"])["alg"] in FAPI_ALGORITHMS
    bound = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert bound["cnf"] == {"jkt": bank.holder.thumbprint}
    assert (answer.status_code, answer.json()["sub"]) == (200, claims["sub"])


async def test_fapi2_security_profile_final_user_rejects_authentication(bank: Partner) -> None:
    """The client is told `access_denied`."""
    request = asked()
    way_back = await bank.browser.trip("grace", request=await bank.pushed(request))
    told = returned(await bank.browser.get(bent(way_back, code=None, error="access_denied")), request)

    assert told["error"] == "access_denied"


async def test_fapi2_security_profile_final_ensure_authorization_request_without_state_success(bank: Partner) -> None:
    """A state is optional, and none comes back."""
    request = asked(state=None)

    assert "state" not in returned(await bank.answer(await bank.pushed(request)), request)


async def test_fapi2_security_profile_final_ensure_authorization_request_without_nonce_success(bank: Partner) -> None:
    """A nonce is optional, and none comes back."""
    request = asked(nonce=None)

    assert "nonce" not in await id_token(bank.world, bank.browser, await bank.tokens(request), request, "bank")


async def test_fapi2_security_profile_final_ensure_authorization_request_with_64_char_nonce_success(
    bank: Partner,
) -> None:
    """64 characters come back as they were (FAPI 2.0 section 5.3.2.2)."""
    request = asked(nonce="n" * 64)
    claims = await id_token(bank.world, bank.browser, await bank.tokens(request), request, "bank")

    assert claims["nonce"] == "n" * 64


async def test_fapi2_security_profile_final_ensure_other_scope_order_succeeds(bank: Partner) -> None:
    """The order of scopes means nothing."""
    assert set((await bank.tokens(asked(scope="email openid")))["scope"].split()) == {"openid", "email"}


async def test_fapi2_security_profile_final_ensure_different_nonce_inside_and_outside_request_object(
    bank: Partner,
) -> None:
    """The nonce that was pushed counts; one beside the `request_uri` is not looked at."""
    request = asked()
    pushed = await bank.pushed(request)
    beside = replace(pushed, parameters=pushed.parameters | {"nonce": "another"})
    code = returned(await bank.answer(beside), request)["code"]
    tokens = (await bank.redeem(request, code)).json()

    await id_token(bank.world, bank.browser, tokens, request, "bank")


async def test_fapi2_security_profile_final_ensure_different_state_inside_and_outside_request_object(
    bank: Partner,
) -> None:
    """The state that was pushed comes back."""
    request = asked()
    pushed = await bank.pushed(request)

    assert "code" in returned(
        await bank.answer(replace(pushed, parameters=pushed.parameters | {"state": "another"})), request
    )


async def test_fapi2_security_profile_final_state_only_outside_request_object_not_used(bank: Partner) -> None:
    """A state that was not pushed does not come back."""
    request = asked(state=None)
    pushed = await bank.pushed(request)
    told = returned(await bank.answer(replace(pushed, parameters=pushed.parameters | {"state": "outside"})), request)

    assert told.keys() == {"code", "iss"}


async def test_fapi2_security_profile_final_ensure_authorization_request_with_long_nonce(bank: Partner) -> None:
    """Come back whole, or refused at once: never cut."""
    request = asked(nonce="n" * 384)
    claims = await id_token(bank.world, bank.browser, await bank.tokens(request), request, "bank")

    assert claims["nonce"] == "n" * 384
    assert refused(await bank.push(asked(nonce="n" * 1024)), "invalid_request")


async def test_fapi2_security_profile_final_ensure_authorization_request_with_long_state(bank: Partner) -> None:
    """Come back whole, or refused at once: never cut."""
    request = asked(state="s" * 1024)

    assert returned(await bank.answer(await bank.pushed(request)), request)["state"] == "s" * 1024
    assert refused(await bank.push(asked(state="s" * 1025)), "invalid_request")


async def test_fapi2_security_profile_final_ensure_request_object_without_redirect_uri_fails(bank: Partner) -> None:
    """Refused at the push, though only one target is registered."""
    assert refused(await bank.push(asked(redirect_uri=None)), *WRONG)


async def test_fapi2_security_profile_final_ensure_redirect_uri_in_authorization_request(bank: Partner) -> None:
    """An empty one is none."""
    assert refused(await bank.push(asked(redirect_uri="")), *WRONG)


async def test_fapi2_security_profile_final_plain_fapi_tolerate_unregistered_redirect_uri(bank: Partner) -> None:
    """A server may take one that is not registered (RFC 9126 section 2.4); this one refuses it."""
    assert refused(await bank.push(asked(redirect_uri="https://app.example/callback/x")), *WRONG)


async def test_fapi2_security_profile_final_ensure_unsigned_authorization_request_without_using_par_fails(
    bank: Partner,
) -> None:
    """A request in the clear brings back `invalid_request`."""
    request = asked()

    assert returned(await bank.browser.get(request.url), request)["error"] == "invalid_request"


async def test_fapi2_security_profile_final_ensure_response_type_code_idtoken_fails(bank: Partner) -> None:
    """Refused at the push."""
    assert refused(await bank.push(asked(response_type="code id_token")), *WRONG, "unsupported_response_type")


async def test_fapi2_security_profile_final_ensure_response_type_token_fails(bank: Partner) -> None:
    """Refused at the push."""
    assert refused(await bank.push(asked(response_type="token")), *WRONG, "unsupported_response_type")


async def test_fapi2_security_profile_final_par_without_duplicate_parameters(bank: Partner) -> None:
    """`client_id` and `request_uri` alone are enough."""
    request = asked()
    pushed = await bank.pushed(request)

    assert pushed.parameters.keys() == {"client_id", "request_uri"}
    assert "code" in returned(await bank.answer(pushed), request)


async def test_fapi2_security_profile_final_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds(
    bank: Partner,
) -> None:
    """It is used up by the code, not by the first look at it."""
    request = asked()
    pushed = await bank.pushed(request)
    first = await bank.browser.get(pushed.url)

    assert first.headers["Location"].startswith("/sign-in")
    assert "code" in returned(await bank.answer(pushed), request)


async def test_fapi2_security_profile_final_par_attempt_reuse_request_uri(bank: Partner) -> None:
    """Once it has brought a code it brings none again."""
    request = asked()
    pushed = await bank.pushed(request)
    assert "code" in returned(await bank.answer(pushed), request)

    assert returned(await bank.browser.get(pushed.url), request)["error"] == "invalid_request_uri"


async def test_fapi2_security_profile_final_par_attempt_to_use_expired_request_uri(bank: Partner) -> None:
    """After what `expires_in` said it brings no code."""
    request = asked()
    pushed = await bank.pushed(request)
    bank.world.clock.advance(301)

    assert answered(await bank.browser.get(pushed.url))["error"] == "invalid_request_uri"


async def test_fapi2_security_profile_final_par_attempt_to_use_request_uri_for_different_client(bank: Partner) -> None:
    """With the second client's name it is an error page."""
    pushed = await bank.pushed(asked())
    answer = await bank.browser.get(f"/oauth/authorize?{urlencode(pushed.parameters | {'client_id': 'other'})}")

    assert (answer.status_code, "Location" in answer.headers) == (400, False)


async def test_fapi2_security_profile_final_par_authorization_request_containing_request_uri_form_param(
    bank: Partner,
) -> None:
    """What is pushed must not hold one (RFC 9126 section 2.1)."""
    answer = await bank.push(asked(request_uri="https://client.example/request"))

    assert refused(answer, *WRONG, "request_uri_not_supported")


async def test_fapi2_security_profile_final_par_attempt_invalid_http_method(bank: Partner) -> None:
    """405 (RFC 9126 section 2.3)."""
    assert (await bank.browser.send("PUT", "/oauth/par", form=asked().parameters)).status_code == 405


async def test_fapi2_security_profile_final_par_ensure_pkce_required(bank: Partner) -> None:
    """Without a challenge nothing is pushed."""
    assert refused(await bank.push(asked(code_challenge=None, code_challenge_method=None)), *WRONG)


async def test_fapi2_security_profile_final_par_plain_pkce_rejected(bank: Partner) -> None:
    """Nor with one that is the verifier itself."""
    request = asked()
    request.parameters.update(code_challenge=request.verifier[:43], code_challenge_method="plain")

    assert refused(await bank.push(request), *WRONG)
