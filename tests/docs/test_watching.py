"""Metrics, log and ledger: what an operator can see has a row, and every row is to be seen."""

from __future__ import annotations

import re

import pytest

from broker.domain.logout import LogoutResult
from broker.domain.outbox import RevocationResult
from broker.storage import tables
from broker.web.feed import End
from broker.web.measure import Measures
from broker.web.routes import TABLE
from tests.docs.codes import collect
from tests.docs.reading import code, names, reference, rows, section, table
from tests.docs.watching import events, lines


def _metrics() -> dict[str, tuple[str, set[str]]]:
    """Metric -> its type and labels, as a scrape shows them."""
    measures = Measures()
    measures.answered("token", 200, 0.01)
    measures.refused("token", "invalid_grant")
    measures.follow_ended("slow", 1)
    measures.told_of_logouts("delivered")
    measures.removed("tokens", 1)
    text = measures.text().decode()
    found = {}
    for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE):
        labels = "".join(re.findall(rf"^{name}\w*{{(.*?)}} ", text, re.MULTILINE))
        found[name] = (kind, set(re.findall(r"(\w+)=", labels)) - {"le"})
    return {name: metric for name, metric in found.items() if not name.endswith("_created")}


def test_every_metric_has_a_row() -> None:
    """With its type and its labels."""
    told = table(reference("metrics").partition("| label |")[0])

    assert {name: (row[1], set(code(row[2]))) for name, row in told.items()} == _metrics()


def test_every_label_has_a_row() -> None:
    """And what to watch names metrics, labels and values that there are."""
    described = "| label |" + reference("metrics").partition("| label |")[2].partition("## ")[0]
    labels = set().union(*(labels for _, labels in _metrics().values()))

    assert set(names(described)) == labels
    values = {row[0] for row in TABLE} | collect().every | {end.value for end in End} | {"503", *LogoutResult}
    watched = re.findall(r"(broker_\w+){(\w+)=\"(\w+)\"}", section(reference("metrics"), "What to watch"))
    assert [line for line in watched if line[1] not in _metrics()[line[0]][1] or line[2] not in values] == []


def test_every_line_of_the_log_has_a_row() -> None:
    """JSON lines with their fields, the others by their text; each with its level."""
    page = reference("logs")
    told_json = table(page.partition("## ")[0])
    told_text = table(section(page, "Providers, Redis, libraries"))

    json = {(line.event, line.level, line.fields) for line in lines() if line.is_json}
    assert {(event, row[1], frozenset(code(row[2]))) for event, row in told_json.items()} == json
    plain = {(line.event, line.level) for line in lines() if not line.is_json}
    assert {(event, row[1]) for event, row in told_text.items()} == plain


@pytest.mark.parametrize("field", ["action", "outcome", "reason"])
def test_every_line_of_the_ledger_can_be_read_out_of_the_code(field: str) -> None:
    """What cannot be followed could not be documented."""
    assert events(field)[1] == []


def test_every_action_has_a_row() -> None:
    """Deeds by what they are, refusals by their route."""
    page = reference("ledger")

    assert set(names(section(page, "Deeds"))) == events("action")[0]
    told = {code(row[0])[0]: code(row[1])[0] for row in rows(section(page, "Refusals"))}
    assert told == {name: path for name, path, _, _, audited in TABLE if audited}


def test_every_outcome_and_reason_has_a_row() -> None:
    """A reason is a code of an error, a result of a revocation or a logout, or stands in its own row."""
    page = reference("ledger")

    assert set(names(section(page, "Outcomes"))) == events("outcome")[0] | {"refused", "failed"}
    told = set(names(section(page, "Reasons")))
    results = {result.value for result in (*RevocationResult, *LogoutResult)}
    assert told == events("reason")[0] - collect().every | results


def test_every_column_of_the_ledger_has_a_row() -> None:
    """In its order."""
    assert names(reference("ledger").partition("## ")[0]) == [column.name for column in tables.ledger.columns]
