"""Paths into claims, and the defaults of a page of facts."""

from __future__ import annotations

import pytest

from providers.spec import Attribute, Where, exactly_issued, exactly_published, no_endpoints, no_page, oauth_error

NESTED = Attribute(path=("data", "name"), scope=None, where=Where.DOCUMENT)


def test_an_attribute_is_found_at_its_path() -> None:
    """Step by step."""
    assert NESTED.find({"data": {"name": "Ada"}}) == "Ada"


@pytest.mark.parametrize("claims", [{}, {"data": None}, {"data": {}}, {"data": "name"}, {"data": ["name"]}], ids=repr)
def test_an_attribute_that_is_not_told_is_none(claims: dict[str, object]) -> None:
    """Also where the way to it ends early."""
    assert NESTED.find(claims) is None


@pytest.mark.parametrize("error", [None, "", 1, ["invalid_grant"], {"code": 1}, False], ids=repr)
def test_an_error_is_a_word(error: object) -> None:
    """What is no word is no error code."""
    assert oauth_error({"error": error}) is None
    assert oauth_error({}) is None
    assert oauth_error({"error": "invalid_grant"}) == "invalid_grant"


def test_by_default_an_issuer_is_one_string() -> None:
    """In the metadata and in the ID token."""
    assert exactly_published("https://id.example", "https://id.example")
    assert not exactly_published("https://id.example", "https://id.example/")
    assert exactly_issued("", "https://id.example", {"iss": "https://id.example"}) == "https://id.example"
    assert exactly_issued("", "https://id.example", {"iss": ["https://id.example"]}) is None
    assert exactly_issued("", "https://id.example", {}) is None


def test_by_default_nothing_is_known_by_heart() -> None:
    """Neither endpoints nor a page of permissions."""
    assert no_endpoints("https://id.example") is None
    assert no_page("https://id.example", "us") is None
