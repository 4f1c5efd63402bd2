"""What the demo Provider publishes: metadata that its endpoints keep, and keys that outlive a rotation."""

from __future__ import annotations

import jwt
import pytest

from tests.demo.provider.software import ISSUER, Software


@pytest.fixture
def software() -> Software:
    return Software()


def test_the_metadata_names_what_is_there(software: Software) -> None:
    """Every endpoint named answers, with something else than 404."""
    document = software.channel.get("/.well-known/openid-configuration").json()

    assert document["issuer"] == ISSUER
    assert document["authorization_response_iss_parameter_supported"] is True
    assert document["code_challenge_methods_supported"] == ["S256"]
    for name in ("authorization_endpoint", "token_endpoint", "revocation_endpoint", "userinfo_endpoint", "jwks_uri"):
        path = document[name].removeprefix(ISSUER)
        assert software.channel.get(path).status_code in (200, 400, 401, 405), name


def test_only_public_halves_are_published(software: Software) -> None:
    """A JWK of RSA has its modulus and exponent, and no more."""
    (key,) = software.channel.get("/oauth2/v3/certs").json()["keys"]

    assert {"kty", "n", "e", "kid", "use", "alg"} == set(key)


def test_after_rotation_old_tokens_still_verify_until_the_old_key_is_retired(software: Software) -> None:
    """Rotate, then retire, as a Provider does it over days."""
    old = software.sign_in()["id_token"]

    software.provider.rotate_keys()
    new = software.sign_in()["id_token"]
    assert len(software.key_ids()) == 2
    assert software.verified(old)["sub"] == software.verified(new)["sub"]

    software.provider.retire_old_keys()
    assert len(software.key_ids()) == 1
    assert software.verified(new)
    with pytest.raises(KeyError):
        software.verified(old)


def test_every_rotation_makes_a_key_of_its_own(software: Software) -> None:
    """Ids are never used again."""
    for _ in range(2):
        software.provider.rotate_keys()

    kids = software.key_ids()
    assert len(set(kids)) == 3
    assert kids[0] == jwt.get_unverified_header(software.sign_in()["id_token"])["kid"]
