"""The broker's own origin and a Provider's issuer: one spelling, https, and nothing that could be read in two ways."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.web_url import LOOPBACK_HOSTS, MAX_ORIGIN, MAX_URL, issuer_problem, origin_problem

LONGEST = f"https://{'a' * (MAX_ORIGIN - len('https://.example'))}.example"

ORIGINS = [
    *("https://id.example.com", "https://id.example.com:8443", "https://localhost", "https://192.0.2.7", LONGEST),
    *("https://[2001:db8::1]", "https://[2001:db8::1]:8443", "https://xn--bcher-kva.example", "https://id"),
    *("http://localhost", "http://localhost:8000", "http://127.0.0.1:8000", "http://[::1]:8000"),
]
NO_URL = {
    "visible ASCII": [
        *("", " ", "https://id.example.com ", " https://id.example.com", "https://id.example.com\n"),
        *("https://id.exa\tmple.com", "https://bücher.example", "https://id.example.com\\@evil.example"),
    ],
    "wildcard": ["https://*.example.com", "https://*"],
    "fragment": ["https://id.example.com#", "https://id.example.com#x"],
    "percent-encoded": ['https://id.example.com"', "https://{id}.example.com", "https://id.example.com/%"],
    "must be an https URL": [
        *(
            "id.example.com",
            "//id.example.com",
            "ftp://id.example.com",
            "javascript:alert(1)",
            "HTTPS://id.example.com",
        ),
        *("https:id.example.com", "https:/id.example.com", "com.example.app:/cb"),
    ],
    "must be https, as": [
        *("http://id.example.com", "http://192.0.2.7", "http://127.0.0.2", "http://localhost.example.com"),
        "http://[::ffff:127.0.0.1]",
    ],
    "user name": ["https://ada@id.example.com", "https://ada:pw@id.example.com", "http://localhost@evil.example"],
    "has no host": [
        *("https://", "https://:443", "https://id.example.com:", "https://id.example.com:0"),
        *("https://id.example.com:65536", "https://127.1", "https://0x7f.1", "https://[::1", "https://id..example.com"),
        *("https://id.example.com.", "https://192.0.2.256", "https://?x", "https:///x"),
    ],
}
NO_ORIGIN = {
    "visible ASCII": [LONGEST.replace("a", "aa", 1)],
    "without a path": [
        *("https://id.example.com/", "https://id.example.com/broker", "https://id.example.com?x=1"),
        *("https://id.example.com?", "https://id.example.com//", "https://id.example.com/.."),
    ],
    "must be written as browsers do: https://id.example.com": [
        *(
            "https://ID.example.com",
            "https://id.example.COM",
            "https://id.example.com:443",
            "https://id.example.com:0443",
        ),
    ],
    "must be written as browsers do: http://localhost": ["http://localhost:80", "http://LOCALHOST"],
    "must be written as browsers do: http://localhost:8000": ["http://localhost:08000"],
    "must be written as browsers do: https://[2001:db8::1]": ["https://[2001:DB8::1]", "https://[2001:db8:0:0::1]"],
}
NO_ISSUER = {
    "visible ASCII": [f"https://id.example.com/{'a' * MAX_URL}"],
    "part of its path": [
        "https://id.example.com/..",
        "https://id.example.com/./realm",
        "https://id.example.com/%2e%2e",
    ],
    "must not have a query": [
        "https://id.example.com/realm?x=1",
        "https://id.example.com?",
        "https://id.example.com/?",
    ],
}


def said(groups: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(url, why) for why, urls in groups.items() for url in urls]


@pytest.mark.parametrize("url", ORIGINS)
def test_an_origin_is_accepted(url: str) -> None:
    """As browsers write it; https, or http to a loopback host; a Provider's issuer may be one."""
    assert origin_problem(url) is None
    assert issuer_problem(url) is None


@pytest.mark.parametrize(("url", "why"), said(NO_URL), ids=ascii)
def test_what_is_no_url_of_the_web_is_neither(url: str, why: str) -> None:
    """Each with its reason."""
    assert why in (origin_problem(url) or "accepted")
    assert why in (issuer_problem(url) or "accepted")


@pytest.mark.parametrize(("url", "why"), said(NO_ORIGIN), ids=lambda text: ascii(text)[:60])
def test_what_browsers_would_not_send_is_no_origin_of_ours(url: str, why: str) -> None:
    """The check of where a post came from compares to the byte; the bound is what tokens leave for it."""
    problem = origin_problem(url) or "accepted"

    assert problem.endswith(why) if why.startswith("must be written") else why in problem


@pytest.mark.parametrize("path", ["/", "/realms/corp", "/v2.0", "/a/b..c/", "/a%20b", "/;x=1"])
def test_a_providers_issuer_may_have_a_path(path: str) -> None:
    """Tenants and realms have one (OpenID Connect Discovery 1.0 section 3)."""
    assert issuer_problem(f"https://id.example.com{path}") is None
    assert issuer_problem(f"http://127.0.0.1:8001{path}") is None


@pytest.mark.parametrize(("url", "why"), said(NO_ISSUER), ids=lambda text: ascii(text)[:60])
def test_what_could_be_read_in_two_ways_is_no_providers_issuer(url: str, why: str) -> None:
    """Nor what has more than a path."""
    assert why in (issuer_problem(url) or "accepted")


pieces = st.sampled_from(
    [
        *(
            "http",
            "https",
            "://",
            ":",
            "/",
            "@",
            "#",
            "?",
            ".",
            "[",
            "]",
            "::1",
            "localhost",
            "127.0.0.1",
            "id.example",
        ),
        *("443", "80", "8000", "0", "ID", "%41", "\\", "\t", ".."),
    ]
)


@given(st.lists(pieces, max_size=8).map("".join) | st.builds("https://{}".format, st.text(max_size=20)))
def test_whatever_is_accepted_means_the_same_to_another_parser(url: str) -> None:
    """No user, no query, no fragment; an origin is nothing but scheme, host and port."""
    if issuer_problem(url) is None:
        parts = urlsplit(url)
        assert parts.scheme == "https" or parts.hostname in LOOPBACK_HOSTS
        assert (parts.username, parts.query, parts.fragment) == (None, "", "")
    if origin_problem(url) is None:
        parts = urlsplit(url)
        assert issuer_problem(url) is None
        assert len(url) <= MAX_ORIGIN
        assert (f"{parts.scheme}://{parts.netloc}", parts.path, parts.netloc.lower()) == (url, "", parts.netloc)
