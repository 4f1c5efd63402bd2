"""A second reader of sealed values, written from docs/reference/envelope.md alone. Imports nothing of the broker."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV


class Refused(Exception):
    """It does not open."""


def additional_data(place: Mapping[str, str | int], dek_id: str) -> bytes:
    """What an envelope is bound to."""
    names = ("table", "column", "row_id", "owner", "registration", "client_org")
    texts = [str(place[name]).encode() for name in names]
    return _lp(b"\x01\x01", *texts, dek_id.encode(), int(place["generation"]).to_bytes(8, "big"))


def derive(data_key: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """Record key and commitment."""
    derived = _hkdf(data_key, salt, b"partner-ops-broker envelope v1", 64)
    return derived[:32], derived[32:]


def read(data_key: bytes, dek_id: str, place: Mapping[str, str | int], envelope: bytes) -> bytes:
    """The plaintext."""
    name = dek_id.encode()
    start = b"\x01\x01" + bytes([len(name)]) + name
    body = envelope[len(start) :]
    if envelope[: len(start)] != start or len(body) < 92:
        raise Refused
    salt, commitment, nonce, sealed = body[:32], body[32:64], body[64:76], body[76:]
    record_key, expected = derive(data_key, salt)
    if not hmac.compare_digest(commitment, expected):
        raise Refused
    try:
        return AESGCM(record_key).decrypt(nonce, sealed, additional_data(place, dek_id))
    except InvalidTag:
        raise Refused from None


def unwrap(kek: bytes, kek_id: str, dek_id: str, owner: str, wrapped: bytes) -> bytes:
    """The data key."""
    if len(wrapped) != 61 or wrapped[0] != 1:
        raise Refused
    aad = _lp(b"partner-ops-broker data key v1", kek_id.encode(), dek_id.encode(), owner.encode())
    try:
        return AESGCMSIV(kek).decrypt(wrapped[1:13], wrapped[13:], aad)
    except InvalidTag:
        raise Refused from None


def check(data_key: bytes, wrapped: bytes) -> bytes:
    """What a KMS answered when it wrapped this data key."""
    if len(data_key) != 32 or len(wrapped) < 34 or wrapped[0] != 2:
        raise Refused
    if not hmac.compare_digest(wrapped[1:33], _hkdf(data_key, bytes(32), b"partner-ops-broker data key check v1", 32)):
        raise Refused
    return wrapped[33:]


def open_cookie(cookie_key: bytes, key_id: str, purpose: str, value: str) -> bytes:
    """What travels sealed, opened."""
    named, _, text = value.partition(".")
    body = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if named != key_id or len(body) < 44:
        raise Refused
    key = _hkdf(cookie_key, body[:16], b"partner-ops-broker cookie v1 " + purpose.encode(), 32)
    try:
        return AESGCM(key).decrypt(body[16:28], body[28:], key_id.encode())
    except InvalidTag:
        raise Refused from None


def keyed_hash(lookup_key: bytes, kind: str, value: str) -> str:
    """What a value is looked up by."""
    key = _hkdf(lookup_key, bytes(32), b"partner-ops-broker lookup v1 " + kind.encode(), 32)
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()


def _lp(*fields: bytes) -> bytes:
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def _hkdf(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 sections 2.2 and 2.3."""
    pseudorandom = hmac.new(salt, key, hashlib.sha256).digest()
    block, output = b"", b""
    for counter in range(1, length // 32 + 1):
        block = hmac.new(pseudorandom, block + info + bytes([counter]), hashlib.sha256).digest()
        output += block
    return output
