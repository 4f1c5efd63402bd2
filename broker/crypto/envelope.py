"""Owns envelope version 1: one sealed value, as bytes.

Refuses whatever is not exactly what was sealed for this very place. `docs/reference/envelope.md` specifies every
byte, with test vectors, so that a reader can be written without this one.
"""

from __future__ import annotations

import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from broker.crypto.masked import Masked
from broker.crypto.randomness import Random
from broker.domain.errors import SealBroken
from broker.domain.sealing import Place

FORMAT = b"\x01\x01"
"""Envelope version 1, algorithm 1: HKDF-SHA256 (RFC 5869) and AES-256-GCM (NIST SP 800-38D)."""
INFO = b"partner-ops-broker envelope v1"
SALT_BYTES = 32
COMMITMENT_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
KEY_BYTES = 32
_OVERHEAD = SALT_BYTES + COMMITMENT_BYTES + NONCE_BYTES + TAG_BYTES


def seal(data_key: bytes, dek_id: str, place: Place, plaintext: bytes, random: Random) -> bytes:
    """The envelope of `plaintext`, which opens at `place` only.

    `data_key` is 32 bytes, `dek_id` 1 to 255 bytes of UTF-8. Raises `ValueError` for what cannot be spelled.
    """
    salt, nonce = random(SALT_BYTES), random(NONCE_BYTES)
    record_key, commitment = _derive(data_key, salt)
    sealed = AESGCM(record_key).encrypt(nonce, plaintext, additional_data(place, dek_id))
    return b"".join((_opening(dek_id), salt, commitment, nonce, sealed))


def unseal(data_key: bytes, dek_id: str, place: Place, envelope: bytes) -> bytes:
    """The plaintext. Raises `SealBroken`, and nothing else, for every envelope that does not open."""
    try:
        opening, aad = _opening(dek_id), additional_data(place, dek_id)
    except ValueError:
        raise SealBroken from None
    if not envelope.startswith(opening) or len(envelope) < len(opening) + _OVERHEAD:
        raise SealBroken
    salt, rest = _split(envelope[len(opening) :], SALT_BYTES)
    commitment, rest = _split(rest, COMMITMENT_BYTES)
    nonce, sealed = _split(rest, NONCE_BYTES)
    record_key, expected = _derive(data_key, salt)
    # AES-GCM alone does not bind a ciphertext to one key ("key commitment", RFC 9771): this does.
    if not hmac.compare_digest(commitment, expected):
        raise SealBroken
    try:
        return AESGCM(record_key).decrypt(nonce, sealed, aad)
    except InvalidTag:
        raise SealBroken from None


def length_prefixed(*fields: bytes) -> bytes:
    """Each field behind its length as four bytes, big-endian, so that no two lists of fields spell the same bytes."""
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def additional_data(place: Place, dek_id: str) -> bytes:
    """What is authenticated beside the plaintext.

    Raises `ValueError` unless all text can be UTF-8 and the generation is an unsigned number of 64 bits.
    """
    if not 0 <= place.generation < 2**64:
        raise ValueError("a generation is an unsigned number of 64 bits")
    return length_prefixed(
        FORMAT,
        place.table.encode(),
        place.column.encode(),
        place.row_id.encode(),
        place.owner.encode(),
        place.registration.encode(),
        place.client_org.encode(),
        dek_id.encode(),
        place.generation.to_bytes(8, "big"),
    )


def _opening(dek_id: str) -> bytes:
    """How every envelope under this data key begins: format, length of the id, id."""
    name = dek_id.encode()
    if not 1 <= len(name) <= 255:
        raise ValueError("the id of a data key is 1 to 255 bytes long")
    return FORMAT + bytes((len(name),)) + name


def _derive(data_key: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """Record key and commitment: 64 bytes of HKDF-SHA256, halved."""
    if len(data_key) != KEY_BYTES:
        raise ValueError("a data key is 32 bytes long")
    derived = HKDF(algorithm=SHA256(), length=KEY_BYTES + COMMITMENT_BYTES, salt=salt, info=INFO).derive(data_key)
    return Masked(derived[:KEY_BYTES]), derived[KEY_BYTES:]


def _split(data: bytes, at: int) -> tuple[bytes, bytes]:
    return data[:at], data[at:]
