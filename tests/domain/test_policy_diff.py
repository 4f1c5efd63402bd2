"""How two policies differ: what anybody would have kept or released more, less, or for another purpose."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain, combinations
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from broker.domain.ids import ClientOrgId, RegistrationId
from broker.domain.policy import AttributePolicy
from broker.domain.policy_diff import Terms, differences
from broker.domain.policy_parse import parse
from tests.domain.policies import ATTRIBUTES, CLIENTS, KNOWN, documents
from tests.domain.world import GOOGLE

OF_ANYBODY = [
    *chain.from_iterable(combinations((*CLIENTS, ClientOrgId("of_nobody")), n) for n in range(len(CLIENTS) + 2)),
]
"""Every set of Clients that a User can act for, one that no policy names among them."""


@st.composite
def policies(draw: st.DrawFn) -> AttributePolicy:
    """A policy, its purposes in one of two wordings."""
    document = draw(documents())
    for verb in ("keep", "release"):
        for attribute in document["google"][verb]:
            if draw(st.booleans()):
                document["google"][verb][attribute] = "Another purpose"
    return parse(document, KNOWN)


def policy(section: Mapping[str, Any] | None) -> AttributePolicy:
    """Google's section alone; None: no section."""
    return parse({} if section is None else {"google": section}, KNOWN)


def allowed(
    one: AttributePolicy, registration: RegistrationId = GOOGLE
) -> dict[tuple[str, tuple[ClientOrgId, ...]], Mapping[str, Terms]]:
    """All that it lets be kept and released, of anybody."""
    return {
        (verb, clients): of_verb(registration, clients)
        for clients in OF_ANYBODY
        for verb, of_verb in (("keep", one.keeps), ("release", one.releases))
    }


@given(policies())
def test_a_policy_does_not_differ_from_itself(one: AttributePolicy) -> None:
    """Whatever it says."""
    assert differences(one, one) == ()


@given(policies(), policies())
@example(policy(None), policy({"keep": {"email": "P"}}))
def test_widening_is_found_wherever_it_is(old: AttributePolicy, new: AttributePolicy) -> None:
    """For a User of any Clients, together or alone: and only where somebody would have more, or for another purpose."""
    before, after = allowed(old), allowed(new)
    widens = any(after[who].items() - before[who].items() for who in after)

    assert any(difference.widens for difference in differences(old, new)) is widens


@given(policies(), policies())
def test_policies_without_a_difference_are_the_same_to_everybody(old: AttributePolicy, new: AttributePolicy) -> None:
    """And where there is one, somebody notices."""
    assert (differences(old, new) == ()) is (allowed(old) == allowed(new))


@given(policies(), policies())
def test_every_difference_is_true_for_those_it_names(old: AttributePolicy, new: AttributePolicy) -> None:
    """And for none of those that it spares."""
    before, after = allowed(old), allowed(new)
    for difference in differences(old, new):
        meant: list[tuple[ClientOrgId, ...]] = [(client_org,) for client_org in difference.clients]
        meant += [(), (ClientOrgId("of_nobody"),)] if difference.others else []
        for clients in meant:
            who = (difference.verb, clients)
            assert before[who].get(difference.attribute) == difference.before
            assert after[who].get(difference.attribute) == difference.after
        for client_org in difference.spared:
            who = (difference.verb, (client_org,))
            told = (before[who].get(difference.attribute), after[who].get(difference.attribute))
            assert told != (difference.before, difference.after)


@given(policies(), policies())
def test_the_way_back_is_the_opposite(old: AttributePolicy, new: AttributePolicy) -> None:
    """What was more is less; another purpose stays one."""
    opposite = {"+": "-", "-": "+", "~": "~"}
    there = {(d.verb, d.attribute, d.clients, d.others, d.sign) for d in differences(old, new)}
    back = {(d.verb, d.attribute, d.clients, d.others, opposite[d.sign]) for d in differences(new, old)}

    assert there == back


