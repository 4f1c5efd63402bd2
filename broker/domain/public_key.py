"""Owns the public keys of Applications and their tokens (RFC 7517, RFC 7518 section 6, RFC 8037 section 2).

Refuses private keys, symmetric ones, and keys too weak or of a kind that no accepted algorithm is for.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

ALGORITHMS: Mapping[tuple[str, str | None], tuple[str, ...]] = {
    ("EC", "P-256"): ("ES256",),
    ("OKP", "Ed25519"): ("EdDSA", "Ed25519"),  # the same by its name of RFC 9864, which libraries take now
    ("RSA", None): ("PS256", "RS256"),
}
"""By `kty` and `crv`. A key is good for these alone, whatever a token's header says (RFC 8725 section 3.1)."""
MAX_KEYS = 2
"""The old one and the new one, during a change."""
_MEMBERS = {"EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "RSA": ("n", "e")}
_BESIDE = frozenset({"kty", "kid", "alg", "use", "key_ops", "ext"})
"""`ext` is what browsers add (Web Cryptography API section 26)."""
_RSA_BITS = range(2048, 4097)
"""RFC 7518 section 3.3; a larger one costs whoever verifies more than it gives."""
_BASE64URL = re.compile("[A-Za-z0-9_-]+")


def keys_of(document: object) -> tuple[str, ...] | str:
    """The keys of a JWK Set (a table, or its JSON as text), each as JSON with sorted members; or what is wrong."""
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except (ValueError, RecursionError):
            return "is not JSON"
    keys = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(keys, list) or not 1 <= len(keys) <= MAX_KEYS:
        return f"must be a JWK Set of at most {MAX_KEYS} keys"
    for number, key in enumerate(keys, start=1):
        if (problem := _problem(key)) is not None:
            return f"key {number} {problem}"
    written = tuple(json.dumps(_kept(key), sort_keys=True) for key in keys)
    return "holds a key twice" if len(set(written)) < len(written) else written


def members_of(jwk: Any) -> dict[str, str] | None:
    """The required members of a public key (RFC 7638 section 3.2, RFC 8037 section 2); None of what is not one."""
    if _problem(jwk) is not None:
        return None
    return {"kty": jwk["kty"]} | {name: jwk[name] for name in _MEMBERS[jwk["kty"]]}


def algorithms_of(jwk: Mapping[str, Any]) -> tuple[str, ...]:
    """What signatures by this key may say that they are; fewer if the key itself names one."""
    possible = next((algs for kind, algs in ALGORITHMS.items() if kind == (jwk.get("kty"), jwk.get("crv"))), ())
    return tuple(alg for alg in possible if jwk.get("alg", alg) == alg)


def _kept(key: Mapping[str, Any]) -> dict[str, Any]:
    return {name: key[name] for name in ("kty", "kid", "alg", *_MEMBERS[key["kty"]]) if name in key}


def _problem(key: object) -> str | None:
    if not isinstance(key, Mapping) or not isinstance(key.get("kty"), str):
        return "has no kty"
    members = _MEMBERS.get(key["kty"])
    if members is None or not algorithms_of(key):
        return "must be EC P-256 (ES256), OKP Ed25519 (EdDSA, Ed25519) or RSA (PS256, RS256)"
    if not key.keys() <= _BESIDE | {*members}:
        return "must have no members but those of a public key: never publish or hand on the private ones"
    if key.get("use", "sig") != "sig" or not isinstance(key.get("kid", ""), str):
        return "must be for signatures (use), with a text as kid"
    values = {name: _bytes(key.get(name)) for name in members if name != "crv"}
    if key["kty"] == "RSA":
        good = int.from_bytes(values["n"]).bit_length() in _RSA_BITS and key.get("e") == "AQAB"
    else:
        good = all(len(value) == 32 for value in values.values())
    return None if good else "has the wrong size (RSA: 2048 to 4096 bits, e = AQAB), or is not base64url"


def _bytes(text: object) -> bytes:
    """Of base64url without padding; none for anything else."""
    if not isinstance(text, str) or _BASE64URL.fullmatch(text) is None or len(text) % 4 == 1:
        return b""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
