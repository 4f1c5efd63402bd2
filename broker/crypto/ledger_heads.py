"""Owns reading what was signed about the ledger's end. Refuses any other token, and a signature that does not hold."""

from __future__ import annotations

import json
from collections.abc import Mapping

from broker.crypto import base64url
from broker.crypto.foreign_jws import claims_of, header_of
from broker.domain.ledger_chain import HEAD_TYPE, SignedHead, head_of
from broker.domain.public_key import algorithms_of


def read_head(signed: str, keys: Mapping[str, str]) -> SignedHead | None:
    """What the head says, by the public keys (JWK, JSON) under their names.

    One whose key is not among them is told as it is, unproven; one that its key has not signed is None.
    """
    header = header_of(signed)
    kid = None if header is None else header.get("kid")
    if header is None or header.get("typ") != HEAD_TYPE or not isinstance(kid, str):
        return None
    key = keys.get(kid)
    if key is None:
        claims = _unproven(signed)
    elif header.get("alg") in algorithms_of(json.loads(key)):
        claims = claims_of(signed, key, header["alg"])
    else:
        return None
    head = None if claims is None else head_of(claims)
    return None if head is None else SignedHead(head=head, kid=kid, known=key is not None)


def _unproven(signed: str) -> Mapping[str, object] | None:
    try:
        claims = json.loads(base64url.decode(signed.split(".")[1]) or b"")
    except (ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None