KEEP = {"email": "To write", "name": "To greet"}
SAID: list[tuple[Mapping[str, Any] | None, Mapping[str, Any] | None, list[str], bool]] = [
    (None, {"keep": {"email": "To write"}}, ['+ [google.keep] email for everybody: "To write"'], True),
    ({"keep": KEEP}, {"keep": {"email": "To write"}}, ['- [google.keep] name for everybody: "To greet"'], False),
    (
        {"keep": {"email": "To write"}},
        {"keep": {"email": "To sell"}},
        ['~ [google.keep] email for everybody: "To write" -> "To sell"'],
        True,
    ),
    (
        {"keep": {"email": "To write"}, "clients": {"acme": {"keep": ["email"]}}},
        {"keep": KEEP, "clients": {"acme": {"keep": ["email"]}}},
        ['+ [google.keep] name for everybody but Users of acme: "To greet"'],
        True,
    ),
    (
        {"keep": KEEP, "clients": {"acme": {"keep": ["email"]}}},
        {"keep": KEEP},
        ['+ [google.keep] name for Users of acme: "To greet"'],
        True,
    ),
    (
        {"keep": KEEP, "release": {"name": "To show"}},
        {
            "keep": KEEP,
            "release": {"name": "To show"},
            "clients": {"acme": {"keep": ["name"]}, "globex": {"keep": ["email", "name"]}},
        },
        [
            '- [google.keep] email for Users of acme: "To write"',
            '- [google.release] name for Users of acme, globex: "To show"',
        ],
        False,
    ),
    ({"keep": {}}, None, [], False),
]


@pytest.mark.parametrize(("old", "new", "said", "widens"), SAID)
def test_a_difference_says_what_and_for_whom(
    old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, said: list[str], widens: bool
) -> None:
    """In a line each, with the purposes."""
    found = differences(policy(old), policy(new))

    assert [str(difference) for difference in found] == said
    assert any(difference.widens for difference in found) is widens


def test_every_registration_is_compared() -> None:
    """Those of either file, the old one's first."""
    keep = {"keep": {"email": "To write"}}
    found = differences(parse({"corp": keep}, KNOWN), parse({"google": keep}, KNOWN))

    assert [(d.registration, d.sign) for d in found] == [("corp", "-"), ("google", "+")]


def test_it_covers_what_it_claims() -> None:
    """Sets of no, one and several Clients."""
    assert {len(clients) for clients in OF_ANYBODY} == set(range(len(CLIENTS) + 2))
    assert len(ATTRIBUTES) > 1


ON_TERMS: list[tuple[str, Any, Any, str, bool]] = [
    ("keep", {"update": "first"}, {}, '"P" (updated: first) -> "P"', True),
    ("keep", {}, {"update": "never"}, '"P" -> "P" (updated: never)', False),
    ("keep", {"days": 30}, {"days": 31}, '"P" (30 days) -> "P" (31 days)', True),
    ("keep", {"days": 30}, {"days": 29}, '"P" (30 days) -> "P" (29 days)', False),
    ("keep", {"days": 30}, {}, '"P" (30 days) -> "P"', True),
    ("keep", {}, {"days": 30}, '"P" -> "P" (30 days)', False),
    ("keep", {"optional": True}, {}, '"P" (if agreed to google.email) -> "P"', True),
    ("keep", {}, {"optional": True}, '"P" -> "P" (if agreed to google.email)', False),
    (
        "keep",
        {"optional": True},
        {"optional": "news"},
        '"P" (if agreed to google.email) -> "P" (if agreed to news)',
        True,
    ),
    ("keep", {}, {"correctable": True}, '"P" -> "P" (correctable)', False),
    ("release", {"in": ["tokens"]}, {}, '"P" (in tokens) -> "P"', True),
    ("release", {}, {"in": ["userinfo"]}, '"P" -> "P" (in userinfo)', False),
    ("release", {"in": ["tokens"]}, {"in": ["userinfo"]}, '"P" (in tokens) -> "P" (in userinfo)', True),
]


@pytest.mark.parametrize(("verb", "old", "new", "said", "widens"), ON_TERMS)
def test_other_terms_are_a_difference_that_widens_or_not(
    verb: str, old: dict[str, Any], new: dict[str, Any], said: str, widens: bool
) -> None:
    """More often, longer, unasked, or in more places."""
    purposes = {"news": {"label": "News", "purpose": "To tell"}}

    def on(terms: dict[str, Any]) -> AttributePolicy:
        section: dict[str, Any] = {"keep": {"email": "P"}} | {verb: {"email": {"purpose": "P", **terms}}}
        return parse({"google": section, "purposes": purposes}, KNOWN)

    (difference,) = differences(on(old), on(new))
    assert str(difference) == f"~ [google.{verb}] email for everybody: {said}"
    assert difference.widens is widens
