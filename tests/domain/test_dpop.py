"""What a proof of possession has to say, and how addresses are compared."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.dpop import (
    AHEAD,
    BEHIND,
    KEPT_LONGER,
    Proven,
    accept,
    bound_to,
    confirmation,
    hash_of,
    is_thumbprint,
)
from broker.domain.ids import KeyThumbprint
from tests.domain.world import ISSUER, NOW

KEY = KeyThumbprint("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I")
TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
ATH = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
URL = f"{ISSUER}/oauth/token"
GOOD: dict[str, Any] = {"jti": "one", "htm": "POST", "htu": URL, "iat": NOW}


def said(url: str = URL, token: str | None = None, **changes: Any) -> Proven | str:
    """What comes of the good one with these changes; ... leaves one out."""
    claims = {name: value for name, value in (GOOD | changes).items() if value is not ...}
    return accept(claims, thumbprint=KEY, method="POST", url=url, access_token=token, now=NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"iat": NOW - BEHIND},
        {"iat": NOW + AHEAD},
        {"jti": "x" * 255},
        {"nonce": "whatever", "other": [1]},
        {"ath": "of no token that came along"},
    ],
)
def test_a_good_one_is_taken(changes: dict[str, Any]) -> None:
    """It is remembered until no process would take it. A `nonce` is ignored: we never gave one (section 4.3)."""
    expected = GOOD | changes
    forget_at = expected["iat"] + BEHIND + KEPT_LONGER

    assert said(**changes) == Proven(thumbprint=KEY, name=expected["jti"], forget_at=forget_at)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("jti", [..., "", None, 7, "x" * 256, ["one"]]),
        ("htm", [..., "", None, "post", "GET", "POST ", ["POST"]]),
        ("htu", [..., "", None, 7, "/oauth/token", [URL], f"{ISSUER}/oauth/userinfo", f"{ISSUER}/oauth", ISSUER]),
        ("htu", [f"{URL}/", f"{ISSUER}/OAuth/token", "https://evil.example/oauth/token", URL.replace("https", "ftp")]),
        ("htu", [f"{ISSUER}:8443/oauth/token", f"{ISSUER}@evil.example/oauth/token", f"{ISSUER}/x/../oauth/token"]),
        ("htu", [f" {URL}", f"{URL}\n", f"{ISSUER}//oauth/token", f"{ISSUER}/oauth%2ftoken", f"{ISSUER}\\oauth/token"]),
        ("iat", [..., None, "", NOW - BEHIND - 1, NOW + AHEAD + 1, float(NOW), str(NOW), True, 0, -NOW]),
    ],
)
def test_any_other_is_refused(name: str, values: list[Any]) -> None:
    """Absent, empty, wrong; and it is said which claim it was."""
    for value in values:
        problem = said(**{name: value})
        assert isinstance(problem, str) and problem.startswith(name), value


@pytest.mark.parametrize(
    ("said_as", "is_at"),
    [
        ("HTTPS://ID.Partner-Ops.example/oauth/token", "https://id.partner-ops.example/oauth/token"),
        ("https://id.partner-ops.example:443/oauth/token", "https://id.partner-ops.example/oauth/token"),
        ("http://localhost:80/oauth/token", "http://localhost/oauth/token"),
        ("https://a.example/oauth/token?x=1&y#z", "https://a.example/oauth/token"),
        ("https://a.example/oauth/token#?", "https://a.example/oauth/token"),
        ("https://a.example", "https://a.example/"),
        ("https://a.example?x", "https://a.example/"),
        ("https://a.example/%7Eada/%e4%2f", "https://a.example/~ada/%E4%2F"),
    ],
)
def test_an_address_may_be_spelt_in_several_ways(said_as: str, is_at: str) -> None:
    """RFC 9449 section 4.3: syntax and scheme are normalised, query and fragment ignored; on either side."""
    assert isinstance(said(is_at, htu=said_as), Proven)
    assert isinstance(said(said_as, htu=is_at), Proven)


@given(st.text(max_size=60) | st.from_regex(r"https?://[a-z.:@]{1,9}/[a-z%/?#.]{0,9}", fullmatch=True))
def test_no_other_text_is_this_address(text: str) -> None:
    """Whatever is written there."""
    assert isinstance(said(htu=text), str)


def test_the_hash_is_the_one_of_the_rfc() -> None:
    """RFC 9449 section 7.1: its token and its `ath`."""
    assert hash_of(TOKEN) == ATH
    assert isinstance(said(token=TOKEN, ath=ATH), Proven)
    for other in (..., "", None, 7, ATH[:-1], ATH + "=", hash_of(TOKEN + "x"), TOKEN):
        assert said(token=TOKEN, ath=other) == "ath is not the hash of the access token"


def test_a_token_says_which_key_it_is_bound_to() -> None:
    """RFC 9449 section 6.1; without the claim it is a bearer token."""
    assert confirmation(KEY) == {"cnf": {"jkt": KEY}}
    assert bound_to(confirmation(KEY)) == KEY
    assert confirmation(None) == {}
    assert bound_to({}) is None


def test_a_thumbprint_has_one_form() -> None:
    """43 characters of base64url."""
    assert is_thumbprint(KEY)
    for other in ("", KEY[:-1], KEY + "A", KEY[:-1] + "=", KEY[:-1] + "+", f" {KEY}", f"{KEY}\n"):
        assert not is_thumbprint(other)
