"""What a User may agree to: every optional purpose, and the attributes that are optional by themselves."""

from __future__ import annotations

from broker.domain.ids import RegistrationId
from broker.domain.optional import offered, options
from broker.domain.policy_parse import parse

GOOGLE = RegistrationId("google")
KNOWN = {GOOGLE: frozenset({"email", "name", "picture", "locale"})}
POLICY = parse(
    {
        "purposes": {
            "news": {"label": "News", "purpose": "To tell what is new"},
            "statistics": {"label": "Statistics", "purpose": "To see what helps"},
        },
        "google": {
            "keep": {
                "email": "To write",
                "name": {"purpose": "To greet", "optional": True},
                "picture": {"purpose": "To show", "optional": "news"},
                "locale": {"purpose": "To translate", "optional": "news"},
            }
        },
    },
    KNOWN,
)


def test_purposes_come_first_with_what_is_kept_for_them() -> None:
    """In the policy's order; an attribute that is kept anyway is nothing to choose."""
    found = options(POLICY, {GOOGLE: POLICY.keeps(GOOGLE)})

    assert [(o.subject, o.purpose is not None, [a.name for a in o.attributes]) for o in found] == [
        ("news", True, ["picture", "locale"]),
        ("statistics", True, []),
        ("google.name", False, ["name"]),
    ]
    assert offered(found) == {"news", "statistics", "google.name"} == POLICY.consents()


def test_without_an_account_purposes_are_left() -> None:
    """They are about the person."""
    assert [option.subject for option in options(POLICY, {})] == ["news", "statistics"]


def test_what_a_client_does_not_let_be_kept_is_not_offered() -> None:
    """Nobody is asked for what would not be kept."""
    keeps = {name: keep for name, keep in POLICY.keeps(GOOGLE).items() if name == "locale"}
    (news, _) = options(POLICY, {GOOGLE: keeps})

    assert [attribute.name for attribute in news.attributes] == ["locale"]
