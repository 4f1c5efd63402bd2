"""Scopes: the supported ones, and the attributes that each asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.policy import RESERVED_CLAIMS
from broker.domain.scope import ATTRIBUTE_SCOPES, SUPPORTED, covers, parse


@pytest.mark.parametrize(
    ("text", "scopes"),
    [
        ("", ()),
        (" ", ()),
        ("openid", ("openid",)),
        ("profile email openid", ("openid", "email", "profile")),
        ("phone openid", ("openid", "phone")),
        ("openid openid  email", ("openid", "email")),
        ("openid admin *", ("openid",)),
        ("OpenID openid\temail", ()),
        ("openid,email", ()),
    ],
)
def test_the_supported_scopes_are_taken_each_once(text: str, scopes: tuple[str, ...]) -> None:
    """The rest is dropped, as RFC 6749 section 3.3 allows."""
    assert parse(text) == scopes


@given(st.text(" openidmalprfgw*\t", max_size=60))
def test_nothing_but_supported_scopes_comes_out(text: str) -> None:
    """And what came out is read the same again."""
    scopes = parse(text)

    assert set(scopes) <= set(SUPPORTED)
    assert parse(" ".join(scopes)) == scopes


@pytest.mark.parametrize("attribute", ATTRIBUTE_SCOPES)
def test_an_attribute_is_covered_by_its_own_scope_alone(attribute: str) -> None:
    """OpenID Connect Core section 5.4."""
    own = ATTRIBUTE_SCOPES[attribute]
    others = [scope for scope in SUPPORTED if scope != own]

    assert covers((own,), attribute)
    assert not covers(others, attribute)
    assert not covers((), attribute)


@pytest.mark.parametrize(
    "attribute",
    ["", "phone_number_verified", "hd", "company", "Email", "email ", "openid", "profile", *sorted(RESERVED_CLAIMS)],
)
def test_an_attribute_that_no_scope_names_is_never_covered(attribute: str) -> None:
    """Not even by all scopes together."""
    assert not covers(SUPPORTED, attribute)
