"""The record of processing: what is kept of whom, what for, who is told, and how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker.domain.application import Application, GrantType
from broker.domain.ids import ApplicationId, RegistrationId
from broker.domain.policy_parse import parse
from broker.domain.policy_table import table
from broker.domain.processing_record import processing_record
from tests.domain.policies import KNOWN
from tests.domain.world import APPLICATION, GOOGLE

REGISTRATIONS = {GOOGLE: "Google", RegistrationId("corp"): "Corp"}
KEEP = {"email": "To write", "name": "To greet"}
MACHINE = replace(APPLICATION, id=ApplicationId("robot"), grants=frozenset({GrantType.CLIENT_CREDENTIALS}))
OTHER = replace(APPLICATION, id=ApplicationId("crm"), name="CRM", first_party=False)


def record(document: Mapping[str, Any], *applications: Application) -> str:
    """The record of a deployment with this policy."""
    return processing_record(table(parse(document, KNOWN), {}), REGISTRATIONS, applications)


def section(page: str, heading: str) -> str:
    """What stands under a heading, up to the next one."""
    return page.partition(f"{heading}\n\n")[2].partition("\n\n#")[0]


def test_each_attribute_stands_with_its_purpose() -> None:
    """Under its registration; one of which nothing is kept is named too."""
    page = record({"google": {"keep": KEEP}})

    assert section(page, "### google: people who sign in with Google").splitlines()[2:] == [
        "| `email` | `email` | To write |",
        "| `name` | `name` | To greet |",
    ]
    assert section(page, "### corp: people who sign in with Corp") == "Nothing."


def test_recipients_are_those_that_can_ask() -> None:
    """In order; a program that acts for itself learns nothing about a User."""
    page = record({"google": {"keep": KEEP, "release": {"email": "To audit"}}}, MACHINE, APPLICATION, OTHER)

    who = section(page, "## Who is told")
    assert "| `email` | google | To audit | `email` |" in who
    assert "`name`" not in who
    assert who.splitlines()[-2:] == [
        f"- CRM (`crm`), and the service at {OTHER.audience}, with the User's consent",
        f"- Demo (`demo-app`), and the service at {APPLICATION.audience}",
    ]


def test_services_that_are_told_by_an_exchange_are_recipients() -> None:
    """A service that exchanges for others, though nobody signs in at it, and so nobody consents."""
    grants, others = frozenset({GrantType.TOKEN_EXCHANGE}), frozenset({"https://b.example", "https://a.example"})
    service = replace(APPLICATION, grants=grants, exchange_audiences=others, first_party=False)
    page = record({"google": {"keep": KEEP, "release": {"email": "To audit"}}}, service)

    assert section(page, "## Who is told").splitlines()[-1] == (
        f"- Demo (`demo-app`), and the service at {APPLICATION.audience}, and through it https://a.example"
        ", and through it https://b.example"
    )


def test_nobody_is_told_what_is_not_released() -> None:
    """Nor where nobody can ask."""
    assert section(record({"google": {"keep": KEEP}}, APPLICATION), "## Who is told") == "Nobody."
    released = record({"google": {"keep": KEEP, "release": {"email": "To audit"}}}, MACHINE)
    assert section(released, "## Who is told").endswith("There is no Application that could ask.")


def test_clients_that_narrow_are_named() -> None:
    """With what they leave out; without one there is no such section."""
    narrowed = {"acme": {"keep": ["email"]}, "globex": {"keep": ["email", "name"]}}
    document = {"keep": KEEP, "release": {"email": "To audit"}, "clients": narrowed}

    rows = section(record({"google": document}), "## Clients that leave something out").splitlines()[2:]
    assert rows == ["| `email` | google | - | acme, globex |", "| `name` | google | acme | - |"]
    assert "leave something out" not in record({"google": {"keep": KEEP}})


def test_it_says_how_long() -> None:
    """In the product's own numbers."""
    page = section(record({}), "## How long")

    assert "12 hours after it began; 30 days" in page
    assert "5 minutes after it was issued" in page


@given(st.text(min_size=1).filter(str.strip))
def test_a_purpose_cannot_break_the_table(purpose: str) -> None:
    """Whatever an operator writes, it stays one cell of one line."""
    page = record({"google": {"keep": {"email": purpose}}})
    (row,) = [line for line in page.split("\n") if line.startswith("| `email`")]

    assert row.replace("\\\\", "").replace("\\|", "").count("|") == 4
    assert row.endswith(" |")
