"""The narrow waist itself: whatever a Provider says, only permitted, printable, short texts come out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given

from broker.domain.ids import ClientOrgId
from broker.domain.policy import MAX_VALUE, parse
from tests.domain.policies import ATTRIBUTES, KNOWN, LOOK_ALIKES, documents, profiles
from tests.domain.policies import clients as some_clients
from tests.domain.world import ACME, GOOGLE

EMAIL_ONLY = parse({"google": {"keep": {"email": "Contact address"}}}, KNOWN)
EVERYTHING = {"google": {"keep": dict.fromkeys(ATTRIBUTES, "Because"), "release": {}, "clients": {}}}


@given(documents(), profiles, some_clients)
@example(EVERYTHING, {}, ())
def test_only_permitted_printable_short_texts_come_out(
    document: dict[str, Any], profile: dict[str, object], clients: tuple[ClientOrgId, ...]
) -> None:
    """Unchanged, under their own exact names, and nothing of the rest."""
    policy = parse(document, KNOWN)
    permitted = policy.keeps(GOOGLE, clients).keys()

    selected = policy.select(GOOGLE, profile, clients)

    assert selected.values.keys() <= permitted
    for name, value in selected.values.items():
        assert type(value) is str
        assert value == profile[name]
        assert value.isprintable()
        assert 0 < len(value) <= MAX_VALUE
        value.encode("utf-8")


@given(documents(), profiles, some_clients)
def test_what_is_malformed_is_named_and_nothing_of_its_value_is_told(
    document: dict[str, Any], profile: dict[str, object], clients: tuple[ClientOrgId, ...]
) -> None:
    """Every permitted attribute that came is either chosen or named as malformed."""
    policy = parse(document, KNOWN)
    permitted = policy.keeps(GOOGLE, clients).keys()

    selected = policy.select(GOOGLE, profile, clients)

    came = {name for name in permitted if profile.get(name) not in (None, "")}
    assert set(selected.malformed) | selected.values.keys() == came
    assert set(selected.malformed) & selected.values.keys() == set()


@pytest.mark.parametrize(
    "value",
    [
        *(0, 1, True, 1.5, [], {}, ["ada@acme.example"], {"email": "ada@acme.example"}, b"ada@acme.example"),
        *("ada\n@acme.example", "ada\x00", "\x1b[31mred", "\u202eada", "ada\u200b", "\ud800", "ada\u2028", "\ufeffada"),
        *("a" * (MAX_VALUE + 1), "a" * 1_000_000, ["a" * 1_000_000], {"a": {"b": {"c": ["a"] * 1000}}}),
    ],
    ids=lambda value: ascii(value)[:30] + f" {len(ascii(value))}",
)
def test_a_value_of_another_kind_is_dropped_and_the_sign_in_goes_on(value: object) -> None:
    """Objects, lists, numbers, control and direction characters, a megabyte."""
    selected = EMAIL_ONLY.select(GOOGLE, {"email": value})

    assert selected.values == {}
    assert selected.malformed == ("email",)


@pytest.mark.parametrize("profile", [{}, {"email": None}, {"email": ""}], ids=["absent", "null", "empty"])
def test_what_did_not_come_is_neither_kept_nor_malformed(profile: dict[str, object]) -> None:
    """A Provider need not know everything."""
    selected = EMAIL_ONLY.select(GOOGLE, profile)

    assert (selected.values, selected.malformed) == ({}, ())


@pytest.mark.parametrize(
    "value", ["a", " ", "a" * MAX_VALUE, "世" * MAX_VALUE, "Zoë Ångström", "<script>", "'; --", "😀"]
)
def test_an_ordinary_text_is_kept_as_it_is(value: str) -> None:
    """Making it safe to show is the affair of who shows it."""
    assert EMAIL_ONLY.select(GOOGLE, {"email": value}).values == {"email": value}


@pytest.mark.parametrize("name", LOOK_ALIKES, ids=ascii)
def test_a_name_that_only_looks_permitted_is_not(name: str) -> None:
    """Names are compared exactly."""
    selected = EMAIL_ONLY.select(GOOGLE, {name: "ada@acme.example"})

    assert (selected.values, selected.malformed) == ({}, ())


def test_what_hides_inside_another_value_does_not_come_out() -> None:
    """Neither from an object nor from a text that is JSON."""
    inside = {"email": "ada@acme.example"}

    selected = EMAIL_ONLY.select(GOOGLE, {"user": inside, "emails": [inside], "name": json.dumps(inside)})

    assert (selected.values, selected.malformed) == ({}, ())


def test_a_client_that_allows_nothing_gets_nothing_selected() -> None:
    """Though the policy above it would."""
    policy = parse({"google": {"keep": {"email": "Contact address"}, "clients": {"acme": {}}}}, KNOWN)
    profile = {"email": "ada@acme.example"}

    assert policy.select(GOOGLE, profile, (ACME,)).values == {}
    assert policy.select(GOOGLE, profile).values == profile


def test_a_value_has_at_most_1024_characters() -> None:
    """No attribute we know of needs more."""
    assert MAX_VALUE == 1024


def test_values_are_not_shown_by_repr() -> None:
    """Names of what was malformed are."""
    policy = parse({"google": {"keep": {"email": "Contact", "name": "Shown"}}}, KNOWN)

    assert repr(policy.select(GOOGLE, {"email": "canary", "name": 1})) == "Selected(malformed=('name',))"
