"""What each fault changes, as small pure functions over an answer that was right.

Knows nothing of requests, stores or clocks: each takes the good value and gives back the bad one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from broker.demo.provider.jose import base64url, compact, rs256
from broker.demo.provider.keys import SigningKey, new_key

Json = dict[str, Any]

SOMEBODY_ELSE = "somebody-else.apps.example"
WRONG_ISSUER = "https://issuer.wrong.example"
HOUR = 3600
HUGE_MEMBER_BYTES = 16 * 1024 * 1024


def header_for(key: SigningKey) -> Json:
    """The header of a right ID token."""
    return {"alg": "RS256", "kid": key.kid, "typ": "JWT"}


def sign_well(claims: Mapping[str, Any], key: SigningKey) -> str:
    """A right ID token, with which the wrong ones below may be compared."""
    return compact(header_for(key), claims, rs256(key.private))


def sign_with_none(claims: Mapping[str, Any], key: SigningKey) -> str:
    return compact({"alg": "none", "typ": "JWT"}, claims, lambda _: b"")


def sign_with_public_key_as_secret(claims: Mapping[str, Any], key: SigningKey) -> str:
    secret = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = header_for(key) | {"alg": "HS256"}
    return compact(header, claims, lambda text: hmac.new(secret, text, hashlib.sha256).digest())


def sign_badly(claims: Mapping[str, Any], key: SigningKey) -> str:
    def one_bit_off(text: bytes) -> bytes:
        right = rs256(key.private)(text)
        return right[:100] + bytes([right[100] ^ 1]) + right[101:]

    return compact(header_for(key), claims, one_bit_off)


def sign_under_unknown_kid(claims: Mapping[str, Any], key: SigningKey) -> str:
    return compact(header_for(key) | {"kid": "no-such-key"}, claims, rs256(new_key().private))


def sign_with_key_in_header(claims: Mapping[str, Any], key: SigningKey) -> str:
    forged = new_key()
    header = header_for(key) | {"jwk": forged.public_jwk(), "jku": f"{WRONG_ISSUER}/keys"}
    return compact(header, claims, rs256(forged.private))


def sign_with_unknown_crit(claims: Mapping[str, Any], key: SigningKey) -> str:
    header = header_for(key) | {"crit": ["https://demo.example/must"], "https://demo.example/must": True}
    return compact(header, claims, rs256(key.private))


def with_wrong_issuer(claims: Json) -> Json:
    return claims | {"iss": WRONG_ISSUER}


def with_wrong_audience(claims: Json) -> Json:
    return claims | {"aud": SOMEBODY_ELSE, "azp": SOMEBODY_ELSE}


def with_extra_audience(claims: Json) -> Json:
    return claims | {"aud": [claims["aud"], SOMEBODY_ELSE], "azp": SOMEBODY_ELSE}


def with_wrong_nonce(claims: Json) -> Json:
    return claims | {"nonce": "the-nonce-of-another-sign-in"}


def without_nonce(claims: Json) -> Json:
    return _without(claims, "nonce")


def already_expired(claims: Json) -> Json:
    return claims | {"iat": claims["iat"] - 2 * HOUR, "exp": claims["iat"] - HOUR}


def issued_in_future(claims: Json) -> Json:
    return claims | {"iat": claims["iat"] + HOUR, "exp": claims["exp"] + HOUR}


def without_sub(claims: Json) -> Json:
    return _without(claims, "sub")


def with_wrong_at_hash(claims: Json) -> Json:
    return claims | {"at_hash": base64url(bytes(16))}


def without_id_token(answer: Json) -> Json:
    return _without(answer, "id_token")


def with_huge_member(answer: Json) -> Json:
    return answer | {"padding": "x" * HUGE_MEMBER_BYTES}


def of_another_sub(userinfo: Json) -> Json:
    return userinfo | {"sub": "100000000000000000000"}


def with_wrong_issuer_beside_code(callback: Json) -> Json:
    return callback | {"iss": WRONG_ISSUER}


def without_issuer_beside_code(callback: Json) -> Json:
    return _without(callback, "iss")


def with_wrong_state(callback: Json) -> Json:
    return callback | {"state": "the-state-of-another-sign-in"}


def of_another_issuer(discovery: Json) -> Json:
    return discovery | {"issuer": WRONG_ISSUER}


def with_garbage_key(jwks: Json) -> Json:
    garbage = {"kty": "RSA", "kid": "garbage", "use": "sig", "alg": "RS256", "n": "!", "e": 65537}
    return jwks | {"keys": [garbage, *jwks["keys"]]}


def _without(value: Json, name: str) -> Json:
    return {key: member for key, member in value.items() if key != name}
