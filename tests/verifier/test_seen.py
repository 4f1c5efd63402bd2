"""What was good before is remembered, and asked again whether it still is."""

from __future__ import annotations

import pytest

from partner_ops_verifier import TokenRefused
from partner_ops_verifier.jwk import key_set
from partner_ops_verifier.seen import Seen, SeenTokens
from partner_ops_verifier.testing import SessionTokens
from tests.verifier.hands import NOW, Hands


def test_a_token_that_was_seen_is_not_looked_at_again() -> None:
    """The very same Session comes out."""
    tokens = SessionTokens(now=NOW)
    verifier, token = tokens.verifier(), tokens.mint("usr_ada")

    assert verifier.verify(token) is verifier.verify(token)
    assert verifier.verify(token) is not verifier.verify(tokens.mint("usr_ada"))


def test_remembering_can_be_switched_off() -> None:
    """Then every token is looked at closely."""
    tokens = SessionTokens(now=NOW)
    verifier, token = tokens.verifier(remembered=0), tokens.mint("usr_ada")

    assert verifier.verify(token) is not verifier.verify(token)


def test_memory_is_bounded_and_forgets_the_oldest() -> None:
    """However many tokens there are; what is asked for meanwhile is kept."""
    tokens = SessionTokens(now=NOW)
    key = key_set({"keys": [tokens.key.jwk]}, {})[tokens.key.kid]
    seen, one = SeenTokens(4), Seen(tokens.verifier().verify(tokens.mint()), key, (), NOW, NOW + 300)
    for number in range(50):
        seen.put(bytes([number]), one)
        assert seen.get(b"\0") is one
        assert len(seen) <= 4

    assert seen.get(bytes([49])) is one
    assert seen.get(bytes([45])) is None
    seen.forget(b"\0")
    seen.forget(b"\0")
    assert seen.get(b"\0") is None


def test_a_token_that_was_seen_expires_all_the_same() -> None:
    """And is not remembered any more."""
    tokens, hands = SessionTokens(now=NOW), Hands()
    verifier, token = tokens.verifier(clocks=hands.clocks), tokens.mint()
    verifier.verify(token)
    hands.advance(310)

    with pytest.raises(TokenRefused) as refused:
        verifier.verify(token)
    assert refused.value.code == "expired"
    hands.now = NOW
    assert verifier.verify(token).user == "usr_test"


def test_a_token_that_was_seen_falls_with_its_key() -> None:
    """A key that is withdrawn, or is another one now, takes along what it signed."""
    for left in ([], ["other"]):
        tokens, hands = SessionTokens(now=NOW), Hands()
        verifier, token = tokens.verifier(clocks=hands.clocks), tokens.mint(exp=NOW + 10_000)
        verifier.verify(token)
        kid = tokens.key.kid
        tokens.rotate()
        if left:
            tokens.key.kid = kid
        del tokens.http.keys[0]
        hands.advance(301)

        with pytest.raises(TokenRefused) as refused:
            verifier.verify(token)
        assert refused.value.code == ("bad_signature" if left else "unknown_key")
