"""A service behind a gateway: where a browser may go on to, which answer is its own, what stands in a header."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.errors import Refusal
from broker.domain.gateway import GatewayTrip, check_return, header_safe_email, return_path
from broker.domain.ids import ApplicationId

DESK, ISSUER, NOW = ApplicationId("desk"), "https://id.example", 1_900_000_000
TRIP = GatewayTrip(application_id=DESK, state="s", code_verifier="v", return_to="/", started_at=NOW)


@pytest.mark.parametrize(
    "path",
    ["/", "/reports", "/reports/?q=a%20b&c=/d//e", "/users/@ada", "/%C3%BC", "/a;b=c", "/?next=https://x.example/"],
)
def test_a_path_is_gone_on_to(path: str) -> None:
    """With its query, to the byte."""
    assert return_path(path) == path


@pytest.mark.parametrize(
    "asked",
    [
        *("", "reports", "//evil", "///evil", "/\\evil", "\\\\evil", "/\t/evil", "/%09/evil", "/%2f/evil", "/%5Cevil"),
        *("https:evil", "https://evil", "HTTPS://evil", "javascript:alert(1)", "/ok#@evil", "@evil", ".evil", ":80/x"),
        *(
            "/..//evil",
            "/a/%2e%2e/b",
            "/..;/x",
            "/a b",
            "/\u00fc",
            "/%",
            "/%zz",
            "/\r\nSet-Cookie: x=y",
            "/%0d%0a",
            " /x",
        ),
        *("/" + "a" * 512, "/\x00", "/%00", "/*", "/<script>", '/"', "/\uff0f\uff0fevil"),
    ],
)
def test_whatever_is_no_plain_path_leads_to_the_root(asked: str) -> None:
    """G05-08: what two parsers could read in two ways is none."""
    assert return_path(asked) == "/"


@given(st.text(max_size=40) | st.text(alphabet="/\\.:;@%0259fFcC#?ab \t", max_size=20))
def test_whatever_is_asked_stays_on_the_host(asked: str) -> None:
    """And what is let through once is let through again."""
    path = return_path(asked)

    assert path.startswith("/")
    assert path[1:2] not in ("/", "\\")
    assert path.isascii()
    assert path.isprintable()
    assert return_path(path) == path


def test_the_answer_to_this_trip_is_taken() -> None:
    """By its state, from our issuer, in time."""
    taken = check_return(TRIP, application_id=DESK, state="s", iss=ISSUER, issuer=ISSUER, now=NOW + 599)

    assert taken == TRIP


@pytest.mark.parametrize(
    ("trip", "state", "iss", "now", "code"),
    [
        (None, "s", ISSUER, NOW, "invalid_state"),
        (replace(TRIP, application_id=ApplicationId("other")), "s", ISSUER, NOW, "invalid_state"),
        (TRIP, "", ISSUER, NOW, "invalid_state"),
        (TRIP, "\ud800", ISSUER, NOW, "invalid_state"),
        (TRIP, "t", ISSUER, NOW, "invalid_state"),
        (TRIP, "s", None, NOW, "issuer_mismatch"),
        (TRIP, "s", "", NOW, "issuer_mismatch"),
        (TRIP, "s", "https://evil.example", NOW, "issuer_mismatch"),
        (TRIP, "s", ISSUER, NOW + 600, "expired_state"),
    ],
)
def test_every_other_answer_is_refused(
    trip: GatewayTrip | None, state: str, iss: str | None, now: int, code: str
) -> None:
    """Absent, empty or wrong: state, issuer, trip; or late."""
    with pytest.raises(Refusal) as refused:
        check_return(trip, application_id=DESK, state=state, iss=iss, issuer=ISSUER, now=now)

    assert refused.value.code == code


@pytest.mark.parametrize(
    "address", [None, "", "a@b.example\r\nX-Auth-Request-User: usr_x", "a b@c.example", "ü@b.example"]
)
def test_an_address_that_means_something_else_in_a_header_is_none(address: str | None) -> None:
    """It stands there as it is, or not at all."""
    assert header_safe_email(address) is None
    assert header_safe_email("ada@acme.example") == "ada@acme.example"
