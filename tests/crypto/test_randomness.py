"""Randomness that repeats itself is noticed before it does harm."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.crypto.randomness import FreshRandom, new_id
from broker.domain.errors import Fault
from tests.crypto.examples import drawn


def test_a_stuck_source_is_a_fault() -> None:
    """The same 16 bytes twice in a row are not random."""
    random = FreshRandom(lambda size: b"\x07" * size)
    random(16)

    with pytest.raises(Fault, match="random_source"):
        random(16)


def test_a_stuck_source_is_noticed_between_draws_of_other_sizes() -> None:
    """Salt and nonce are drawn in turn."""
    random = FreshRandom(bytes)
    random(32)
    random(12)

    with pytest.raises(Fault, match="random_source"):
        random(32)


def test_a_short_draw_is_a_fault() -> None:
    """A source that has less to give than was asked for gives nothing."""
    random = FreshRandom(lambda size: b"\x07" * (size - 1))

    with pytest.raises(Fault, match="random_source"):
        random(16)


def test_what_was_drawn_is_not_kept() -> None:
    """It may have become a key."""
    secret = bytes(range(32))
    random = FreshRandom(drawn(secret))

    assert random(32) == secret
    assert repr(secret) not in repr(vars(random))


def test_an_id_is_a_prefix_and_128_bits() -> None:
    """26 characters of base32 in lower case."""
    assert new_id("usr", drawn(bytes(16))) == "usr_" + "a" * 26
    assert re.fullmatch("usr_[a-z2-7]{26}", new_id("usr", os.urandom))


def test_forked_processes_draw_different_bytes() -> None:
    """No state is inherited that two processes could continue alike."""
    program = """
        import os
        from broker.crypto.randomness import FreshRandom

        random = FreshRandom()
        random(32)
        children = []
        for _ in range(2):
            reading, writing = os.pipe()
            if os.fork() == 0:
                os.write(writing, random(32))
                os._exit(0)
            os.wait()
            children.append(os.read(reading, 32))
        print(len({random(32), *children}))
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)

    assert run.stdout == "3\n"


@given(st.binary(min_size=16, max_size=16))
def test_an_id_is_base32_as_the_standard_library_spells_it(bits: bytes) -> None:
    """In lower case, without padding."""
    assert new_id("usr", drawn(bits)) == "usr_" + base64.b32encode(bits).decode().rstrip("=").lower()
