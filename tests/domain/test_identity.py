"""Who a Provider says somebody is, and how addresses are compared."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.identity import ProviderIdentity, normalise_email
from broker.domain.ids import RegistrationId
from tests.domain.world import GOOGLE

ADA_AT_GOOGLE = ProviderIdentity(registration=GOOGLE, issuer="https://accounts.google.com", subject="110248495921")
parts = st.text("0123456789:a", max_size=6)


def identity(registration: str, issuer: str, subject: str) -> ProviderIdentity:
    return ProviderIdentity(registration=RegistrationId(registration), issuer=issuer, subject=subject)


def test_a_key_is_readable_and_counts_its_parts() -> None:
    """The keyed hash of it is what is stored, so its form must never change."""
    assert ADA_AT_GOOGLE.key() == "6:google27:https://accounts.google.com12:110248495921"


@pytest.mark.parametrize(
    "other",
    [
        replace(ADA_AT_GOOGLE, registration=RegistrationId("corp")),
        replace(ADA_AT_GOOGLE, issuer="https://accounts.google.com/"),
        replace(ADA_AT_GOOGLE, subject="110248495922"),
        replace(ADA_AT_GOOGLE, subject=""),
    ],
    ids=["registration", "issuer", "subject", "no subject"],
)
def test_each_part_makes_another_identity(other: ProviderIdentity) -> None:
    """The same number at another Provider is another person."""
    assert other.key() != ADA_AT_GOOGLE.key()


@given(st.tuples(parts, parts, parts), st.tuples(parts, parts, parts))
def test_no_two_identities_have_one_key(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    """Not even where a part looks like the length of the next."""
    assert (identity(*one).key() == identity(*other).key()) == (one == other)


def test_a_subject_is_not_shown_by_repr() -> None:
    """It ends in logs otherwise."""
    assert ADA_AT_GOOGLE.subject not in repr(ADA_AT_GOOGLE)


@pytest.mark.parametrize(
    ("address", "normalised"),
    [
        ("ada@acme.example", "ada@acme.example"),
        ("  Ada@ACME.Example\r\n", "ada@acme.example"),
        ("ada+partner@acme.example", "ada+partner@acme.example"),
        ("a.da@acme.example", "a.da@acme.example"),
        ("ÄDA@acme.example", "Äda@acme.example"),
        ("a" * 64 + "@" + "b" * 189, "a" * 64 + "@" + "b" * 189),
    ],
    ids=["plain", "case and space", "tag", "dot", "only ASCII is folded", "longest"],
)
def test_addresses_are_compared_trimmed_and_in_lower_case(address: str, normalised: str) -> None:
    """Dots and tags stay: only one Provider ignores them."""
    assert normalise_email(address) == normalised


@pytest.mark.parametrize(
    "address",
    [
        *("", " ", "ada", "@", "ada@", "@acme.example", "ada@acme.example@evil.example", "ada @acme.example"),
        *("ada@acme\t.example", "ada\x00@acme.example", "ada\u200b@acme.example", "ada\u202e@acme.example"),
        *("ada@acme.example\u2028x", "a" * 65 + "@" + "b" * 189, "ada\ud800@acme.example"),
    ],
    ids=repr,
)
def test_what_is_not_an_address_is_nobodys(address: str) -> None:
    """An invitation matches whole, visible addresses only."""
    assert normalise_email(address) is None


@pytest.mark.parametrize("alike", ["\u212aate@x.example", "kate@\uff58.example", "k\u0430te@x.example"], ids=ascii)
def test_a_look_alike_address_is_another_one(alike: str) -> None:
    """The Kelvin sign in lower case is a "k": who owns the one must not be taken for the owner of the other."""
    assert normalise_email(alike) != normalise_email("kate@x.example")


@given(st.text(max_size=300) | st.emails())
def test_a_normalised_address_stays_as_it_is(address: str) -> None:
    """So it makes no difference how often it is normalised."""
    once = normalise_email(address)

    assert once is None or normalise_email(once) == once


@given(st.text(max_size=40), st.text(max_size=40))
def test_only_case_and_space_make_two_addresses_one(one: str, other: str) -> None:
    """Two texts that have one form differ in nothing else."""
    first, second = normalise_email(f"{one}@x.example"), normalise_email(f"{other}@x.example")

    if first is not None and first == second:
        assert len(one.lstrip()) == len(other.lstrip())
        assert one.lstrip().casefold() == other.lstrip().casefold()
