"""Preforked workers that seal with what they inherited: `python -m tests.crypto.preforked WORKERS SEALED DRAWN`.

Each makes so many envelopes, and draws so many salts and nonces as for an envelope (test_envelope.py shows that these
are what it holds). Prints how many salts, and how many nonces, are different among all of them.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator

from broker.crypto.envelope import NONCE_BYTES, SALT_BYTES, seal
from broker.crypto.randomness import FreshRandom, Random
from broker.crypto.vault import LocalVault
from tests.crypto.examples import KEYRING, PLACE

_BEFORE_SALT = len(b"\x01\x01\x05dek_1")
_BEFORE_NONCE = _BEFORE_SALT + 2 * SALT_BYTES
_COMPARED = 8
"""Bytes. Of a million random ones two are alike with a chance of 3 in 10^8."""


def beginnings(number: int, random: Random) -> Iterator[tuple[bytes, bytes]]:
    """Of so many envelopes' salts and nonces."""
    for _ in range(number):
        envelope = seal(bytes(32), "dek_1", PLACE, b"", random)
        yield envelope[_BEFORE_SALT:][:_COMPARED], envelope[_BEFORE_NONCE:][:_COMPARED]


def distinct(pairs: Iterable[tuple[bytes, bytes]]) -> tuple[int, int]:
    """How many salts and how many nonces there are."""
    salts, nonces = zip(*pairs, strict=True)
    return len(set(salts)), len(set(nonces))


def repeating(every: int) -> Random:
    """A source that begins again after so many draws; no two in a row are alike."""
    numbers = itertools.cycle(range(every))
    return lambda size: next(numbers).to_bytes(8, "big") + bytes(size - 8)


def in_workers(workers: int, work: Callable[[], bytes]) -> bytes:
    """What so many forked processes answer, one behind the other."""
    pipes = []
    for _ in range(workers):
        reading, writing = os.pipe()
        if os.fork() == 0:
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(work())
            os._exit(0)
        os.close(writing)
        pipes.append(reading)
    answers = []
    for reading in pipes:
        with os.fdopen(reading, "rb") as pipe:
            answers.append(pipe.read())
        os.wait()
    return b"".join(answers)


def main(workers: int, sealed: int, drawn: int) -> None:
    """What one process drew before the fork is inherited by all: a vault that has sealed, and its source."""
    random, vault = FreshRandom(), LocalVault(KEYRING)
    next(beginnings(1, random))
    key = asyncio.run(vault.new_key(PLACE.owner, 0))

    def work() -> bytes:
        of_vault = asyncio.run(vault.seal(key, PLACE, b""))[3 + len(key.id) :]
        mine = (of_vault[:_COMPARED], of_vault[2 * SALT_BYTES :][:_COMPARED])
        more = (random(SALT_BYTES)[:_COMPARED] + random(NONCE_BYTES)[:_COMPARED] for _ in range(drawn))
        return b"".join(itertools.chain(mine, *beginnings(sealed - 1, random), more))

    found = array("Q", in_workers(workers, work))
    print(len(set(found[::2])), len(set(found[1::2])))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
