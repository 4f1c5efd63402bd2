"""FAPI 2.0 Security Profile: codes, assertions and refresh tokens at the token endpoint."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from broker.crypto.jwk import public_members
from tests.conformance.partner import KEYS, Partner, asked, declared, refused
from tests.conformance.relying_party import returned

pytestmark = pytest.mark.anyio


def other(bank: Partner) -> Partner:
    """The second client, with the same person's browser."""
    return replace(bank, name="other")


async def test_fapi2_security_profile_final_ensure_client_id_in_token_endpoint(bank: Partner) -> None:
    """The second client's name, signed by the first one's key."""
    request = asked()
    code = await bank.code(request)
    answer = await bank.redeem(request, code, client_id="other", assertion=other(bank).assertion(by=KEYS["bank"]))

    assert refused(answer, "invalid_client", "invalid_grant")


async def test_fapi2_security_profile_final_ensure_authorization_code_is_bound_to_client(bank: Partner) -> None:
    """The second client, rightly authenticated, gets nothing for the first one's code."""
    request = asked()

    assert refused(await other(bank).redeem(request, await bank.code(request)), "invalid_grant")


async def test_fapi2_security_profile_final_attempt_reuse_authorization_code_after_one_second(bank: Partner) -> None:
    """The second use is `invalid_grant`, and the tokens of the first are over."""
    request = asked()
    code = await bank.code(request)
    tokens = (await bank.redeem(request, code)).json()
    bank.world.clock.advance(1)

    assert refused(await bank.redeem(request, code), "invalid_grant")
    assert (await bank.userinfo(tokens["access_token"])).status_code == 401


async def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_expired_auth_code(bank: Partner) -> None:
    """A code lives for 60 seconds (FAPI 2.0 section 5.3.2.1)."""
    request = asked()
    code = await bank.code(request)
    bank.world.clock.advance(62)

    assert refused(await bank.redeem(request, code), "invalid_grant")


async def test_fapi2_security_profile_final_ensure_pkce_code_verifier_required(bank: Partner) -> None:
    """Without the verifier a code is worth nothing."""
    request = asked()

    assert refused(await bank.redeem(request, await bank.code(request), code_verifier=None), "invalid_grant")


async def test_fapi2_security_profile_final_incorrect_pkce_code_verifier_rejected(bank: Partner) -> None:
    """Nor with another."""
    request = asked()

    assert refused(
        await bank.redeem(request, await bank.code(request), code_verifier=asked().verifier), "invalid_grant"
    )


async def test_fapi2_security_profile_final_ensure_signed_client_assertion_with_rs256_fails(bank: Partner) -> None:
    """By an RSA key that is registered for PS256 an assertion of RS256 is none."""
    private: Any = rsa.generate_private_key(65537, 2048)
    await declared(bank.world, bank=public_members(private.public_key()) | {"alg": "PS256"})
    request = asked()
    pushed = await bank.pushed(request, assertion=bank.assertion(by=private, alg="PS256"))
    code = returned(await bank.answer(pushed), request)["code"]

    assert refused(
        await bank.redeem(request, code, assertion=bank.assertion(by=private, alg="RS256")), "invalid_client"
    )
    assert (await bank.redeem(request, code, assertion=bank.assertion(by=private, alg="PS256"))).status_code == 200


async def refused_with(bank: Partner, **claims: Any) -> bool:
    """Whether the token endpoint takes no assertion with these claims; the code is good all the same."""
    request = asked()
    code = await bank.code(request)
    none = refused(await bank.redeem(request, code, assertion=bank.assertion(**claims)), "invalid_client")
    return none and (await bank.redeem(request, code)).status_code == 200


async def test_fapi2_security_profile_final_ensure_client_assertion_in_token_endpoint(bank: Partner) -> None:
    """Without one the client is nobody."""
    request = asked()

    assert refused(
        await bank.redeem(request, await bank.code(request), assertion=None, client_id="bank"), "invalid_client"
    )


async def test_fapi2_security_profile_final_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails(
    bank: Partner,
) -> None:
    """It is over."""
    assert await refused_with(bank, exp=bank.world.clock.now() - 300)


async def test_fapi2_security_profile_final_ensure_client_assertion_with_wrong_aud_fails(bank: Partner) -> None:
    """It is for somebody else."""
    assert await refused_with(bank, aud="https://other.example")


async def test_fapi2_security_profile_final_ensure_client_assertion_with_no_sub_fails(bank: Partner) -> None:
    """It says nothing of who."""
    assert await refused_with(bank, sub=...)


async def test_fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted(
    bank: Partner,
) -> None:
    """Clocks differ (FAPI 2.0 section 5.3.2.1)."""
    soon = bank.world.clock.now() + 8

    assert (await bank.push(asked(), assertion=bank.assertion(iat=soon, nbf=soon))).status_code == 201


async def test_fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails(
    bank: Partner,
) -> None:
    """Not by so much."""
    late = bank.world.clock.now() + 61

    assert refused(
        await bank.push(asked(), assertion=bank.assertion(iat=late, nbf=late, exp=late + 60)), "invalid_client"
    )


async def test_fapi2_security_profile_final_par_test_array_as_audience_fails(bank: Partner) -> None:
    """`aud` is a single text (FAPI 2.0 section 5.3.2.1)."""
    issuer = bank.world.settings.issuer

    assert refused(await bank.push(asked(), assertion=bank.assertion(aud=[issuer])), "invalid_client")


async def test_fapi2_security_profile_final_par_test_par_endpoint_url_as_audience_fails(bank: Partner) -> None:
    """And it is the issuer."""
    place = f"{bank.world.settings.issuer}/oauth/par"

    assert refused(await bank.push(asked(), assertion=bank.assertion(aud=place)), "invalid_client")


async def test_fapi2_security_profile_final_par_test_token_endpoint_url_as_audience_fails(bank: Partner) -> None:
    """And nothing else."""
    place = f"{bank.world.settings.issuer}/oauth/token"

    assert refused(await bank.push(asked(), assertion=bank.assertion(aud=place)), "invalid_client")


async def test_fapi2_security_profile_final_refresh_token(bank: Partner) -> None:
    """It works, is not replaced, and is nothing without the client's authentication or for the second client."""
    tokens = await bank.tokens(asked(scope="openid offline_access"))
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    bank.world.clock.advance(1)
    answer = await bank.send("/oauth/token", dict(form), proof=bank.proof())

    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")
    assert answer.json()["access_token"] != tokens["access_token"]
    assert answer.json()["refresh_token"] == tokens["refresh_token"]  # FAPI 2.0 section 5.3.2.1: no rotation
    assert (await bank.userinfo(answer.json()["access_token"])).status_code == 200
    nobody = await bank.send("/oauth/token", form | {"client_id": "bank"}, assertion=None, proof=bank.proof())
    assert refused(nobody, "invalid_client")
    assert refused(await other(bank).send("/oauth/token", dict(form), proof=bank.proof()), "invalid_grant")
    assert refused(await bank.send("/oauth/token", dict(form)), "invalid_request", "invalid_dpop_proof")
