"""Owns proofs of possession (RFC 9449): which key one proves, that it is of this request, and that it comes once.

Refuses, before any signature is looked at, whatever is not a proof in form.
"""

from __future__ import annotations

import re
import threading
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple

from partner_ops_verifier.errors import TokenRefused
from partner_ops_verifier.jwk import proving_key
from partner_ops_verifier.spelling import decode, json_object, standard

TYPE: Final = "dpop+jwt"
LONGEST_PROOF: Final = 4096
"""Characters."""
LONGEST_NAME: Final = 255
BEHIND_SECONDS: Final = 60
"""How old a proof may be."""
AHEAD_SECONDS: Final = 10
"""How far the clock of who made it may be ahead."""
MOST_PROOFS: Final = 100_000
_ANOTHER_WAY: Final = frozenset({"crit", "b64", "zip", "enc", "jku", "x5u", "x5c"})
"""Members by which a proof would be read in another way, or by another key. Others are ignored (RFC 7515 section 4)."""
_URL: Final = re.compile(r"(https?)://([^/?#]+)([^?#]*)(?:[?#].*)?", re.IGNORECASE | re.DOTALL)
_DEFAULT_PORTS: Final = {"https": ":443", "http": ":80"}
_ESCAPED: Final = re.compile("%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]")


class Proven(NamedTuple):
    """The thumbprint of a key that whoever asks holds (RFC 7638), and the proof's own name (`jti`)."""

    thumbprint: str
    name: str


def proven(proof: object, token: str, method: str, url: str, now: int) -> Proven:
    """What a proof shows that came with `token` and this request (section 4.3). Raises `TokenRefused`."""
    if not isinstance(proof, str) or len(proof) > LONGEST_PROOF or not proof.isascii():
        raise _refused("no text, or too long")
    text = proof.encode()
    try:
        first, second, third = standard(text).split(b".")
        header, claims, signature = json_object(decode(first)), json_object(decode(second)), decode(third)
        if header.get("typ") != TYPE or header.keys() & _ANOTHER_WAY:
            raise _refused("its header is not that of a proof")
        thumbprint, verify = proving_key(header.get("jwk"), header.get("alg"))
    except ValueError as problem:
        raise _refused(str(problem)) from None
    message = text[: text.rfind(b".")]
    if not verify(signature, message, sha256(message).digest()):
        raise _refused("not signed by the key in it")
    return Proven(thumbprint, _name_of(claims, token, method, url, now))


def _name_of(claims: Mapping[str, Any], token: str, method: str, url: str, now: int) -> str:
    name, made = claims.get("jti"), claims.get("iat")
    if type(name) is not str or not 0 < len(name) <= LONGEST_NAME:
        raise _refused("jti")
    if claims.get("htm") != method:
        raise _refused("htm")
    if (said := _normal(claims.get("htu"))) is None or said != _normal(url):
        raise _refused("htu")
    if type(made) is not int or not now - BEHIND_SECONDS <= made <= now + AHEAD_SECONDS:
        raise _refused("iat")
    if claims.get("ath") != urlsafe_b64encode(sha256(token.encode()).digest()).rstrip(b"=").decode():
        raise _refused("ath")
    return name


class SeenProofs:
    """Which proofs came before: for as long as each is good, `most` of them; beyond that the oldest are forgotten.

    Two halves: when the young one is full, or as old as a proof can become, it becomes the old one.
    """

    def __init__(self, most: int) -> None:
        self._half = max(1, most // 2)
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()
        self._began = 0.0
        self._taking = threading.Lock()

    def take(self, proof: Proven, steady: float) -> None:
        """Remember it. Raises `TokenRefused` when it came before."""
        name = sha256(f"{proof.thumbprint} {proof.name}".encode("utf-8", "surrogatepass")).digest()
        with self._taking:
            age = steady - self._began
            if age >= BEHIND_SECONDS + AHEAD_SECONDS + 1 or len(self._young) >= self._half:
                self._old = self._young if age < 2 * (BEHIND_SECONDS + AHEAD_SECONDS + 1) else set()
                self._young, self._began = set(), steady
            if name in self._young or name in self._old:
                raise _refused("used before")
            self._young.add(name)


def _normal(url: object) -> str | None:
    """Without query and fragment, and spelt in one way (section 4.3, RFC 3986 sections 6.2.2 and 6.2.3)."""
    match = _URL.fullmatch(url) if isinstance(url, str) else None
    if match is None:
        return None
    scheme, authority, path = match[1].lower(), match[2].lower(), match[3]
    return f"{scheme}://{authority.removesuffix(_DEFAULT_PORTS[scheme])}{_ESCAPED.sub(_unescaped, path) or '/'}"


def _unescaped(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if _UNRESERVED.fullmatch(character) else match[0].upper()


def _refused(detail: str) -> TokenRefused:
    return TokenRefused("proof_refused", detail)
