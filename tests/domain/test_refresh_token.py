"""Refresh tokens: their form, and what a genuine one is at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.application import ApplicationType
from broker.domain.grant import REFRESH_LIFETIME
from broker.domain.ids import GrantId, KeyedHash
from broker.domain.refresh_token import (
    IDLE_LIFETIME,
    REPLAY_WITHIN,
    RefreshToken,
    Standing,
    named_text,
    parse,
    proven_text,
    rotates,
    standing,
)
from tests.domain.world import APPLICATION, GRANT, NOW

ID = GrantId("gnt_abcdefghijklmnopqrstuvwx23")
OFFLINE = replace(GRANT, id=ID, scopes=("openid", "offline_access"), created_at=NOW, redeemed_at=NOW)


def token(generation: int = 0, proof: str = "0" * 64) -> RefreshToken:
    return RefreshToken(grant_id=ID, generation=generation, proof=proof)


@given(st.integers(0, 9_999_999_999), st.text("0123456789abcdef", min_size=64, max_size=64))
def test_what_is_written_is_read_again(generation: int, proof: str) -> None:
    """Whatever its place in the chain."""
    assert parse(str(token(generation, proof))) == token(generation, proof)


@given(st.text())
def test_anything_else_is_none_of_ours(text: str) -> None:
    """Without an error."""
    assert parse(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{0}",
        "{0}.0",
        "{0}.0.{1}0",
        "{0}.00.{1}",
        "{0}.-1.{1}",
        "{0}.1e3.{1}",
        "{0}.0.{1}\n",
        " {0}.0.{1}",
        "x.0.{1}",
    ],
)
def test_another_spelling_is_none_of_ours(text: str) -> None:
    """There is one way to write a token."""
    assert parse(text.format(ID, "a" * 64)) is None
    assert parse(f"{ID}.0.{'A' * 64}") is None


def test_its_proof_is_of_one_grant_one_code_and_one_place() -> None:
    """Nothing of it can be moved."""
    texts = {
        proven_text(OFFLINE, 0),
        proven_text(OFFLINE, 1),
        proven_text(replace(OFFLINE, id=GrantId("gnt_other")), 0),
        proven_text(replace(OFFLINE, code=KeyedHash("other")), 0),
    }
    assert len(texts) == 4
    assert len({named_text(GrantId(ID), 0), named_text(GrantId(ID), 1), named_text(GrantId("gnt_other"), 0)}) == 3


def test_its_proof_has_no_repr() -> None:
    """Logs hold none."""
    assert "0000" not in repr(token())


@pytest.mark.parametrize("kind", list(ApplicationType))
def test_only_public_applications_rotate(kind: ApplicationType) -> None:
    """A confidential one has its secret beside it."""
    assert rotates(replace(APPLICATION, type=kind)) is (kind is ApplicationType.PUBLIC)


def test_the_newest_is_good_until_it_was_idle_too_long() -> None:
    """From its last use, or from the beginning."""
    used = replace(OFFLINE, refreshed_at=NOW + 5)

    assert standing(token(), OFFLINE, NOW + IDLE_LIFETIME - 1) is Standing.NEWEST
    assert standing(token(), OFFLINE, NOW + IDLE_LIFETIME) is Standing.OVER
    assert standing(token(), used, NOW + IDLE_LIFETIME + 4) is Standing.NEWEST
    assert standing(token(), used, NOW + IDLE_LIFETIME + 5) is Standing.OVER


def test_however_often_it_is_used_it_ends() -> None:
    """G07-09: thirty days from the sign-in."""
    used = replace(OFFLINE, refreshed_at=NOW + REFRESH_LIFETIME - 1)

    assert standing(token(), used, NOW + REFRESH_LIFETIME - 1) is Standing.NEWEST
    assert standing(token(), used, NOW + REFRESH_LIFETIME) is Standing.OVER


@pytest.mark.parametrize("ended", [{"revoked_at": NOW}, {"redeemed_at": None}])
def test_what_is_revoked_or_was_never_fetched_gives_nothing(ended: dict[str, int | None]) -> None:
    """Neither the newest nor the one before it: nothing comes to life again."""
    grant = replace(OFFLINE, generation=1, refreshed_at=None, **ended)  # type: ignore[arg-type]

    assert {standing(token(n), grant, NOW) for n in range(3)} == {Standing.OVER}


def test_the_one_before_is_replayed_for_a_while() -> None:
    """G07-07: ten seconds from the rotation; then it was used twice."""
    grant = replace(OFFLINE, generation=3, refreshed_at=NOW)

    assert standing(token(2), grant, NOW + REPLAY_WITHIN - 1) is Standing.REPLAYED
    assert standing(token(2), grant, NOW + REPLAY_WITHIN) is Standing.REUSED
    assert standing(token(1), grant, NOW) is Standing.REUSED
    assert standing(token(0), grant, NOW) is Standing.REUSED


def test_one_of_the_future_is_nobodys_fault() -> None:
    """The rows were put back to an older state: it gives nothing, and ends nothing."""
    assert standing(token(1), OFFLINE, NOW) is Standing.OVER
