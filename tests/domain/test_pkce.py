"""Proof Key for Code Exchange: only S256, only well-formed, only the right verifier."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.pkce import challenge_of, is_challenge, proves
from tests.domain.world import CHALLENGE, VERIFIER

UNRESERVED = string.ascii_letters + string.digits + "-._~"
verifiers = st.text(UNRESERVED, min_size=43, max_size=128)


def test_the_vector_of_the_rfc_holds() -> None:
    """RFC 7636 appendix B."""
    assert challenge_of(VERIFIER) == CHALLENGE
    assert proves(VERIFIER, CHALLENGE)


@given(verifiers)
def test_a_verifier_proves_its_own_challenge(verifier: str) -> None:
    """Whatever its length between 43 and 128."""
    assert is_challenge(challenge_of(verifier))
    assert proves(verifier, challenge_of(verifier))


@given(verifiers, verifiers)
def test_no_other_verifier_proves_it(verifier: str, other: str) -> None:
    """Two different ones never have one challenge."""
    assert proves(other, challenge_of(verifier)) == (other == verifier)


@pytest.mark.parametrize(
    "verifier",
    ["", VERIFIER[:-1], "a" * 129, VERIFIER + "=", VERIFIER[:-1] + "+", VERIFIER + "\n", VERIFIER[:-1] + "é", "é" * 43],
    ids=["empty", "short", "long", "padding", "plus", "newline", "one accent", "accents"],
)
def test_a_malformed_verifier_proves_nothing(verifier: str) -> None:
    """RFC 7636 section 4.1: 43 to 128 unreserved characters."""
    challenge = challenge_of(verifier) if verifier.isascii() else CHALLENGE

    assert not proves(verifier, challenge)


def test_a_verifier_is_not_its_own_challenge() -> None:
    """That would be the method `plain`."""
    assert not proves(VERIFIER, VERIFIER)


def test_nothing_proves_an_empty_challenge() -> None:
    """A challenge that is not there is not met."""
    assert not proves(VERIFIER, "")


@pytest.mark.parametrize(
    "value",
    ["", CHALLENGE[:-1], CHALLENGE + "A", CHALLENGE[:-1] + "=", CHALLENGE[:-1] + "+", CHALLENGE + "\n", "é" * 43],
    ids=["empty", "short", "long", "padding", "plus", "newline", "accents"],
)
def test_only_43_characters_of_base64url_are_a_challenge(value: str) -> None:
    """RFC 7636 section 4.2."""
    assert not is_challenge(value)
