"""The terms on which a policy document lets attributes be kept and released. What it permits: test_policy.py."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.ids import RegistrationId
from broker.domain.policy import AttributePolicy, Context, Keep, OptionalPurpose, PolicyProblems, Release, Update
from broker.domain.policy_parse import RESERVED_NAMES, is_days, is_sentence, parse
from broker.domain.policy_rules import LONGEST_DAYS
from tests.domain.policies import KNOWN
from tests.domain.world import ACME, GOOGLE

NEITHER = "optional must be true, false or a purpose's name, correctable true or false"
NEWS = {"news": {"label": "News", "purpose": "To tell what is new"}}


def keep(terms: Any, purposes: Any = NEWS) -> AttributePolicy:
    """A policy that keeps the e-mail address on these terms."""
    return parse({"google": {"keep": {"email": terms}}, "purposes": purposes}, KNOWN)


def problem_of(document: Any) -> str:
    """The only one."""
    with pytest.raises(PolicyProblems) as refused:
        parse(document, KNOWN)
    (problem,) = refused.value.problems
    return problem


def test_a_purpose_alone_is_short_for_terms_with_nothing_else() -> None:
    """Told at every sign-in, for as long as the Connection, without being asked for."""
    assert keep("To write").keeps(GOOGLE) == keep({"purpose": "To write"}).keeps(GOOGLE)
    assert keep("To write").keeps(GOOGLE) == {"email": Keep(purpose="To write")}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"update": "first"}, {"update": Update.FIRST}),
        ({"update": "never"}, {"update": Update.NEVER}),
        ({"days": 30}, {"days": 30}),
        ({"optional": True}, {"consent": "google.email"}),
        ({"optional": "news"}, {"consent": "news"}),
        ({"optional": False}, {}),
        ({"correctable": True}, {"correctable": True}),
    ],
    ids=str,
)
def test_each_term_means_what_it_says(written: dict[str, Any], meant: dict[str, Any]) -> None:
    """One at a time."""
    assert keep({"purpose": "To write", **written}).keeps(GOOGLE)["email"] == Keep(purpose="To write", **meant)


@pytest.mark.parametrize(
    ("terms", "problem"),
    [
        ({}, "its purpose must be a sentence"),
        ({"purpose": "x", "day": 1}, "unknown day; there are purpose, update, days, optional, correctable"),
        ({"purpose": "x", "update": "always"}, "update must be one of every, first, never"),
        ({"purpose": "x", "update": []}, "update must be one of every, first, never"),
        ({"purpose": "x", "days": 0}, "days must be a number from 1 to 36500"),
        ({"purpose": "x", "days": True}, "days must be a number from 1 to 36500"),
        ({"purpose": "x", "days": "30"}, "days must be a number from 1 to 36500"),
        (
            {"purpose": "x", "optional": "olds"},
            "optional names the purpose 'olds', and there is no [purposes.olds]",
        ),
        (
            {"purpose": "x", "optional": 1},
            "optional must be true, false or a purpose's name, correctable true or false",
        ),
        (
            {"purpose": "x", "correctable": "yes"},
            "optional must be true, false or a purpose's name, correctable true or false",
        ),
    ],
    ids=str,
)
def test_terms_that_mean_nothing_are_refused(terms: dict[str, Any], problem: str) -> None:
    """With their place."""
    document = {"google": {"keep": {"email": terms}}, "purposes": NEWS}

    assert problem_of(document) == f"[google.keep] email: {problem}"


def release(**terms: Any) -> dict[str, Any]:
    return {"google": {"keep": {"email": "To write"}, "release": {"email": {"purpose": "To audit", **terms}}}}


def test_a_release_may_be_for_one_place_only() -> None:
    """Without a place, it is for both."""
    policy = parse(release(**{"in": ["userinfo"]}), KNOWN)

    assert policy.releases(GOOGLE, (), Context.USERINFO) == policy.releases(GOOGLE)
    assert policy.releases(GOOGLE, (), Context.TOKENS) == {}
    assert parse(release(), KNOWN).releases(GOOGLE) == {"email": Release(purpose="To audit")}


@pytest.mark.parametrize("places", [[], "tokens", ["logs"], [1], {}], ids=str)
def test_a_release_to_nowhere_or_elsewhere_is_refused(places: Any) -> None:
    """There are two places."""
    said = "[google.release] email: in must be a list out of tokens, userinfo"

    assert problem_of(release(**{"in": places})) == said


def test_an_optional_attribute_is_kept_of_those_who_agreed() -> None:
    """The Provider is asked for whatever might be agreed to; nothing of it is selected without."""
    policy = keep({"purpose": "To write", "optional": "news"})
    told = {"email": "ada@acme.example"}

    assert policy.keeps(GOOGLE).keys() == {"email"}
    assert policy.keeps(GOOGLE, (), frozenset()) == policy.keeps(GOOGLE, (ACME,), frozenset()) == {}
    assert policy.keeps(GOOGLE, (ACME,), {"news"}).keys() == {"email"}
    assert policy.select(GOOGLE, told, (), frozenset()).values == {}
    assert policy.select(GOOGLE, told, (), {"news"}).values == told


def test_what_can_be_agreed_to_is_every_purpose_and_every_attribute_that_is_optional_by_itself() -> None:
    """Also a purpose that no attribute has."""
    assert keep({"purpose": "x", "optional": True}).consents() == {"news", "google.email"}
    assert keep({"purpose": "x", "optional": "news"}).consents() == {"news"}
    assert keep("x", {}).consents() == frozenset()


def test_an_optional_purpose_has_a_name_a_label_and_a_sentence() -> None:
    """Trimmed."""
    policy = keep("x", {"news-2": {"label": " News ", "purpose": "To tell\n"}})

    assert policy.purposes == {"news-2": OptionalPurpose(label="News", purpose="To tell")}


@pytest.mark.parametrize(
    ("purposes", "problem"),
    [
        ([], "[purposes]: must be a table of purposes"),
        (
            {"News": NEWS["news"]},
            "[purposes.News]: a name is 1 to 32 lower-case letters, digits, dashes or underscores",
        ),
        ({"google.x": NEWS["news"]}, "[purposes.google.x]: a name is 1 to 32 lower-case letters, digits, dashes or "),
        ({"news": "x"}, "[purposes.news]: must have label and purpose, and nothing else"),
        ({"news": {"label": "x"}}, "[purposes.news]: must have label and purpose, and nothing else"),
        ({"news": {"label": "x", "purpose": " "}}, "[purposes.news]: label and purpose must be sentences"),
    ],
    ids=str,
)
def test_a_purpose_that_says_nothing_is_refused(purposes: Any, problem: str) -> None:
    """With its place."""
    assert problem_of({"purposes": purposes}).startswith(problem)


@pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
def test_a_table_for_all_registrations_is_of_none(name: str) -> None:
    """Not even of one that is called so."""
    try:
        sections = parse({name: {}}, {**KNOWN, RegistrationId(name): ("email",)}).sections
    except PolicyProblems as refused:
        assert all(problem.startswith(f"[{name}] ") for problem in refused.problems)
    else:
        assert sections == {}


@given(st.integers() | st.booleans() | st.text(max_size=3) | st.none())
def test_days_are_a_number_of_a_day_or_more(value: object) -> None:
    """And of a hundred years at most; truth is no number."""
    assert is_days(value) is (type(value) is int and value in range(1, LONGEST_DAYS + 1))
    assert is_sentence(value) is (isinstance(value, str) and value.strip() != "")
