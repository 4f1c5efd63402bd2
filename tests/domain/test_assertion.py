"""What an Application's assertion about itself has to say."""

from __future__ import annotations

from typing import Any

import pytest

from broker.domain.assertion import KEPT_LONGER, MAX_LIFETIME, TOLERANCE, Accepted, accept
from broker.domain.ids import ApplicationId
from tests.domain.world import ISSUER, NOW

REPORTS = ApplicationId("reports")
GOOD: dict[str, Any] = {
    "iss": "reports",
    "sub": "reports",
    "aud": ISSUER,
    "exp": NOW + 60,
    "iat": NOW,
    "jti": "one",
}


def said(**changes: Any) -> Accepted | str:
    """What comes of the good one with these changes; ... leaves one out."""
    claims = {name: value for name, value in (GOOD | changes).items() if value is not ...}
    return accept(claims, application_id=REPORTS, issuer=ISSUER, now=NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"iat": ...},
        {"iat": NOW + 8},
        {"iat": NOW + TOLERANCE},
        {"nbf": NOW},
        {"exp": NOW + 1},
        {"exp": NOW + MAX_LIFETIME + TOLERANCE},
        {"jti": "x" * 255},
        {"other": ["x"]},
    ],
)
def test_a_good_one_is_taken(changes: dict[str, Any]) -> None:
    """G10-04: also from a clock that is a little ahead. It is remembered until no process would take it."""
    expected = GOOD | changes

    assert said(**changes) == Accepted(name=expected["jti"], forget_at=expected["exp"] + KEPT_LONGER)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("iss", [..., "", "crm", None, ["reports"], ISSUER]),
        ("sub", [..., "", "crm", None, ["reports"], "usr_ada"]),
        ("aud", [..., "", None, [ISSUER], [ISSUER, "https://x.example"], f"{ISSUER}/", f"{ISSUER}/oauth/token", {}]),
        ("exp", [..., None, "", NOW, NOW - 300, NOW + MAX_LIFETIME + TOLERANCE + 1, float(NOW + 60), str(NOW), True]),
        ("iat", [NOW + TOLERANCE + 1, NOW + 60, None, str(NOW), float(NOW)]),
        ("nbf", [NOW + TOLERANCE + 1, None, str(NOW)]),
        ("jti", [..., "", None, 7, "x" * 256, ["one"]]),
    ],
)
def test_any_other_is_refused(name: str, values: list[Any]) -> None:
    """G10-04: absent, empty, wrong; and it is said which claim it was."""
    for value in values:
        problem = said(**{name: value})
        assert isinstance(problem, str) and name in problem, value
