"""Makes an AES-GCM ciphertext that decrypts under two keys, which GCM by itself allows to whoever knows both.

The tag is a polynomial in the hash key H, so with one block left free, "both tags are equal" is a linear equation.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

_REDUCTION = 0xE1 << 120  # NIST SP 800-38D section 6.3


def ciphertext_for_two_keys(first: bytes, second: bytes, nonce: bytes, aad: bytes) -> bytes:
    """Ciphertext and tag that AES-256-GCM accepts under both keys, with a nonce of 12 bytes."""
    fixed = bytes(16)
    lengths = (len(aad) * 8).to_bytes(8, "big") + (32 * 8).to_bytes(8, "big")
    around = _padded(aad) + fixed + bytes(16) + lengths
    h1, h2 = (int.from_bytes(_encrypt(key, bytes(16)), "big") for key in (first, second))
    t1, t2 = (int.from_bytes(_encrypt(key, nonce + b"\0\0\0\1"), "big") for key in (first, second))
    without = _ghash(h1, around) ^ t1 ^ _ghash(h2, around) ^ t2
    free = _multiply(without, _inverse(_multiply(h1, h1) ^ _multiply(h2, h2))).to_bytes(16, "big")
    tag = _ghash(h1, _padded(aad) + fixed + free + lengths) ^ t1
    return fixed + free + tag.to_bytes(16, "big")


def _encrypt(key: bytes, block: bytes) -> bytes:
    return Cipher(AES(key), ECB()).encryptor().update(block)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 16)


def _ghash(h: int, data: bytes) -> int:
    total = 0
    for at in range(0, len(data), 16):
        total = _multiply(total ^ int.from_bytes(data[at : at + 16], "big"), h)
    return total


def _multiply(x: int, y: int) -> int:
    product = 0
    for bit in range(127, -1, -1):
        if x >> bit & 1:
            product ^= y
        y = y >> 1 ^ (_REDUCTION if y & 1 else 0)
    return product


def _inverse(x: int) -> int:
    """x to the power of 2^128 - 2."""
    result, square = 1 << 127, x
    for _ in range(127):
        square = _multiply(square, square)
        result = _multiply(result, square)
    return result
