"""The record of processing: what is kept of whom, what for, who is told, and how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
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
    policy = parse(document, KNOWN)
    return processing_record(table(policy, {}), REGISTRATIONS, applications, policy, lambda at: f"day {at // 86400}")


def section(page: str, heading: str) -> str:
    """What stands under a heading, up to the next one."""
    return page.partition(f"{heading}\n\n")[2].partition("\n\n#")[0]


def test_each_attribute_stands_with_its_purpose() -> None:
    """Under its registration; one of which nothing is kept is named too."""
    page = record({"google": {"keep": KEEP}})

    assert section(page, "### google: people who sign in with Google").splitlines()[2:] == [
        "| `email` | `email` | To write | at every sign-in | with the account | - |",
        "| `name` | `name` | To greet | at every sign-in | with the account | - |",
    ]
    assert section(page, "### corp: people who sign in with Corp") == "Nothing."


def test_recipients_are_those_that_can_ask() -> None:
    """In order; a program that acts for itself learns nothing about a User."""
    page = record({"google": {"keep": KEEP, "release": {"email": "To audit"}}}, MACHINE, APPLICATION, OTHER)

    who = section(page, "## Who is told")
    assert "| `email` | google | To audit | `email` | tokens, userinfo |" in who
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

    assert "12 hours after it began" in page
    assert "30 days after the sign-in" in page
    assert "5 minutes after it was issued" in page
    assert "| the ledger: ids and codes of what was decided | 730 days after it was written |" in page
    assert "| a User who does not sign in | no end is set |" in page


def test_it_says_what_the_policy_sets() -> None:
    """Retention, laws, second thoughts."""
    by_law = {"billing": {"actions": ["apply.SetRights", "a.b"], "days": 3650, "ground": "Commercial | code"}}
    page = section(
        record({"retention": {"sessions": 9, "ledger": "unlimited", "by_law": by_law}, "erasure": {"grace_days": 0}}),
        "## How long",
    )

    assert "| the record of a session, and of what was granted in it | 9 days after it ended |" in page
    assert "| the ledger: ids and codes of what was decided | no end is set |" in page
    assert "| of the ledger, by law (billing): `a.b`, `apply.SetRights` | 3650 days: Commercial \\| code |" in page
    assert "| an account that its User has erased | 0 days, for second thoughts |" in page


def test_the_terms_of_an_attribute_are_told() -> None:
    """How often it is taken, when it ends, and what is the User's to say; where it may stand."""
    keep = {
        "email": {"purpose": "To write", "days": 30, "update": "first", "correctable": True},
        "name": {"purpose": "To greet", "update": "never", "optional": True},
    }
    release = {"email": {"purpose": "To audit", "in": ["userinfo"]}}
    page = record({"google": {"keep": keep, "release": release}}, APPLICATION)

    assert section(page, "### google: people who sign in with Google").splitlines()[2:] == [
        "| `email` | `email` | To write | once | 30 days after it was taken | can correct it |",
        "| `name` | `name` | To greet | never; the User says it | with the account | has to agree |",
    ]
    assert "| `email` | google | To audit | `email` | userinfo |" in section(page, "## Who is told")


def test_optional_purposes_are_named() -> None:
    """Where there are any."""
    purposes = {"news": {"label": "News", "purpose": "To tell what is new"}}

    assert "| News | To tell what is new |" in section(record({"purposes": purposes}), "## Optional purposes")
    assert "## Optional purposes" not in record({})


def test_documents_are_named_by_their_versions() -> None:
    """With their dates, and the word about one's age; without any nothing is asked."""
    text = "## Words\n\nWords."
    documents = {
        "privacy": {"text": text, "revised": 86400 * 20_000},
        "terms": {"text": f"{text}\n", "revised": 86400 * 20_001},
        "grace_days": 5,
    }
    page = section(record({"documents": documents}), "## What people accept")

    assert f"- the privacy policy, as of day 20000 (SHA-256 `{sha256(text.encode()).hexdigest()}`)" in page
    assert "- the terms, as of day 20001 (SHA-256 `" in page
    assert "- that they are 18 or older" in page
    assert "after 5 days" in page
    assert section(record({}), "## What people accept") == "Nothing is asked of them."


@given(st.text(min_size=1).filter(str.strip))
def test_a_purpose_cannot_break_the_table(purpose: str) -> None:
    """Whatever an operator writes, it stays one cell of one line."""
    page = record({"google": {"keep": {"email": purpose}}})
    (row,) = [line for line in page.split("\n") if line.startswith("| `email`")]

    assert row.replace("\\\\", "").replace("\\|", "").count("|") == 7
    assert row.endswith(" |")
