"""Which tokens a notice means, and for how long it has to be known."""

from __future__ import annotations

from typing import Any

import pytest

from broker.domain.revocation import IN_FORCE_FOR, KEY_IN_FORCE_FOR, Claim, Notice, covers, in_force_for
from broker.domain.session_token import LIFETIME
from tests.domain.world import NOW

CLAIMS: dict[str, Any] = {
    "sub": "usr_ada",
    "sid": "ses_1",
    "jti": "gnt_1.tok_1",
    "client_id": "demo-app",
    "iat": NOW,
    "epoch": 7,
    "org_id": "initech",
    "authorizations": {"acme": ["invoices:read"], "globex": []},
}


def notice(claim: Claim, value: str, **more: int) -> Notice:
    return Notice(claim=claim, value=value, until=NOW + 300, **more)


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        (Claim.SID, "ses_1"),
        (Claim.SUB, "usr_ada"),
        (Claim.JTI, "gnt_1"),
        (Claim.JTI, "gnt_1.tok_1"),
        (Claim.CLIENT_ID, "demo-app"),
        (Claim.ORG, "initech"),
        (Claim.ORG, "globex"),
    ],
)
def test_a_token_is_meant_by_what_it_says(claim: Claim, value: str) -> None:
    """By nothing else, and not where it does not say it."""
    assert covers(notice(claim, value), CLAIMS)
    assert not covers(notice(claim, f"{value}x"), CLAIMS)
    assert not covers(notice(claim, value), {})


def test_a_key_is_named_by_no_claim() -> None:
    """Which key signed a token stands in its header."""
    assert not covers(notice(Claim.KID, "key-1"), CLAIMS | {"kid": "key-1"})


@pytest.mark.parametrize(("epoch", "meant"), [(None, True), (6, True), (7, False), (8, False), ("7", True)])
def test_with_an_epoch_only_older_tokens_are_meant(epoch: object, meant: bool) -> None:
    """And those that do not say theirs."""
    assert covers(notice(Claim.SUB, "usr_ada", epoch=7), CLAIMS | {"epoch": epoch}) is meant


@pytest.mark.parametrize(("made_at", "meant"), [(NOW - 1, True), (NOW, True), (NOW + 1, False), (None, True)])
def test_with_a_second_only_tokens_made_by_then_are_meant(made_at: int | None, meant: bool) -> None:
    """Within that second nobody can tell: they are."""
    assert covers(notice(Claim.CLIENT_ID, "demo-app", before=NOW), CLAIMS | {"iat": made_at}) is meant


def test_a_notice_is_known_until_the_last_token_has_expired() -> None:
    """One that was made while the revocation was being written, too. Who stole a key writes any expiry."""
    assert {in_force_for(claim) for claim in Claim if claim is not Claim.KID} == {IN_FORCE_FOR}
    assert IN_FORCE_FOR > LIFETIME
    assert in_force_for(Claim.KID) == KEY_IN_FORCE_FOR
