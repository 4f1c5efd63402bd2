"""What a service answers, and where it takes a token from: RFC 6750 and RFC 9449."""

from __future__ import annotations

import json

import pytest

from partner_ops_verifier import RightMissing, TokenRefused, VerifierUnavailable
from partner_ops_verifier.answers import refusal, sent_token, url_path
from partner_ops_verifier.errors import REFUSALS, UNAVAILABLE


@pytest.mark.parametrize("header", ["Bearer token", "bearer token", "BEARER   token", " Bearer token "])
def test_the_token_is_what_follows_bearer(header: str) -> None:
    """The scheme does not mind case (RFC 9110 section 11.1); a proof does not belong to it."""
    assert sent_token([header], []) == ("token", None)
    assert sent_token([header], ["proof"]) == ("token", None)


@pytest.mark.parametrize("header", ["DPoP token", "dpop  token ", "DPOP token"])
def test_a_bound_token_comes_with_one_proof(header: str) -> None:
    """RFC 9449 section 7.1: in a header of its own, once."""
    assert sent_token([header], ["proof"]) == ("token", "proof")
    assert sent_token([header], [""]) == ("token", "")
    for proofs, code in (([], "proof_missing"), (["proof", "proof"], "proof_refused")):
        with pytest.raises(TokenRefused) as refused:
            sent_token([header], proofs)
        assert refused.value.code == code


@pytest.mark.parametrize("headers", [[], [""], ["Bearer"], ["Bearer "], ["token"], ["Basic dTpw"], ["DPoP "]])
def test_without_a_token_there_is_none(headers: list[str]) -> None:
    """Absent, empty, or of another scheme."""
    with pytest.raises(TokenRefused) as refused:
        sent_token(headers, ["proof"])
    assert refused.value.code == "no_token"


def test_two_headers_are_refused() -> None:
    """Somebody in front may have looked at the other one."""
    with pytest.raises(TokenRefused) as refused:
        sent_token(["Bearer one", "Bearer two"], [])
    assert refused.value.code == "malformed"


def test_a_path_is_spelt_as_it_was_sent() -> None:
    """As far as that can be told of a decoded one."""
    assert url_path("/reports/a b/é~:@!$&'()*+,;=?#%") == "/reports/a%20b/%C3%A9~:@!$&'()*+,;=%3F%23%25"


def test_without_a_token_the_answer_has_no_error_code() -> None:
    """RFC 6750 section 3.1: it says what is wanted."""
    answer = refusal(TokenRefused("no_token"))

    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


OF_KEYS = {"proof_missing": "invalid_token", "wrong_key": "invalid_token", "proof_refused": "invalid_dpop_proof"}


@pytest.mark.parametrize("code", OF_KEYS)
def test_who_has_not_proven_a_key_is_told_the_algorithms(code: str) -> None:
    """RFC 9449 section 7.1."""
    answer = refusal(TokenRefused(code, "detail"))
    scheme = (
        f'DPoP algs="ES256 EdDSA Ed25519 PS256 RS256", error="{OF_KEYS[code]}", error_description="{REFUSALS[code]}"'
    )

    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, scheme)
    assert json.loads(answer.body)["error"] == OF_KEYS[code]


@pytest.mark.parametrize("code", sorted(set(REFUSALS) - {"no_token", *OF_KEYS}))
def test_a_refused_token_is_invalid(code: str) -> None:
    """With a sentence; not the detail, which is for the log."""
    answer = refusal(TokenRefused(code, "detail"))
    challenge = answer.headers["WWW-Authenticate"]

    assert answer.status == 401
    assert challenge == f'Bearer error="invalid_token", error_description="{REFUSALS[code]}"'
    assert challenge.isascii()
    assert json.loads(answer.body) == {"error": "invalid_token", "error_description": REFUSALS[code]}
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("right", "scope"), [("reports:read", ', scope="reports:read"'), ('a"b', ""), ("a b", "")])
def test_a_missing_right_is_named(right: str, scope: str) -> None:
    """So far as it can be in a header."""
    answer = refusal(RightMissing("acme", right))

    assert (answer.status, answer.headers["WWW-Authenticate"]) == (403, f'Bearer error="insufficient_scope"{scope}')


@pytest.mark.parametrize("code", UNAVAILABLE)
def test_what_nobody_can_tell_is_no_fault_of_the_token(code: str) -> None:
    """503 and when to ask again; no challenge, which would make an Application throw its token away."""
    answer = refusal(VerifierUnavailable(code, "detail"))

    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert "WWW-Authenticate" not in answer.headers
    assert json.loads(answer.body)["error"] == "temporarily_unavailable"
