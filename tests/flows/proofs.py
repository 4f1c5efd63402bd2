"""An Application that holds a key: the proofs which it signs, good and bent (RFC 9449)."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import OKPAlgorithm

from broker.crypto.jwk import PublicKey, public_members, thumbprint
from broker.crypto.signing_keys import PrivateKey
from broker.domain.dpop import hash_of
from broker.domain.ids import KeyThumbprint
from broker.flows.possession import SentProof, ShownToken
from tests.flows.setting import ISSUER, NOW

TOKEN_URL = f"{ISSUER}/oauth/token"
USERINFO_URL = f"{ISSUER}/oauth/userinfo"
_numbers = itertools.count()
_JWS = jwt.PyJWS()
_JWS.register_algorithm("Ed25519", OKPAlgorithm())  # which PyJWT knows as EdDSA alone


class Holder:
    """Has a key of its own."""

    def __init__(self, private: PrivateKey | None = None, alg: str = "ES256") -> None:
        self.private: PrivateKey = private or ec.generate_private_key(ec.SECP256R1())
        self.alg = alg
        public: PublicKey = self.private.public_key()
        self.jwk = public_members(public)
        self.thumbprint = KeyThumbprint(thumbprint(self.jwk))

    def proof(
        self,
        method: str = "POST",
        url: str = TOKEN_URL,
        *,
        now: int = NOW,
        token: str | None = None,
        header: Mapping[str, Any] = {},
        **changes: Any,
    ) -> str:
        """One that holds, with these changes of claims and header; ... leaves one out. Each has a name of its own."""
        claims = {"jti": f"proof-{next(_numbers)}", "htm": method, "htu": url, "iat": now}
        claims |= {} if token is None else {"ath": hash_of(token)}
        told = {name: value for name, value in (claims | changes).items() if value is not ...}
        members = {"typ": "dpop+jwt", "jwk": self.jwk} | dict(header)
        left_out = {name: None for name, value in members.items() if value is ...}
        return _JWS.encode(json.dumps(told).encode(), self.private, algorithm=self.alg, headers=members | left_out)

    def sent(self, *, at: str = TOKEN_URL, **changes: Any) -> SentProof:
        """As it arrives with a form, at the token endpoint or elsewhere."""
        return SentProof(text=self.proof(**changes), method="POST", url=at)

    def shown(self, token: str, **changes: Any) -> ShownToken:
        """A token as it arrives at userinfo, with its proof."""
        text = self.proof(**{"method": "GET", "url": USERINFO_URL, "token": token} | changes)
        return ShownToken(text=token, proof=SentProof(text=text, method="GET", url=USERINFO_URL))
