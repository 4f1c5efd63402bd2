"""Owns random bytes, and ids made of them. Refuses a source that is stuck."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable

from broker.domain.errors import Fault

Random = Callable[[int], bytes]
"""So many unpredictable bytes. `os.urandom` asks the kernel each time: forked processes share no state."""

_ID_BYTES = 16
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = tuple(first + second for first in _BASE32 for second in _BASE32)
"""Two characters for ten bits: the standard library's base32 takes three times as long, several times in a sign-in."""


class FreshRandom:
    """A `Random` that raises `Fault` when its source says the same twice in a row for one size.

    The repetition count test of NIST SP 800-90B section 4.4.1 with a cutoff of two. No draw here is shorter than
    12 bytes: a false alarm has a chance of 2^-96. A repeat unseen could mean one nonce for two plaintexts.
    """

    def __init__(self, source: Random = os.urandom) -> None:
        self._source = source
        self._last: dict[int, bytes] = {}

    def __call__(self, size: int) -> bytes:
        drawn = self._source(size)
        # The digest, since what was drawn may be a key.
        digest = hashlib.sha256(drawn).digest()
        if len(drawn) != size or digest == self._last.get(size):
            raise Fault("random_source", "The system's source of randomness is broken.", detail="it repeats itself")
        self._last[size] = digest
        return drawn


def new_id(prefix: str, random: Random) -> str:
    """`prefix`, "_", and 128 random bits as 26 characters of lower-case base32 (RFC 4648 section 6)."""
    bits = int.from_bytes(random(_ID_BYTES), "big") << 2  # up to a whole number of characters
    return f"{prefix}_{''.join([_PAIRS[bits >> right & 1023] for right in range(120, -1, -10)])}"
