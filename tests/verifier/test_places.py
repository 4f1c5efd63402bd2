"""Addresses: what is spoken to, and what is the same origin."""

from __future__ import annotations

import pytest

from partner_ops_verifier.places import checked_issuer, origin_of


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://id.example", "https://id.example:443"),
        ("https://ID.Example:443/a?b", "https://id.example:443"),
        ("https://id.example:8443/", "https://id.example:8443"),
        ("http://localhost:8000/a", "http://localhost:8000"),
        ("http://127.0.0.1/", "http://127.0.0.1:80"),
        ("http://127.9.9.9/", "http://127.9.9.9:80"),
        ("http://[::1]:8000/", "http://::1:8000"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: str) -> None:
    """Whatever follows."""
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "",
        "id.example",
        "https://",
        "https:///path",
        "ftp://id.example",
        "file:///etc/passwd",
        "http://id.example",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "https://me@id.example",
        "https://me:secret@id.example",
        "https://id.example#fragment",
        "https://id.example/\r\nHost: evil",
        "https://id.example/a b",
        "https://id.example\\evil",
        "https://ïd.example",
        "https://id.example:99999",
        "https://id.example:port",
        "https://[::1",
    ],
)
def test_other_addresses_are_not_spoken_to(url: str) -> None:
    """No other scheme, no http across a network, nothing that two readers read differently."""
    with pytest.raises(ValueError, match=r".+"):
        origin_of(url)


def test_an_issuer_is_an_address_without_an_end() -> None:
    """RFC 8414 section 2."""
    assert checked_issuer("https://id.example/tenant") == "https://id.example/tenant"
    for issuer in ("https://id.example/", "https://id.example?a=b", "http://id.example"):
        with pytest.raises(ValueError, match=r"issuer|http"):
            checked_issuer(issuer)
