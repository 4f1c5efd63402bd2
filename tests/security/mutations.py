"""A good session JWT of each algorithm, and what an attacker, or a bug of ours, would make of it: each by a name.

The keys are in one set, as the broker publishes them. What says "by us" is signed by a key of the set, rightly.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

from broker.crypto.signing import JwtSigner
from broker.crypto.signing_keys import ALGORITHMS, GeneratedKey, generate
from broker.domain.session_token import session_claims
from tests.crypto.examples import loaded
from tests.crypto.test_signing_forgeries import GENERATED, b64, es256, hs256
from tests.domain.world import ACME, GRANT

ISSUER, AUDIENCE = "https://id.partner-ops.example", "https://api.partner-ops.example"
NOW = int(time.time())
"""Libraries look at a clock of their own."""
SIGNER = JwtSigner(ISSUER, [loaded(key) for key in GENERATED.values()])
JWKS: dict[str, list[dict[str, str]]] = json.loads(SIGNER.jwks())
CLAIMS = session_claims(
    grant=replace(GRANT, auth_time=NOW),
    issuer=ISSUER,
    audience=AUDIENCE,
    jti="gnt_1.tok_1",
    authorizations={ACME: ("reports:read",)},
    attributes={},
    epoch=1,
    now=NOW,
) | {"exp": NOW + 3600}
"""Good by every clock, however long ago this module was loaded."""
Sign = Callable[[bytes], bytes]


@cache
def attackers(alg: str) -> GeneratedKey:
    """A key of the same kind that nobody publishes."""
    return generate(alg)


def good(alg: str) -> str:
    """As the broker signs it."""
    return SIGNER.sign(CLAIMS, typ="at+jwt", alg=alg)


def signs(key: GeneratedKey) -> Sign:
    """By its private half, as RFC 7518 and RFC 8037 say; independent of the code under test."""
    private = load_der_private_key(key.private_der, password=None)
    if isinstance(private, Ed25519PrivateKey):
        return private.sign
    if isinstance(private, RSAPrivateKey):
        return lambda data: private.sign(data, PKCS1v15(), SHA256())
    return es256(private)


def compact(header: object, payload: bytes, sign: Sign) -> str:
    """A JWS of these parts."""
    signed = f"{b64(json.dumps(header).encode())}.{b64(payload)}"
    return f"{signed}.{b64(sign(signed.encode()))}"


def mutations(alg: str) -> dict[str, str]:
    """Name -> token; none of them is good."""
    return _bent(alg) | _of_other_algorithms(alg) | _of_other_keys(alg) | _said_by_us(alg)


def _flipped(part: str, at: int) -> str:
    raw = bytearray(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    raw[at] ^= 1
    return b64(bytes(raw))


def _bent(alg: str) -> dict[str, str]:
    """Under the signature of another token, or a part of it."""
    token = good(alg)
    header, payload, signature = token.split(".")
    more = CLAIMS | {"authorizations": {"acme": ["reports:read", "invoices:write"]}}
    other = SIGNER.sign(CLAIMS | {"sub": "usr_eve"}, typ="at+jwt", alg=alg).split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    return {
        "a bit of the header": f"{_flipped(header, 8)}.{payload}.{signature}",
        "a bit of the payload": f"{header}.{_flipped(payload, 60)}.{signature}",
        "the first bit of the signature": f"{header}.{payload}.{_flipped(signature, 0)}",
        "the last byte of the signature": f"{header}.{payload}.{_flipped(signature, -1)}",
        "the payload of another token": f"{header}.{other[1]}.{signature}",
        "the signature of another token": f"{header}.{payload}.{other[2]}",
        "another User": f"{header}.{b64(json.dumps(CLAIMS | {'sub': 'usr_eve'}).encode())}.{signature}",
        "a right more": f"{header}.{b64(json.dumps(more).encode())}.{signature}",
        "an hour more": f"{header}.{b64(json.dumps(CLAIMS | {'exp': NOW + 3600}).encode())}.{signature}",
        "no signature": f"{header}.{payload}.",
        "two parts": f"{header}.{payload}",
        "one part": header,
        "nothing": "",
        "four parts": f"{token}.{signature}",
        "no payload": f"{header}..{signature}",
        "a signature cut short": f"{header}.{payload}.{b64(raw[:-1])}",
        "a signature of one byte more": f"{header}.{payload}.{b64(raw + b'0')}",
        "a signature of zeroes": f"{header}.{payload}.{b64(bytes(len(raw)))}",
        "parts in another order": f"{payload}.{header}.{signature}",
        "the JSON serialization": json.dumps({"protected": header, "payload": payload, "signature": signature}),
    }


def _of_other_algorithms(alg: str) -> dict[str, str]:
    """What the header says is not what the key is for (RFC 8725 sections 2.1 and 3.1)."""
    key = GENERATED[alg]
    header, payload, own = {"alg": alg, "kid": key.kid, "typ": "at+jwt"}, json.dumps(CLAIMS).encode(), signs(key)
    public = loaded(key).public
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    (other,) = [name for name in ALGORITHMS if name != alg][:1]
    found = {
        f"the algorithm {name!r}": compact(header | {"alg": name}, payload, own)
        for name in ("ES384", "PS256", "RS512", "Ed25519x", other, "", "A128KW")
    }
    found |= {
        f"none, written {name}": compact(header | {"alg": name}, payload, lambda _: b"")
        for name in ("none", "None", "nOnE")
    }
    found |= {
        f"HMAC with the public key as {what}": compact(header | {"alg": "HS256"}, payload, hs256(secret))
        for what, secret in (("PEM", pem), ("DER", der), ("JWK", key.public_jwk.encode()), ("nothing", b""))
    }
    return found | {
        "none under a good signature": compact(header | {"alg": "none"}, payload, own),
        "HS512 with the public key": compact(header | {"alg": "HS512"}, payload, hs256(pem, "sha512")),
        "HMAC under our algorithm": compact(header, payload, hs256(pem)),
        "no algorithm": compact({"kid": key.kid, "typ": "at+jwt"}, payload, own),
        "another key of ours": compact(header | {"kid": GENERATED[other].kid}, payload, own),
    }


def _of_other_keys(alg: str) -> dict[str, str]:
    """Signed by somebody who has no key of ours."""
    key, theirs = GENERATED[alg], attackers(alg)
    header, payload, sign = {"alg": alg, "kid": key.kid, "typ": "at+jwt"}, json.dumps(CLAIMS).encode(), signs(theirs)
    jwk = json.loads(theirs.public_jwk)
    return {
        "their key under our name": compact(header, payload, sign),
        "their key under its own": compact(header | {"kid": theirs.kid}, payload, sign),
        "their key without a name": compact({"alg": alg, "typ": "at+jwt"}, payload, sign),
        "their key in the header": compact(header | {"jwk": jwk}, payload, sign),
        "their key at an address": compact(header | {"jku": "https://attacker.example/jwks.json"}, payload, sign),
        "their certificate": compact(header | {"x5u": "https://attacker.example/x"}, payload, sign),
        "their key, their name, in the header": compact(header | {"jwk": jwk, "kid": theirs.kid}, payload, sign),
    }


def _said_by_us(alg: str) -> dict[str, str]:
    """Well signed, and not for this service at this moment; or not what it is taken for."""
    key = GENERATED[alg]
    header, sign = {"alg": alg, "kid": key.kid, "typ": "at+jwt"}, signs(key)

    def say(payload: object, **more: Any) -> str:
        return compact({**header, **more}, json.dumps(payload).encode(), sign)

    without = {name: {k: v for k, v in CLAIMS.items() if k != name} for name in ("iss", "aud", "exp")}
    return {
        "by us: another issuer": say(CLAIMS | {"iss": "https://other.example"}),
        "by us: the issuer with a slash": say(CLAIMS | {"iss": f"{ISSUER}/"}),
        "by us: no issuer": say(without["iss"]),
        "by us: another audience": say(CLAIMS | {"aud": "https://billing.partner-ops.example"}),
        "by us: the audience's beginning": say(CLAIMS | {"aud": AUDIENCE[:-1]}),
        "by us: no audience": say(without["aud"]),
        "by us: expired": say(CLAIMS | {"exp": NOW - 3600}),
        "by us: never expires": say(without["exp"]),
        "by us: expires some day": say(CLAIMS | {"exp": "some day"}),
        "by us: not yet": say(CLAIMS | {"nbf": NOW + 3600}),
        "by us: an ID token": say(CLAIMS, typ="JWT"),
        "by us: no type": compact({"alg": alg, "kid": key.kid}, json.dumps(CLAIMS).encode(), sign),
        "by us: an extension nobody knows": say(CLAIMS, crit=["https://id.example/x"], **{"https://id.example/x": 1}),
        "by us: a list": say([CLAIMS]),
        "by us: no JSON": compact(header, b"claims", sign),
    }
