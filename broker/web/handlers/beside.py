"""Owns what is said of all that is kept beside attributes: what it is, how much, why, and until when.

Refuses to promise an end that the policy does not set.
"""

from __future__ import annotations

from broker.domain.policy import AttributePolicy
from broker.flows.kept import EverythingKept
from broker.web.pages.data import BesideRow
from broker.web.pages.parts import Link
from broker.web.pages.shell import Links


def beside_rows(kept: EverythingKept, policy: AttributePolicy) -> tuple[BesideRow, ...]:
    """A row for each class of which there is something."""
    links, rules = Links(), policy.retention
    held = sum(c.connection.sealed_tokens is not None for c in kept.connections)
    count = {name: len(rows) for name, rows in kept.records.items()}
    after = _days(rules.sessions, "after it ended")
    classes = (
        (
            count["identities"],
            "fingerprint of an account, from which nobody can tell whose it is",
            "fingerprints of accounts, from which nobody can tell whose they are",
            "So that we know you again when you sign in.",
            "Until your account is erased",
            Link(label="Connections", href=links.connections),
        ),
        (
            held,
            "provider that lets us in for you",
            "providers that let us in for you",
            "To end that access there when you disconnect.",
            _until("Until you disconnect", rules.idle_tokens, "without being used"),
            Link(label="Connections", href=links.connections),
        ),
        (
            count["sessions"],
            "signed-in browser",
            "signed-in browsers, also of late",
            "To keep you signed in, and to let you end it.",
            after,
            Link(label="Sessions", href=links.sessions),
        ),
        (
            count["grants"],
            "access of an application",
            "accesses of applications",
            "To let in what you signed in to, and to end it when you say so.",
            after,
            Link(label="Applications", href=links.applications),
        ),
        (
            count["consents"],
            "application that you allowed",
            "applications that you allowed",
            "So that it need not ask again.",
            "Until you take it away",
            Link(label="Applications", href=links.applications),
        ),
        (
            count["authorizations"],
            "organisation that you work for",
            "organisations that you work for",
            "So that you may do there what it lets you.",
            "Until it withdraws that",
            Link(label="Account", href=links.account),
        ),
        (
            count["acceptances"],
            "acceptance of a document",
            "acceptances of documents",
            "To prove what you agreed to.",
            "Until your account is erased",
            None,
        ),
        (
            count["choices"],
            "choice about something optional",
            "choices about something optional",
            "To do what you said.",
            "Until your account is erased",
            Link(label="Choices", href=links.choices),
        ),
        (
            count["ledger"],
            "line in our record",
            "lines in our record",
            "To prove what was done and decided. It holds no values but, at most, a shortened network address.",
            "No end is set" if rules.ledger is None else _days(rules.ledger, "after it was written"),
            None,
        ),
    )
    return tuple(
        BesideRow(what=f"{number} {one if number == 1 else many}", why=why, until=until, where=where)
        for number, one, many, why, until, where in classes
        if number
    )


def _until(end: str, days: int | None, what: str) -> str:
    return end if days is None else f"{end}, or {_days(days, what)}"


def _days(days: int, what: str) -> str:
    return f"{days} day {what}" if days == 1 else f"{days} days {what}"
