"""Nothing that comes in over the wire does anything but pass or be refused, and nothing that was changed passes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_ops_verifier import TokenRefused
from partner_ops_verifier.errors import REFUSALS
from partner_ops_verifier.testing import SessionTokens, base64url
from tests.verifier.hands import NOW

TOKENS = SessionTokens(now=NOW)
VERIFIER = TOKENS.verifier()
GOOD = TOKENS.mint("usr_ada", {"acme": ["invoices:read"]})
CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def refused(token: Any) -> str:
    with pytest.raises(TokenRefused) as refusal:
        VERIFIER.verify(token)
    return refusal.value.code


@given(st.text() | st.text(alphabet=CHARACTERS))
def test_text_is_refused(text: str) -> None:
    """Whatever it is."""
    assert refused(text) in REFUSALS


@given(st.integers(0, len(GOOD) - 1), st.sampled_from(CHARACTERS))
def test_a_token_with_one_character_changed_is_refused(place: int, character: str) -> None:
    """Every character counts, also the last of each segment. A good token was remembered before."""
    assert VERIFIER.verify(GOOD).user == "usr_ada"
    changed = GOOD[:place] + character + GOOD[place + 1 :]

    assert changed == GOOD or refused(changed) in REFUSALS


@given(st.integers(0, len(GOOD)), st.integers(0, len(GOOD)), st.text(alphabet=CHARACTERS, max_size=8))
def test_a_token_that_was_spliced_is_refused(start: int, end: int, between: str) -> None:
    """Cut, lengthened, repeated."""
    changed = GOOD[:start] + between + GOOD[end:]

    assert changed == GOOD or refused(changed) in REFUSALS


@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "jwk", "x"]), JSON))
def test_any_header_is_refused_or_right(header: dict[str, Any]) -> None:
    """It has to name algorithm, key and type."""
    text = f"{base64url(json.dumps(header).encode())}.{GOOD.split('.')[1]}"

    assert refused(f"{text}.{base64url(TOKENS.key.signature(text.encode()))}") in REFUSALS


@given(st.sampled_from(sorted(TOKENS.claims())), JSON)
def test_any_claim_passes_or_is_refused(name: str, value: Any) -> None:
    """A Session's members have the types that they say, whatever was signed."""
    try:
        session = VERIFIER.verify(TOKENS.key.sign(TOKENS.claims() | {name: value}))
    except TokenRefused:
        return
    assert all(type(text) is str and text for text in (session.user, session.application_id, session.token_id))
    assert all(type(number) is int for number in (session.issued_at, session.expires_at, session.not_before))
    assert all(isinstance(right, str) for org in session.client_orgs for right in session.rights(org))


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.lists(st.text(min_size=1, max_size=20)), max_size=20))
def test_rights_come_out_as_they_went_in(rights: dict[str, list[str]]) -> None:
    """Each Client's own, inside the token or fetched."""
    inside = VERIFIER.verify(TOKENS.mint("usr_ada", rights)) if len(json.dumps(rights)) < 4000 else None
    fetched = VERIFIER.verify(TOKENS.mint_by_reference("usr_ada", rights))

    for session in (inside, fetched):
        if session is not None:
            assert {org: session.rights(org) for org in session.client_orgs} == {
                org: frozenset(given) for org, given in rights.items()
            }
