"""Owns a step that several flows share, no verb of its own: a JSON document with the broker's signature beside it.

Refuses to sign anything but bytes that everybody can make again from the document: sorted, without spaces, in UTF-8.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from broker.domain.archive import canonical
from broker.flows.ports import Signer


def signed(kind: str, document: Mapping[str, Any], *, issuer: str, now: int, signer: Signer) -> dict[str, Any]:
    """`{kind: document, "signature": …}`: a compact JWS, `typ` "KIND+jwt", over `iss`, `iat` and the SHA-256 in hex."""
    digest = hashlib.sha256(canonical(document)).hexdigest()
    signature = signer.sign({"iss": issuer, "iat": now, "sha256": digest}, typ=f"{kind}+jwt")
    return {kind: document, "signature": signature}


def is_signed(kind: str, whole: Mapping[str, Any], signer: Signer) -> bool:
    """Whether this is what `signed` made of it, with a key that is still published."""
    document, signature = whole.get(kind), whole.get("signature")
    if not isinstance(document, Mapping) or not isinstance(signature, str):
        return False
    claims = signer.verify(signature, typ=f"{kind}+jwt", audience=None, now=None)
    return claims is not None and claims.get("sha256") == hashlib.sha256(canonical(document)).hexdigest()
