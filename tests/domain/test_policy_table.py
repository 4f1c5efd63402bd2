"""The policy as rows to read."""

from __future__ import annotations

from broker.domain.ids import RegistrationId
from broker.domain.policy_parse import parse
from broker.domain.policy_table import PolicyRow, table
from tests.domain.policies import KNOWN
from tests.domain.world import ACME, GLOBEX, GOOGLE

POLICY = parse(
    {
        "google": {
            "keep": {"email": "To write", "name": "To greet"},
            "release": {"email": "To audit"},
            "clients": {"acme": {"keep": ["email"]}, "globex": {"keep": ["email", "name"], "release": ["email"]}},
        },
        "corp": {"keep": {"department": "To route"}},
    },
    KNOWN,
)


def test_a_row_says_everything_about_an_attribute() -> None:
    """From which claim, why, how it is released, and which Clients leave it out."""
    rows = table(POLICY, {GOOGLE: {"email": "emails.email"}})

    assert rows[0] == PolicyRow(
        registration=GOOGLE,
        attribute="email",
        claim="emails.email",
        purpose="To write",
        update="every",
        days=None,
        consent=None,
        correctable=False,
        scope="email",
        released_for="To audit",
        released_in=("tokens", "userinfo"),
        not_kept_for=(),
        not_released_for=(ACME,),
    )


def test_what_is_not_released_has_no_scope() -> None:
    """Also where a scope covers it, and no Client can narrow a release that is not there."""
    name = table(POLICY, {})[1]

    assert (name.scope, name.released_for, name.not_released_for) == (None, None, ())
    assert name.not_kept_for == (ACME,)
    assert GLOBEX not in name.not_kept_for


def test_every_registration_has_its_rows() -> None:
    """In the order of the file; a claim that is not known has the attribute's own name."""
    rows = table(POLICY, {})

    assert [(row.registration, row.attribute, row.claim) for row in rows] == [
        (GOOGLE, "email", "email"),
        (GOOGLE, "name", "name"),
        (RegistrationId("corp"), "department", "department"),
    ]


def test_an_empty_policy_has_no_rows() -> None:
    """Nor has a section that keeps nothing."""
    assert table(parse({}, KNOWN), {}) == ()
    assert table(parse({"google": {}}, KNOWN), {}) == ()
