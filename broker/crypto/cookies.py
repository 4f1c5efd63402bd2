"""Owns what a browser carries sealed, as a cookie or in a URL.

Refuses whatever was not sealed by one of our keys for the same purpose.

value = key id "." base64url(salt | nonce | ciphertext | tag)
"""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from broker.crypto import base64url
from broker.crypto.keyring import NamedKey
from broker.crypto.randomness import Random

MAX_VALUE = 3800
"""Characters. Browsers keep 4096 bytes of name, value and attributes (RFC 6265 section 6.1) and drop what is longer."""
_INFO = b"partner-ops-broker cookie v1 "
_SALT_BYTES = 16
_NONCE_BYTES = 12
_TAG_BYTES = 16


def seal_cookie(key: NamedKey, purpose: str, plaintext: bytes, random: Random) -> str:
    """The cookie value, however long. The caller compares with `MAX_VALUE`."""
    salt, nonce = random(_SALT_BYTES), random(_NONCE_BYTES)
    sealed = AESGCM(_derive(key, purpose, salt)).encrypt(nonce, plaintext, key.id.encode())
    return f"{key.id}.{base64url.encode(salt + nonce + sealed)}"


def open_cookie(keys: Mapping[str, NamedKey], purpose: str, value: str, *, longest: int = MAX_VALUE) -> bytes | None:
    """The plaintext, or None."""
    if len(value) > longest:
        return None
    key_id, _, encoded = value.partition(".")
    key, data = keys.get(key_id), base64url.decode(encoded)
    if key is None or data is None or len(data) < _SALT_BYTES + _NONCE_BYTES + _TAG_BYTES:
        return None
    salt, nonce, sealed = data[:_SALT_BYTES], data[_SALT_BYTES:][:_NONCE_BYTES], data[_SALT_BYTES + _NONCE_BYTES :]
    try:
        return AESGCM(_derive(key, purpose, salt)).decrypt(nonce, sealed, key.id.encode())
    except InvalidTag:
        return None


def _derive(key: NamedKey, purpose: str, salt: bytes) -> bytes:
    # A key for each value: one key with random nonces is worn out after 2^32 of them (NIST SP 800-38D section 8.3).
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=_INFO + purpose.encode()).derive(key.key)
