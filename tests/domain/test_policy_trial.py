"""A dry run of the policy over a profile: what would be kept and why, and why the rest would not."""

from __future__ import annotations

from typing import Any

from hypothesis import given

from broker.domain.ids import ClientOrgId
from broker.domain.policy_parse import parse
from broker.domain.policy_trial import Fate, tried
from tests.domain.policies import ATTRIBUTES, KNOWN, clients, documents, profiles
from tests.domain.world import ACME, GLOBEX, GOOGLE

POLICY = parse(
    {
        "google": {
            "keep": {"email": "To write", "name": "To greet", "picture": "To show", "locale": "To speak"},
            "clients": {"acme": {"keep": ["email", "picture", "locale"]}},
        }
    },
    KNOWN,
)
TOLD: dict[str, object] = {
    "email": "ada@acme.example",
    "name": "Ada",
    "picture": {"url": "https://pictures.example/ada"},
    "family_name": "Lovelace",
}


def test_each_attribute_has_its_fate() -> None:
    """What is kept first, with its purpose."""
    found = tried(POLICY, GOOGLE, TOLD, attributes=ATTRIBUTES, unread=["hd"], clients=(ACME,))

    assert [(one.name, one.fate) for one in found] == [
        ("email", Fate.KEPT),
        ("picture", Fate.MALFORMED),
        ("name", Fate.NARROWED),
        ("family_name", Fate.NOT_ALLOWED),
        ("locale", Fate.NOT_TOLD),
        ("hd", Fate.UNKNOWN),
    ]
    assert (found[0].why, found[0].value) == ("To write", "ada@acme.example")
    assert all(one.why for one in found)


def test_a_client_that_allows_it_is_enough() -> None:
    """As for a User of both; without Clients, everything that the section names."""
    for acting_for in ((ACME, GLOBEX), ()):
        found = tried(POLICY, GOOGLE, TOLD, attributes=ATTRIBUTES, clients=acting_for)

        assert [one.name for one in found if one.fate is Fate.KEPT] == ["email", "name"]


def test_what_is_neither_told_nor_allowed_is_not_mentioned() -> None:
    """There is nothing to say about it; an empty value is as good as none."""
    nothing = tried(parse({}, KNOWN), GOOGLE, {}, attributes=ATTRIBUTES)
    empty = tried(POLICY, GOOGLE, {"email": ""}, attributes=("email",))

    assert nothing == ()
    assert [one.fate for one in empty] == [Fate.NOT_TOLD]


@given(documents(), profiles, clients)
def test_only_what_is_kept_has_a_value(
    document: dict[str, Any], profile: dict[str, object], acting_for: tuple[ClientOrgId, ...]
) -> None:
    """And that is exactly what a sign-in would keep."""
    policy = parse(document, KNOWN)
    found = tried(policy, GOOGLE, profile, attributes=ATTRIBUTES, unread=profile.keys(), clients=acting_for)

    values = {one.name: one.value for one in found if one.value is not None}
    assert values == policy.select(GOOGLE, profile, acting_for).values
    assert all((one.fate is Fate.KEPT) is (one.value is not None) for one in found)


def test_a_value_is_not_in_the_repr() -> None:
    """It might be logged."""
    (one, *_) = tried(POLICY, GOOGLE, TOLD, attributes=ATTRIBUTES)

    assert one.value == "ada@acme.example"
    assert "ada@" not in repr(one)
