"""A sealed cookie value opens under our keys, for its purpose, as it was sealed."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.crypto import base64url
from broker.crypto.cookies import MAX_VALUE, open_cookie, seal_cookie
from broker.crypto.keyring import NamedKey
from tests.crypto import independent_reader
from tests.crypto.examples import COOKIE_KEY, NEW_COOKIE_KEY, drawn

KEYS = {COOKIE_KEY.id: COOKIE_KEY, NEW_COOKIE_KEY.id: NEW_COOKIE_KEY}
COOKIE = seal_cookie(COOKIE_KEY, "attempt", b"plaintext", drawn(b"s" * 16, b"n" * 12))


@given(st.binary(max_size=500), st.sampled_from(sorted(KEYS)))
def test_what_was_sealed_is_opened(plaintext: bytes, key_id: str) -> None:
    """Under each of our keys, so that the first can be changed while cookies are out."""
    cookie = seal_cookie(KEYS[key_id], "attempt", plaintext, os.urandom)

    assert open_cookie(KEYS, "attempt", cookie) == plaintext


@given(st.binary(max_size=500), st.sampled_from(["attempt", "pushed request", ""]))
def test_whoever_reads_the_specification_opens_it(plaintext: bytes, purpose: str) -> None:
    """With code that was written from the page alone; and for another purpose it does not open there either."""
    cookie = seal_cookie(COOKIE_KEY, purpose, plaintext, os.urandom)

    assert independent_reader.open_cookie(COOKIE_KEY.key, COOKIE_KEY.id, purpose, cookie) == plaintext
    with pytest.raises(independent_reader.Refused):
        independent_reader.open_cookie(COOKIE_KEY.key, COOKIE_KEY.id, purpose + "x", cookie)


def test_a_cookie_says_which_key_it_needs() -> None:
    """Then a point and base64url: only characters that a cookie may have (RFC 6265 section 4.1.1)."""
    assert COOKIE.startswith("c1.")
    assert base64url.decode(COOKIE.removeprefix("c1.")) is not None


def test_a_cookie_is_hardly_longer_than_it_must_be() -> None:
    """44 bytes more than the plaintext, in base64url."""
    assert len(COOKIE) == len("c1.") + -(-(len(b"plaintext") + 44) * 4 // 3)


def test_a_cookie_opens_for_no_other_purpose() -> None:
    """Each purpose has keys of its own."""
    for purpose in ("session", "Attempt", "attempt ", "attemp", ""):
        assert open_cookie(KEYS, purpose, COOKIE) is None


def test_a_cookie_opens_under_no_other_key() -> None:
    """Neither under a key of another id, nor under another key of its id."""
    assert open_cookie({NEW_COOKIE_KEY.id: NEW_COOKIE_KEY}, "attempt", COOKIE) is None
    assert open_cookie({"c1": NamedKey(id="c1", key=NEW_COOKIE_KEY.key)}, "attempt", COOKIE) is None
    assert open_cookie({}, "attempt", COOKIE) is None


def test_a_cookie_is_bound_to_the_id_of_its_key() -> None:
    """The same key under another name does not open it."""
    renamed = NamedKey(id="c9", key=COOKIE_KEY.key)

    assert open_cookie({"c9": renamed}, "attempt", "c9" + COOKIE.removeprefix("c1")) is None


@pytest.mark.parametrize("bit", range(7))
def test_no_bit_of_a_cookie_can_be_flipped(bit: int) -> None:
    """In no character."""
    spoiled = [COOKIE[:at] + chr(ord(COOKIE[at]) ^ 1 << bit) + COOKIE[at + 1 :] for at in range(len(COOKIE))]

    assert [cookie for cookie in spoiled if open_cookie(KEYS, "attempt", cookie) is not None] == []


def test_no_end_can_be_cut_off() -> None:
    """At no length."""
    assert [size for size in range(len(COOKIE)) if open_cookie(KEYS, "attempt", COOKIE[:size]) is not None] == []


@pytest.mark.parametrize(
    "spoiled",
    ["", ".", "c1", "c1.", ".c1", "c1.AAAA", "c9" + COOKIE[2:], COOKIE + "=", COOKIE + "A", COOKIE + ".", " " + COOKIE,
     COOKIE + "\n", COOKIE.replace(".", ".."), COOKIE.upper(), '"' + COOKIE + '"', "\ud800." + COOKIE, "c1.\ud800"],
)  # fmt: skip
def test_a_misspelt_cookie_is_refused(spoiled: str) -> None:
    """Decoding is strict: one spelling for each value."""
    assert open_cookie(KEYS, "attempt", spoiled) is None


@given(st.text() | st.text().map("c1.".__add__))
def test_any_text_is_refused(text: str) -> None:
    """Never with an exception."""
    assert open_cookie(KEYS, "attempt", text) is None


def test_an_oversized_cookie_is_refused_unread() -> None:
    """Even one that we sealed."""
    fits = seal_cookie(COOKIE_KEY, "attempt", bytes(2803), os.urandom)
    oversized = seal_cookie(COOKIE_KEY, "attempt", bytes(2804), os.urandom)

    assert len(fits) <= MAX_VALUE < len(oversized)
    assert open_cookie(KEYS, "attempt", fits) == bytes(2803)
    assert open_cookie(KEYS, "attempt", oversized) is None


def test_each_cookie_has_a_key_of_its_own() -> None:
    """Two salts, one nonce: nothing in common, not even for the same plaintext."""
    one, other = (seal_cookie(COOKIE_KEY, "attempt", bytes(16), drawn(s * 16, b"n" * 12)) for s in (b"1", b"2"))
    first, second = base64url.decode(one[3:]), base64url.decode(other[3:])

    assert first is not None
    assert second is not None
    assert first[28:44] != second[28:44]
