"""The narrow waist itself: whatever a Provider says, only permitted, printable, short texts come out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from broker.domain.identity import normalise_email
from broker.domain.ids import ClientOrgId
from broker.domain.policy import INSIDE_NAMES, MAX_VALUE, is_a_correction, is_a_value
from broker.domain.policy_parse import parse
from tests.domain.policies import ATTRIBUTES, KNOWN, LOOK_ALIKES, documents, profiles
from tests.domain.policies import clients as some_clients
from tests.domain.world import ACME, GOOGLE

EMAIL_ONLY = parse({"google": {"keep": {"email": "Contact address"}}}, KNOWN)
LINES = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=300)
"""Texts that can be shown as one line."""
REFUSED_ANYWHERE = [
    *("\x00", "\t", "\n", "\r", "\x1b", "\x7f", "\x85"),  # controls
    *("\u061c", "\u200e", "\u200f", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e"),  # what turns a line round
    *("\u2066", "\u2067", "\u2068", "\u2069", "\u2028", "\u2029"),  # and what breaks it
    *("\u200b", "\u2060", "\ufeff", "\u00ad", "\u3000", "\ud800", "\ue000", "\U000e0041"),  # unseen, or no text
]
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
        assert all(character.isprintable() or character in INSIDE_NAMES for character in value)
        assert (value[0] + value[-1]).isprintable()
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


@given(LINES, st.sampled_from(INSIDE_NAMES), LINES)
@example("\u0639\u0644\u06cc", "\u200c", "\u0631\u0636\u0627")  # a Persian name
@example("\u0915\u094d", "\u200d", "\u0937")  # a Hindi syllable
@example("Jean", "\u00a0", "Paul")
def test_what_joins_or_parts_letters_is_kept_between_them(before: str, inside: str, after: str) -> None:
    """Names are not written without it; and it is kept as it came."""
    value = f"{before}{inside}{after}"

    assert EMAIL_ONLY.select(GOOGLE, {"email": value}).values == {"email": value}


@given(LINES, st.sampled_from(INSIDE_NAMES))
def test_what_joins_letters_has_nothing_to_do_at_an_end(line: str, inside: str) -> None:
    """Nobody would see it, and two people could seem one."""
    for value in (f"{inside}{line}", f"{line}{inside}", inside, inside * 3):
        assert EMAIL_ONLY.select(GOOGLE, {"email": value}).malformed == ("email",)


@given(LINES, st.sampled_from(REFUSED_ANYWHERE), LINES)
def test_what_turns_breaks_or_hides_is_refused_anywhere(before: str, character: str, after: str) -> None:
    """Controls, directions, line separators, what has no glyph, halves of characters: also next to a joiner."""
    beside = f"{before}\u200d{character}\u200d{after}"
    for value in (f"{before}{character}{after}", f"{character}{after}", f"{before}{character}", beside):
        assert EMAIL_ONLY.select(GOOGLE, {"email": value}).malformed == ("email",)


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


@given(LINES)
@example("ada@acme.example")
@example(" Ada")
@example("Ada ")
def test_a_correction_is_a_value_that_a_provider_could_have_told(value: str) -> None:
    """With nothing around it, and an address where an address is due."""
    assert is_a_correction("name", value) is (is_a_value(value) and value == value.strip())
    assert is_a_correction("email", value) is (is_a_correction("name", value) and normalise_email(value) is not None)


@pytest.mark.parametrize("value", [None, 1, True, "", ["Ada"], {"a": "b"}, "A" * (MAX_VALUE + 1), *REFUSED_ANYWHERE])
def test_nothing_else_is_a_correction(value: object) -> None:
    """Of whatever attribute."""
    assert not is_a_correction("name", value)
    assert not is_a_correction("email", value)
