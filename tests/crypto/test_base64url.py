"""base64url has one spelling for each value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.crypto import base64url


@given(st.binary(max_size=70))
def test_what_was_encoded_is_decoded(data: bytes) -> None:
    """There and back again."""
    assert base64url.decode(base64url.encode(data)) == data


def test_the_alphabet_is_the_one_for_urls() -> None:
    """RFC 4648 section 5: minus and underscore, no padding."""
    assert base64url.encode(b"\xfb\xff\xfe\x01") == "-__-AQ"


@pytest.mark.parametrize("text", ["AQ==", "AQ=", "AQ\n", " AQ", "A+", "A/", "A", "AAAAA", "AR", "ÀQ", "A.Q", "\ud800A"])
def test_a_second_spelling_is_refused(text: str) -> None:
    """Padding, white space, the other alphabet, an impossible length, stray last bits, other characters."""
    assert base64url.decode(text) is None


@given(st.text())
def test_any_text_is_decoded_or_refused(text: str) -> None:
    """Never an exception; what is decoded has this one spelling."""
    data = base64url.decode(text)

    assert data is None or base64url.encode(data) == text
