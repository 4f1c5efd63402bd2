"""How an answer gets back: by the URL that carries it, or by a form."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.redirect import ANSWERS, Onward, ResponseMode, answer_to, with_state
from tests.domain.world import ISSUER, REDIRECT_URI, REQUEST

BASES = [
    REDIRECT_URI,
    f"{REDIRECT_URI}?tenant=7",
    "http://127.0.0.1:4711/cb",
    "https://app.partner-ops.example",
    "com.example.app:/callback",
]
printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=200)
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)


def answer_url(redirect_uri: str, state: str | None, **answer: str) -> str:
    onward = answer_to(replace(REQUEST, redirect_uri=redirect_uri, state=state), ISSUER, **answer)
    assert onward.fields is None
    return onward.url


def pairs_of(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)


def test_a_code_comes_with_state_and_issuer() -> None:
    """RFC 6749 section 4.1.2, RFC 9207 section 2."""
    url = answer_url(REDIRECT_URI, "xyz", code="abc")

    assert url == f"{REDIRECT_URI}?code=abc&state=xyz&iss=https%3A%2F%2Fid.partner-ops.example"


def test_a_query_of_its_own_is_kept() -> None:
    """RFC 6749 section 3.1.2."""
    assert pairs_of(answer_url(f"{REDIRECT_URI}?tenant=7", None, error="access_denied")) == [
        ("tenant", "7"),
        ("error", "access_denied"),
        ("iss", ISSUER),
    ]


@pytest.mark.parametrize("base", BASES)
@given(state=st.none() | printable, description=anything)
def test_an_answer_says_exactly_what_was_said(base: str, state: str | None, description: str) -> None:
    """No value can end its parameter, begin another, or reach the host, the path or a fragment."""
    url = answer_url(base, state, error="access_denied", error_description=description)

    before, after = urlsplit(base), urlsplit(url)
    added = [("error", "access_denied"), ("error_description", description)]
    added += [] if state is None else [("state", state)]
    assert url.startswith(base)
    assert (after.scheme, after.netloc, after.path, after.fragment) == (before.scheme, before.netloc, before.path, "")
    assert pairs_of(url) == [*parse_qsl(before.query), *added, ("iss", ISSUER)]
    assert url.isascii()


@pytest.mark.parametrize("state", ["xyz", None])
def test_an_answer_that_is_posted_leaves_the_address_as_it_is(state: str | None) -> None:
    """The same parameters, in the form alone (OAuth 2.0 Form Post Response Mode 1.0 section 2)."""
    asking = replace(REQUEST, response_mode=ResponseMode.FORM_POST, state=state)
    onward = answer_to(asking, ISSUER, code="code-canary")

    told = [("code", "code-canary"), *([] if state is None else [("state", state)]), ("iss", ISSUER)]
    assert onward == Onward(url=REDIRECT_URI, fields=tuple(told))
    assert "canary" not in repr(onward)


def test_nobody_else_can_say_who_answers() -> None:
    """An `iss` among the answer's own parameters is overruled."""
    assert pairs_of(answer_url(REDIRECT_URI, None, iss="https://evil.example")) == [("iss", ISSUER)]


def test_the_names_of_an_answer_are_known() -> None:
    """No registered target may hold one of them."""
    url = answer_url(REDIRECT_URI, "s", code="c", error="e", error_description="d")

    assert {name for name, _ in pairs_of(url)} <= ANSWERS


@pytest.mark.parametrize("base", BASES)
@given(state=printable)
def test_signing_out_gives_the_state_back(base: str, state: str) -> None:
    """RP-Initiated Logout 1.0 section 3."""
    assert pairs_of(with_state(base, state)) == [*parse_qsl(urlsplit(base).query), ("state", state)]


@pytest.mark.parametrize("base", BASES)
def test_without_a_state_nothing_is_added(base: str) -> None:
    """The registered address, to the byte."""
    assert with_state(base, None) == base
