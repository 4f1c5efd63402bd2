"""What Providers still have to be told, and when they are told again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.ids import ConnectionId
from broker.domain.outbox import (
    FIRST_RETRY,
    GIVE_UP_AFTER,
    LONGEST_WAIT,
    PendingRevocation,
    RevocationResult,
    next_wait,
)
from broker.domain.sealing import Place
from tests.domain.world import ADA, GOOGLE, NOW

PENDING = PendingRevocation(
    id="rev_1",
    connection_id=ConnectionId("con_1"),
    user_id=ADA,
    registration=GOOGLE,
    sealed_token=b"token-canary",
    tries=0,
    next_try_at=NOW,
    created_at=NOW,
    result=RevocationResult.PENDING,
)


@pytest.mark.parametrize(
    ("tries", "wait"), [(0, 5), (1, 10), (2, 20), (9, 2560), (10, 3600), (11, 3600), (20, 3600), (21, 3600)]
)
def test_the_wait_doubles_up_to_an_hour(tries: int, wait: int) -> None:
    """A Provider that is back is told soon, one that stays away is not pestered."""
    assert next_wait(tries) == wait


@given(st.integers(0, 10**6))
def test_every_wait_is_whole_seconds_within_its_limits(tries: int) -> None:
    """However often it was tried."""
    wait = next_wait(tries)

    assert isinstance(wait, int)
    assert FIRST_RETRY <= wait <= LONGEST_WAIT
    assert wait <= next_wait(tries + 1)


def test_a_provider_is_asked_many_times_before_giving_up() -> None:
    """A week holds more than 150 tries."""
    tries, at = 0, 0
    while at < GIVE_UP_AFTER:
        at += next_wait(tries)
        tries += 1

    assert GIVE_UP_AFTER == 7 * 24 * 3600
    assert tries > 150


def test_the_place_of_the_sealed_token_never_changes() -> None:
    """A later try opens what was sealed at first."""
    place = Place(
        table="pending_revocations",
        column="sealed_token",
        row_id="rev_1",
        owner="usr_ada",
        registration="google",
        client_org="-",
        generation=0,
    )

    assert PENDING.place == place
    assert replace(PENDING, tries=7, next_try_at=NOW + 99, sealed_token=None).place == place


def test_two_revocations_have_two_places() -> None:
    """Their ciphertexts cannot be exchanged."""
    assert replace(PENDING, id="rev_2").place != PENDING.place


def test_the_sealed_token_is_not_shown_by_repr() -> None:
    """Sealed or not, it is nobody's to read."""
    assert "canary" not in repr(PENDING)
