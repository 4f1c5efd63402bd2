"""How the rules of two policies differ that are about no single attribute."""

from __future__ import annotations

from typing import Any

import pytest

from broker.domain.policy import AttributePolicy
from broker.domain.policy_parse import parse
from broker.domain.policy_rules_diff import rule_differences

NEWS = {"news": {"label": "News", "purpose": "To tell"}}
BOOKS = {"actions": ["clients.apply"], "days": 100, "ground": "a law"}


def words(text: str = "Little.") -> dict[str, Any]:
    return {"text": f"## What\n{text}", "revised": 1795305600}


def policy(**tables: Any) -> AttributePolicy:
    return parse(tables, {})


DOCUMENTS = {"privacy": words(), "terms": words()}


@pytest.mark.parametrize(
    ("old", "new", "said", "widens"),
    [
        ({}, {}, [], False),
        ({}, {"retention": {"sessions": 31}}, ["~ [retention] sessions: 30 -> 31"], True),
        ({}, {"retention": {"sessions": 29}}, ["~ [retention] sessions: 30 -> 29"], False),
        ({}, {"retention": {"ledger": "unlimited"}}, ["~ [retention] ledger: 730 -> unlimited"], True),
        ({}, {"retention": {"idle_users": 900}}, ["~ [retention] idle_users: unlimited -> 900"], False),
        ({}, {"erasure": {"grace_days": 0}}, ["~ [erasure] grace_days: 7 -> 0"], False),
        ({}, {"ledger": {"address": "shortened"}}, ["~ [ledger] address: none -> shortened"], True),
        ({"ledger": {"address": "shortened"}}, {}, ["~ [ledger] address: shortened -> none"], False),
        ({}, {"purposes": NEWS}, ['+ [purposes.news]: "News: To tell"'], True),
        ({"purposes": NEWS}, {}, ['- [purposes.news]: "News: To tell"'], False),
        (
            {"purposes": NEWS},
            {"purposes": {"news": {**NEWS["news"], "purpose": "To sell"}}},
            ['~ [purposes.news]: "News: To tell" -> "News: To sell"'],
            True,
        ),
        (
            {},
            {"retention": {"by_law": {"books": BOOKS}}},
            ["+ [retention.by_law.books] clients.apply: 100 days, by a law"],
            True,
        ),
        (
            {"retention": {"by_law": {"books": BOOKS}}},
            {"retention": {"by_law": {"books": {**BOOKS, "days": 99}}}},
            ["~ [retention.by_law.books] clients.apply: 100 days, by a law -> 99 days, by a law"],
            False,
        ),
        (
            {"documents": DOCUMENTS},
            {"documents": {**DOCUMENTS, "ask": False}},
            ["~ [documents] ask: true -> false"],
            True,
        ),
        (
            {"documents": {**DOCUMENTS, "ask": False}},
            {"documents": DOCUMENTS},
            ["~ [documents] ask: false -> true"],
            False,
        ),
        (
            {"documents": DOCUMENTS},
            {"documents": {**DOCUMENTS, "grace_days": 31}},
            ["~ [documents] grace_days: 30 -> 31"],
            True,
        ),
    ],
    ids=str,
)
def test_a_rule_that_changed_is_said(old: Any, new: Any, said: list[str], widens: bool) -> None:
    """And whether more is kept, longer, or without being asked."""
    found = rule_differences(policy(**old), policy(**new))

    assert [str(difference) for difference in found] == said
    assert any(difference.widens for difference in found) is widens


def test_other_words_of_a_document_are_another_version_and_widen_nothing() -> None:
    """People are asked to accept them anyway."""
    found = rule_differences(
        policy(documents=DOCUMENTS), policy(documents={**DOCUMENTS, "terms": words("A little more.")})
    )

    assert [(one.rule, one.sign, one.widens) for one in found] == [("[documents.terms]", "~", False)]
    assert str(found[0]).count("version ") == 2
