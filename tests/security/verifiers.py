"""Five libraries that know nothing of each other, each used as its own documentation says, with all that it can pin.

What a library leaves to who uses it is done here: to look at `typ` (RFC 9068 section 4), to choose a key by `kid`.
"""

from __future__ import annotations

import base64
import json
import subprocess
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import joserfc.jwt
import jwt
from jose import jwt as python_jose
from jose.exceptions import JOSEError
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tests.security.mutations import AUDIENCE, ISSUER, JWKS
from tests.servers.node import PEERS, run_node

Verdicts = list[bool]
Verify = Callable[[str, Sequence[str]], Verdicts]
"""(algorithm, tokens) -> which of them are good."""


def _header(token: str) -> Mapping[str, Any]:
    """What the token says of itself. Raises `ValueError`."""
    part = token.partition(".")[0]
    header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    if not isinstance(header, dict) or header.get("typ") != "at+jwt":
        raise ValueError("another kind of token")
    return header


def _key(token: str) -> dict[str, str]:
    """The one that its header names. Raises `ValueError`."""
    kid = _header(token).get("kid")
    for key in JWKS["keys"]:
        if key["kid"] == kid:
            return key
    raise ValueError("no such key")


def _each(good: Callable[[str, str], object], *errors: type[Exception]) -> Verify:
    """A library that says no by one of these errors. Any other one fails the test."""

    refusals: tuple[type[Exception], ...] = (*errors, ValueError)

    def verify(alg: str, tokens: Sequence[str]) -> Verdicts:
        verdicts = []
        for token in tokens:
            try:
                good(alg, token)
            except refusals:
                verdicts.append(False)
            else:
                verdicts.append(True)
        return verdicts

    return verify


def _pyjwt(alg: str, token: str) -> None:
    """https://pyjwt.readthedocs.io/en/stable/usage.html"""
    jwt.decode(
        token,
        jwt.PyJWK(_key(token)),
        algorithms=[alg],
        issuer=ISSUER,
        audience=AUDIENCE,
        options={"require": ["exp", "iss", "aud"], "strict_aud": True},
    )


def _joserfc(alg: str, token: str) -> None:
    """https://jose.authlib.org/en/guide/jwt/"""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of "EdDSA", which RFC 9864 would have called Ed25519
        _header(token)
        decoded = joserfc.jwt.decode(token, KeySet.import_key_set(JWKS), algorithms=[alg])  # type: ignore[arg-type]
    joserfc.jwt.JWTClaimsRegistry(
        now=int(time.time()),
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": AUDIENCE},
        exp={"essential": True},
    ).validate(decoded.claims)


def _python_jose(alg: str, token: str) -> None:
    """https://python-jose.readthedocs.io/en/latest/jwt/. It does not look at `crit` (RFC 7515 section 4.1.11)."""
    if "crit" in _header(token):
        raise ValueError("an extension")
    required = {f"require_{name}": True for name in ("exp", "iss", "aud")}
    python_jose.decode(token, _key(token), algorithms=[alg], issuer=ISSUER, audience=AUDIENCE, options=required)


def _debians_jose(alg: str, token: str) -> None:
    """jose-jws-ver(1). It knows signatures alone; what RFC 7519 section 4.1 asks of claims is done here.

    It takes the key's `alg` where the header has none, leaves `crit` aside, and whatever stands behind a third dot.
    """
    key, header = _key(token), _header(token)
    if (header.get("alg"), key["alg"]) != (alg, alg) or "crit" in header or token.count(".") != 2:
        raise ValueError("another algorithm, an extension, or not compact")
    with NamedTemporaryFile("w", suffix=".jwk") as file:
        json.dump(key, file)
        file.flush()
        command = ["jose", "jws", "ver", "-i-", "-k", file.name, "-O-"]
        done = subprocess.run(command, input=token.encode(), capture_output=True, check=False)
    if done.returncode != 0:
        raise ValueError("not verified")
    claims, now = json.loads(done.stdout), time.time()
    if not isinstance(claims, dict) or (claims.get("iss"), claims.get("aud")) != (ISSUER, AUDIENCE):
        raise ValueError("another issuer or audience")
    if not isinstance(claims.get("exp"), int) or not claims.get("nbf", 0) <= now < claims["exp"]:
        raise ValueError("at another time")


def _node(alg: str, tokens: Sequence[str]) -> Verdicts:
    """https://github.com/panva/jose: one process for all of them."""
    given = {"jwks": JWKS, "issuer": ISSUER, "audience": AUDIENCE, "algorithm": alg, "tokens": list(tokens)}
    verdicts: Verdicts = json.loads(run_node(Path(PEERS, "verify.mjs"), given=json.dumps(given)))
    return verdicts


VERIFIERS: dict[str, tuple[Verify, tuple[str, ...]]] = {
    "PyJWT": (_each(_pyjwt, jwt.PyJWTError), ("ES256", "EdDSA", "RS256")),
    "joserfc": (_each(_joserfc, JoseError), ("ES256", "EdDSA", "RS256")),
    "python-jose": (_each(_python_jose, JOSEError), ("ES256", "RS256")),
    "jose of Debian": (_each(_debians_jose), ("ES256", "RS256")),
    "jose of npm": (_node, ("ES256", "EdDSA", "RS256")),
}
"""Each with the algorithms that it knows: python-jose has no EdDSA, and jose has it from version 14 on."""
