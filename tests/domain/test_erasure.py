"""How an account is erased, and the receipt for it."""

from __future__ import annotations

import hashlib
import json

import pytest

from broker.domain.erasure import Erased, ErasedToken, ErasureRules, receipt, results_of
from broker.domain.ids import RegistrationId
from broker.domain.outbox import PendingRevocation, RevocationResult
from broker.domain.sealing import SYSTEM_OWNER
from tests.domain.world import ADA, GOOGLE, NOW

CORP = RegistrationId("corp")
PAGES = {GOOGLE: "https://google.example/permissions", CORP: None}


def pending(result: RevocationResult) -> PendingRevocation:
    return PendingRevocation(
        id="rev_1",
        connection_id=None,
        user_id=SYSTEM_OWNER,  # type: ignore[arg-type]
        registration=GOOGLE,
        sealed_token=None,
        tries=1,
        next_try_at=NOW + 5,
        created_at=NOW,
        result=result,
    )


def erased(*tokens: ErasedToken) -> Erased:
    return Erased(user_id=ADA, at=NOW, destroyed={"sessions": 2}, tokens=tokens)


TOLD = ErasedToken(registration=GOOGLE, pending_id="rev_1", result=RevocationResult.PENDING)


def test_there_is_a_week_for_second_thoughts() -> None:
    """Unless the policy says otherwise; none at all means now."""
    assert ErasureRules().erase_at(NOW) == NOW + 7 * 24 * 3600
    assert ErasureRules(grace_days=0).erase_at(NOW) == NOW


def test_a_receipt_names_nobody() -> None:
    """Only whoever knows the id can tell whom it is about."""
    document = receipt(erased(), {}, PAGES, issuer="https://id.example")

    assert document == {
        "issuer": "https://id.example",
        "erased_at": NOW,
        "user": hashlib.sha256(ADA.encode()).hexdigest(),
        "destroyed": {"sessions": 2},
        "tokens": [],
    }
    assert ADA not in json.dumps(document)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (RevocationResult.REVOKED, {"result": "revoked"}),
        (RevocationResult.ALREADY_DEAD, {"result": "already_dead"}),
        (RevocationResult.PENDING, {"result": "pending", "next_try_at": NOW + 5}),
        (RevocationResult.UNSUPPORTED, {"result": "unsupported", "page": PAGES[GOOGLE]}),
        (RevocationResult.GIVEN_UP, {"result": "given_up", "page": PAGES[GOOGLE]}),
    ],
)
def test_a_receipt_says_what_each_provider_was_told(result: RevocationResult, said: dict[str, object]) -> None:
    """When it is asked again, or where the person can see to it."""
    document = receipt(erased(TOLD), {"rev_1": pending(result)}, PAGES, issuer="https://id.example")

    assert document["tokens"] == [{"registration": "google", **said}]
    assert results_of(document) == [("google", result.value)]


def test_a_provider_that_cannot_be_told_has_a_page_or_has_none() -> None:
    """And what the outbox has forgotten is told as it was."""
    unsupported = ErasedToken(registration=CORP, pending_id=None, result=RevocationResult.UNSUPPORTED)
    document = receipt(erased(unsupported, TOLD), {}, PAGES, issuer="https://id.example")

    assert document["tokens"] == [
        {"registration": "corp", "result": "unsupported"},
        {"registration": "google", "result": "pending"},
    ]
