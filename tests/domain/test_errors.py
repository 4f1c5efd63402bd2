"""The ways in which the broker says no: a code, a sentence for people, and detail for the log."""

from __future__ import annotations

import pytest

from broker.domain.errors import BrokerError, Conflict, Fault, NotFound, OAuthRefusal, Refusal, SealBroken


@pytest.mark.parametrize(
    ("error", "code", "detail"),
    [
        (BrokerError("a_code", "A sentence.", detail="why"), "a_code", "why"),
        (Refusal("a_code", "A sentence."), "a_code", ""),
        (OAuthRefusal("invalid_grant", "A sentence.", detail="why"), "invalid_grant", "why"),
        (NotFound(detail="why"), "not_found", "why"),
        (NotFound(), "not_found", ""),
        (Fault("busy", "A sentence.", detail="why"), "busy", "why"),
        (Conflict("TakeAttempt"), "conflict", "TakeAttempt"),
        (SealBroken(), "seal_broken", ""),
    ],
    ids=["any", "refusal", "OAuth", "not found", "not found, no detail", "fault", "conflict", "seal"],
)
def test_an_error_has_a_code_a_sentence_and_detail(error: BrokerError, code: str, detail: str) -> None:
    """The text of the exception is for the log: the code, and the detail where there is one."""
    assert (error.code, error.detail) == (code, detail)
    assert error.sentence.endswith(".")
    assert str(error) == f"{code}: {detail or error.sentence}"


def test_a_conflict_names_what_lost_the_race() -> None:
    """Flows decide by it."""
    assert Conflict("TakeAttempt").what == "TakeAttempt"


@pytest.mark.parametrize(("fault", "seconds"), [(Fault("busy", "A."), 5), (Fault("busy", "A.", retry_after=30), 30)])
def test_a_fault_says_when_to_try_again(fault: Fault, seconds: int) -> None:
    """In seconds."""
    assert fault.retry_after == seconds


def test_what_the_caller_must_change_is_told_apart_from_what_failed() -> None:
    """The first is a 4xx, the second a 503, a lost race and a broken seal are neither."""
    assert issubclass(OAuthRefusal, Refusal)
    assert issubclass(NotFound, Refusal)
    assert not issubclass(Fault, Refusal)
    assert not issubclass(Conflict, Refusal | Fault)
    assert not issubclass(SealBroken, Refusal | Fault)
