"""G16-05, G16-06: no salt and no nonce comes twice: among a million, in processes that were forked from one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from broker.crypto.randomness import FreshRandom
from tests.crypto.preforked import beginnings, distinct, repeating

WORKERS, SEALED, DRAWN = 4, 10_000, 240_000


def test_a_million_salts_and_nonces_of_forked_workers_are_all_different() -> None:
    """Though all of them inherited one vault, one source, and what it remembers."""
    command = [sys.executable, "-m", "tests.crypto.preforked", *map(str, (WORKERS, SEALED, DRAWN))]
    run = subprocess.run(command, capture_output=True, text=True, check=True)

    assert run.stdout.split() == ["1000000"] * 2


@pytest.mark.parametrize("every", [2, 3, 1000])
def test_a_source_that_begins_again_is_found(every: int) -> None:
    """By this count, where the product's own guard, which compares neighbours, cannot see it."""
    many = 2 * every  # two draws an envelope
    assert distinct(beginnings(many, FreshRandom(repeating(many)))) == (every, every)
    assert distinct(beginnings(many, FreshRandom())) == (many, many)
