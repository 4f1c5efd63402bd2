"""FAPI 2.0 Security Profile: proofs of possession, at the push, at the token endpoint and at the resource."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from tests.conformance.partner import Partner, asked, refused
from tests.conformance.relying_party import unsigned
from tests.flows.proofs import Holder

pytestmark = pytest.mark.anyio
AT_PAR = "/oauth/par"
NOT_THEIRS = ("invalid_request", "invalid_grant", "invalid_dpop_proof")


async def works_with(bank: Partner, **changes: Any) -> bool:
    """Whether the whole flow goes through with such proofs: at the push, for the tokens, and at the resource."""
    request = asked()
    code = await bank.code(request, proof=bank.proof(AT_PAR, **changes))
    answer = await bank.redeem(request, code, proof=bank.proof(**changes))
    assert answer.status_code == 200, answer.text
    return (await bank.userinfo(answer.json()["access_token"], **changes)).status_code == 200


async def test_fapi2_security_profile_final_access_token_type_header_case_sensitivity(bank: Partner) -> None:
    """The scheme may be written in any case (RFC 9110 section 11.1)."""
    token = (await bank.tokens())["access_token"]

    assert (await bank.userinfo(token, scheme="dPoP")).status_code == 200


async def test_fapi2_security_profile_final_check_dpop_proof_nbf_exp(bank: Partner) -> None:
    """`nbf` and `exp` in a proof do no harm."""
    now = bank.world.clock.now()

    assert await works_with(bank, nbf=now, exp=now + 300)


async def test_fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_before_succeeds(bank: Partner) -> None:
    """Clocks differ."""
    assert await works_with(bank, iat=bank.world.clock.now() - 10)


async def test_fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_after_succeeds(bank: Partner) -> None:
    """Either way (FAPI 2.0 section 5.3.2.1)."""
    assert await works_with(bank, iat=bank.world.clock.now() + 10)


async def test_fapi2_security_profile_final_ensure_mismatched_dpop_jkt_fails(bank: Partner) -> None:
    """Two keys at the push, in the proof and in `dpop_jkt`: refused (RFC 9449 section 10.1)."""
    request = asked(dpop_jkt=Holder().thumbprint)

    assert refused(await bank.push(request, proof=bank.proof(AT_PAR)), "invalid_request", "invalid_dpop_proof")


async def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt(
    bank: Partner,
) -> None:
    """A code that was pushed for by the proof of another key."""
    request = asked()
    code = await bank.code(
        request, proof=Holder().proof(url=f"{bank.world.settings.issuer}/oauth/par", now=bank.world.clock.now())
    )

    assert refused(await bank.redeem(request, code), *NOT_THEIRS)


async def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_jkt(
    bank: Partner,
) -> None:
    """A code that was asked for with the thumbprint of another key."""
    request = asked(dpop_jkt=Holder().thumbprint)

    assert refused(await bank.redeem(request, await bank.code(request)), *NOT_THEIRS)


async def test_fapi2_security_profile_final_ensure_dpopproof_at_par_endpoint_binding_success(bank: Partner) -> None:
    """The proof at the push and that at the token endpoint are of one key."""
    assert await works_with(bank)


async def test_fapi2_security_profile_final_ensure_dpop_auth_code_binding_success(bank: Partner) -> None:
    """So are `dpop_jkt` and the proof at the token endpoint."""
    assert (await bank.tokens(asked(dpop_jkt=bank.holder.thumbprint)))["token_type"] == "DPoP"


async def test_fapi2_security_profile_final_ensure_holder_of_key_required(bank: Partner) -> None:
    """Without a proof there is no token."""
    request = asked()

    assert refused(await bank.redeem(request, await bank.code(request), proof=None), *NOT_THEIRS)


def with_none(proof: str) -> str:
    """The same with `alg: none`."""
    header, claims = jwt.get_unverified_header(proof), jwt.decode(proof, options={"verify_signature": False})
    rest = {name: value for name, value in header.items() if name != "alg"}
    return unsigned(claims, **rest)


async def test_fapi2_security_profile_final_dpop_negative_tests(bank: Partner) -> None:
    """Each check of RFC 9449 section 4.3 at the resource; what may differ does no harm, and the token still works."""
    token = (await bank.tokens())["access_token"]
    now, place = bank.world.clock.now(), f"{bank.world.settings.issuer}/oauth/userinfo"
    good = bank.proof("/oauth/userinfo", method="GET", token=token)
    private: Any = bank.holder.private
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    with_private = json.loads(ECAlgorithm.to_jwk(private))
    wrong: dict[str, dict[str, Any]] = {
        "not a JWT": {"proof": good[1:]},
        "bad signature": {"proof": good[:-6] + "AAAAAA"},
        "none": {"proof": with_none(good)},
        "no proof": {"proof": None},
        "as a bearer token": {"proof": None, "scheme": "Bearer"},
        "no typ": {"header": {"typ": ...}},
        "another typ": {"header": {"typ": "JWT"}},
        "no jwk": {"header": {"jwk": ...}},
        "a private jwk": {"header": {"jwk": with_private}},
        "another key": {"proof": Holder().proof("GET", place, now=now, token=token)},
        "another method": {"method": "PUT"},
        "another address": {"htu": f"{place}/x"},
        "another token": {"ath": "x" * 43},
        "an hour ago": {"iat": now - 3600},
        "in an hour": {"iat": now + 3600},
    }
    wrong |= {f"no {name}": {name: ...} for name in ("jti", "htm", "htu", "iat", "ath")}
    for name, changes in wrong.items():
        assert (await bank.userinfo(token, **changes)).status_code in (400, 401), name
    twice = [("Authorization", f"DPoP {token}"), ("DPoP", good), ("DPoP", good)]
    assert (await bank.browser.get("/oauth/userinfo", headers=twice)).status_code in (400, 401)

    harmless: tuple[dict[str, Any], ...] = (
        {"htu": f"{place}?q=1#f"},
        {"htu": place.replace("https://id.example", "HTTPS://ID.EXAMPLE")},
        {"htu": place.replace("id.example", "id.example:443")},
        {"extra": "claim", "header": {"extra": "member"}},
        {},
    )
    for changes in harmless:
        assert (await bank.userinfo(token, **changes)).status_code == 200, changes
