"""What is written down about decisions."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import pytest

from broker.domain.ledger import AuditEvent
from tests.domain.world import NOW


def test_an_event_says_what_was_decided_when_and_how() -> None:
    """The rest is empty unless there is something to name."""
    event = AuditEvent(at=NOW, action="sign_in.finish", outcome="done")

    assert (event.reason, event.request_id) == ("", "")
    assert {event.user_id, event.application_id, event.registration, event.client_org, event.object_id} == {None}


def test_an_event_has_no_room_for_values_or_free_text() -> None:
    """Ids, codes and names, and what is sealed under the User's own key: a new field is a decision about privacy."""
    assert [field.name for field in fields(AuditEvent)] == [
        "at",
        "action",
        "outcome",
        "reason",
        "request_id",
        "user_id",
        "application_id",
        "registration",
        "client_org",
        "object_id",
        "released",
        "ground",
        "sealed",
    ]


def test_an_event_cannot_be_changed() -> None:
    """What was decided stays decided."""
    event = AuditEvent(at=NOW, action="sign_in.finish", outcome="refused", reason="invalid_state")

    with pytest.raises(FrozenInstanceError):
        event.outcome = "done"  # type: ignore[misc]
