"""The tables of a policy document that are about no single attribute."""

from __future__ import annotations

from typing import Any

import pytest

from broker.domain.legal_document import read
from broker.domain.policy import AttributePolicy, PolicyProblems
from broker.domain.policy_parse import parse
from broker.domain.retention import LawfulKeeping, RetentionRules

WORDS = "## What\n\nWe keep little.\n"
REVISED = 1795305600
DOCUMENT = {"text": WORDS, "revised": REVISED}
NO_LIST = "[retention.by_law.books] actions: must be a list of the ledger's actions"
BOOKS = {"actions": ["clients.apply"], "days": 3650, "ground": "section 257 HGB"}


def problems_of(**tables: Any) -> tuple[str, ...]:
    """Everything that is wrong; nothing when it is accepted."""
    try:
        parse(tables, {})
    except PolicyProblems as refused:
        return refused.problems
    return ()


def test_a_policy_that_says_nothing_of_it_has_the_rules_that_go_without_saying() -> None:
    """No end is set but for what is named; the legal documents come with the settings."""
    policy = parse({}, {})

    assert policy == AttributePolicy(sections={})
    assert policy.retention == RetentionRules(sessions=30, idle_tokens=365, idle_users=None, ledger=730)
    assert (policy.erasure.grace_days, policy.ledger.address, policy.documents.versions) == (7, "none", ())


def test_what_is_said_is_what_holds() -> None:
    """Each key of each table."""
    policy = parse(
        {
            "documents": {"ask": False, "grace_days": 0, "privacy": DOCUMENT, "terms": DOCUMENT},
            "retention": {"sessions": 1, "idle_tokens": 2, "idle_users": 3, "ledger": 4, "by_law": {"books": BOOKS}},
            "erasure": {"grace_days": 0},
            "ledger": {"address": "shortened"},
        },
        {},
    )

    assert policy.documents.privacy == policy.documents.terms == read(WORDS, REVISED)
    assert (policy.documents.asked, policy.documents.grace_days) == (False, 0)
    assert policy.retention == RetentionRules(
        sessions=1,
        idle_tokens=2,
        idle_users=3,
        ledger=4,
        by_law={
            "books": LawfulKeeping(actions=frozenset({"clients.apply"}), days=3650, ground="section 257 HGB"),
        },
    )
    assert (policy.erasure.grace_days, policy.ledger.address) == (0, "shortened")


def test_documents_are_asked_for_unless_it_is_said_otherwise() -> None:
    """Both versions, the privacy policy first."""
    documents = parse(
        {"documents": {"privacy": DOCUMENT, "terms": {**DOCUMENT, "text": WORDS + "Less.\n"}}}, {}
    ).documents

    assert documents.asked
    assert documents.privacy is not None
    assert documents.terms is not None
    assert documents.versions == (documents.privacy.version, documents.terms.version)


def test_an_end_can_be_left_open_where_it_may() -> None:
    """Not of Sessions, and not of the time for second thoughts."""
    open_ends = {"idle_tokens": "unlimited", "idle_users": "unlimited", "ledger": "unlimited"}
    retention = parse({"retention": open_ends}, {}).retention

    assert (retention.idle_tokens, retention.idle_users, retention.ledger) == (None, None, None)
    assert problems_of(retention={"sessions": "unlimited"}) == (
        "[retention] sessions: must be a number of days from 1 to 36500",
    )
    assert problems_of(erasure={"grace_days": "unlimited"}) == (
        "[erasure] grace_days: must be a number of days from 0 to 36500",
    )


@pytest.mark.parametrize("table", ["documents", "retention", "erasure", "ledger"])
def test_a_table_has_only_what_it_has(table: str) -> None:
    """A misspelt rule would hold for nobody."""
    given = {"privacy": DOCUMENT, "terms": DOCUMENT} if table == "documents" else {}

    (unknown,) = problems_of(**{table: {**given, "zz": 1}})
    assert unknown.startswith(f"[{table}] zz: unknown; there are ")
    assert f"[{table}]: must be a table" in problems_of(**{table: "all"})


@pytest.mark.parametrize("days", [0, -1, 36501, True, "7", 1.5, None])
def test_days_that_are_none_are_refused(days: Any) -> None:
    """Nothing is guessed."""
    problem = "[retention] sessions: must be a number of days from 1 to 36500"

    assert problems_of(retention={"sessions": days}) == (problem,) or days is None


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (None, "must have file and revised, and nothing else"),
        ("privacy.md", "must have file and revised, and nothing else"),
        ({"text": WORDS}, "must have file and revised, and nothing else"),
        ({"text": 5, "revised": REVISED}, "must have file and revised, and nothing else"),
        ({"text": WORDS, "revised": "2026-11-22"}, "revised must be a date such as 2026-01-31"),
        ({"text": WORDS, "revised": True}, "revised must be a date such as 2026-01-31"),
        ({"text": "Nothing.", "revised": REVISED}, 'has no section; each begins with a line "## Its title"'),
    ],
    ids=str,
)
def test_a_document_that_cannot_be_shown_is_refused(document: Any, said: str) -> None:
    """People are to accept what they can read, and a version of it."""
    assert problems_of(documents={"privacy": document, "terms": DOCUMENT}) == (f"[documents] privacy: {said}",)


def test_asking_is_yes_or_no() -> None:
    """As for the ledger, an address is held shortened or not at all."""
    assert problems_of(documents={"ask": "no", "privacy": DOCUMENT, "terms": DOCUMENT}) == (
        "[documents] ask: must be true or false",
    )
    assert problems_of(ledger={"address": "whole"}) == ("[ledger] address: must be none or shortened",)


@pytest.mark.parametrize(
    ("by_law", "said"),
    [
        (7, ["[retention] by_law: must be a table of classes"]),
        (
            {"books": {**BOOKS, "actions": []}},
            [NO_LIST],
        ),
        (
            {"books": {**BOOKS, "actions": [1]}},
            [NO_LIST],
        ),
        ({"books": {**BOOKS, "ground": " "}}, ["[retention.by_law.books] ground: must name the law, in a sentence"]),
        ({"books": {k: BOOKS[k] for k in ("actions", "ground")}}, ["[retention.by_law.books] days: is missing"]),
        (
            {"books": {**BOOKS, "days": "unlimited"}},
            ["[retention.by_law.books] days: must be a number of days from 1 to 36500"],
        ),
    ],
    ids=str,
)
def test_what_a_law_wants_kept_has_its_ground(by_law: Any, said: list[str]) -> None:
    """And an end."""
    assert list(problems_of(retention={"by_law": by_law})) == said
