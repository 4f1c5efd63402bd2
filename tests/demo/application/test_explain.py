"""Claims in plain words: known and unknown, times, rights, and values nobody expected."""

from __future__ import annotations

from typing import Any

import pytest

from broker.demo.application.explain import MEANINGS, explain, moment

NOW = 1_800_000_000


def test_known_claims_come_first_and_in_order_then_the_others_by_name() -> None:
    """What matters most is on top, and nothing is left out."""
    claims = {"zeta": 1, "jti": "x", "alpha": 2, "authorizations": {}, "sub": "user"}

    assert [claim.name for claim in explain(claims, NOW)] == ["sub", "authorizations", "jti", "alpha", "zeta"]


def test_an_unknown_claim_says_so() -> None:
    """Rather than guessing."""
    (claim,) = explain({"strange": "value"}, NOW)

    assert (claim.text, "does not know" in claim.meaning) == ("value", True)


def test_every_claim_of_the_contract_has_a_meaning() -> None:
    """Those of RFC 9068 and the broker's own."""
    contract = "iss sub aud exp iat jti client_id scope auth_time acr amr sid authorizations org_id"

    assert set(contract.split()) | {"authorizations_ref"} <= set(MEANINGS)


def test_rights_are_listed_by_client() -> None:
    """As a small table."""
    (claim,) = explain({"authorizations": {"acme": ["a", "b"], "globex": []}}, NOW)

    assert claim.rights == [("acme", ["a", "b"]), ("globex", [])]


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (0, "now"),
        (1, "now"),
        (-1, "now"),
        (5, "in 5 seconds"),
        (60, "in 1 minute"),
        (299, "in 4 minutes"),
        (-3600, "1 hour ago"),
        (-200_000, "2 days ago"),
    ],
)
def test_times_are_said_as_people_say_them(seconds: int, says: str) -> None:
    """Relative to now, and exact beside it."""
    assert moment(NOW + seconds, NOW).says == says


def test_times_are_exact_for_machines() -> None:
    """In UTC."""
    at = moment(NOW, NOW)

    assert (at.iso, at.exact) == ("2027-01-15T08:00:00+00:00", "15 January 2027, 08:00:00 UTC")


@pytest.mark.parametrize("value", ["soon", -1, 1e300, True, None, [1], 1 << 60])
def test_a_time_that_is_none_is_shown_as_text(value: Any) -> None:
    """A page must not break over a strange claim."""
    (claim,) = explain({"exp": value}, NOW)

    assert claim.moment is None


@pytest.mark.parametrize("value", [[], "acme", None, 1])
def test_authorizations_of_another_shape_are_shown_as_text(value: Any) -> None:
    """And give no table."""
    (claim,) = explain({"authorizations": value}, NOW)

    assert claim.rights is None
