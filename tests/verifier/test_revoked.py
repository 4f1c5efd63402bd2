"""The set of what was revoked: who is meant, when it is forgotten, and what happens when it is full."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_ops_verifier.revoked import Mark, Revocation, RevokedSet, marks_of, revocation
from partner_ops_verifier.testing import SessionTokens
from tests.verifier.hands import NOW

SID: Mark = ("sid", "ses_1")
LEEWAY = 10


def entry(mark: Mark = SID, **more: Any) -> Revocation:
    return Revocation(mark=mark, until=more.pop("until", NOW + 300), **more)


def holding(*entries: Revocation, most: int = 100) -> RevokedSet:
    held = RevokedSet(most=most, leeway=LEEWAY)
    for one in entries:
        held.add(one, NOW)
    return held


def test_everything_that_a_token_says_can_be_revoked() -> None:
    """Session, User, token, Application, key, and each Client, also the one that it is narrowed to."""
    tokens = SessionTokens(now=NOW)
    rights = {"acme": ["x"], "globex": ["y"]}
    marks = marks_of(tokens.verifier().verify(tokens.mint("usr_1", rights, jti="tok", client_id="app")), "the-key")
    narrowed = marks_of(tokens.verifier().verify(tokens.mint(org_id="acme", sid=None)), "the-key")

    assert set(marks) == {
        ("sid", "ses_test"),
        ("sub", "usr_1"),
        ("jti", "tok"),
        ("client_id", "app"),
        ("kid", "the-key"),
        ("org", "acme"),
        ("org", "globex"),
    }
    assert ("org", "acme") in narrowed
    assert ("jti", "gnt_test") in narrowed
    assert "sid" not in dict(narrowed)


def test_an_empty_set_revokes_nothing() -> None:
    """And knows everything."""
    assert not holding().covers([SID], None, NOW)
    assert holding().complete(NOW)


@pytest.mark.parametrize("mark", [("sid", "ses_2"), ("sub", "ses_1"), ("jti", "ses_1")])
def test_only_the_token_that_says_so_is_meant(mark: Mark) -> None:
    """The claim and its value."""
    assert holding(entry()).covers([SID], None, NOW)
    assert not holding(entry()).covers([mark], None, NOW)


@pytest.mark.parametrize(("epoch", "meant"), [(None, True), (0, True), (6, True), (7, False), (8, False)])
def test_an_epoch_revokes_the_older_ones(epoch: int | None, meant: bool) -> None:
    """A token without one is as old as can be."""
    assert holding(entry(epoch=7)).covers([SID], epoch, NOW) is meant


@pytest.mark.parametrize(("issued_at", "meant"), [(NOW - 1, True), (NOW, True), (NOW + 1, False)])
def test_a_moment_revokes_what_was_made_by_then(issued_at: int, meant: bool) -> None:
    """Within the second nobody can tell."""
    assert holding(entry(before=NOW)).covers([SID], None, issued_at) is meant


def test_epoch_and_moment_narrow_each_other() -> None:
    """Both must hold."""
    held = holding(entry(epoch=7, before=NOW))

    assert held.covers([SID], 6, NOW)
    assert not held.covers([SID], 6, NOW + 1)
    assert not held.covers([SID], 7, NOW)


def test_several_of_one_mark_are_all_held() -> None:
    """And the same one twice is one, for as long as the longer."""
    held = holding(entry(epoch=7), entry(before=NOW), entry(epoch=7, until=NOW + 10), entry(epoch=7, until=NOW + 600))

    assert len(held) == 2
    held.forget_expired(NOW + 320)
    assert len(held) == 1
    assert held.covers([SID], 6, NOW + 100)


def test_an_entry_is_forgotten_when_its_tokens_are_over_by_every_clock() -> None:
    """Leeway included: until then such a token would be accepted."""
    held = holding(entry(), entry(("sid", "other"), until=NOW + 400))

    held.forget_expired(NOW + 300 + LEEWAY)
    assert held.covers([SID], None, NOW)
    held.forget_expired(NOW + 300 + LEEWAY + 1)
    assert not held.covers([SID], None, NOW)
    assert len(held) == 1


def test_what_is_over_is_not_held_at_all() -> None:
    """A feed may repeat what is old."""
    assert len(holding(entry(until=NOW - LEEWAY - 1))) == 0
    assert len(holding(entry(until=NOW - LEEWAY))) == 1


def test_a_full_set_knows_that_it_does_not_know_everything() -> None:
    """For as long as what it could not hold matters; it makes room first."""
    held = holding(entry(("sid", "a")), entry(("sid", "b"), until=NOW + 20), most=2)
    held.add(entry(("sid", "c"), until=NOW + 100), NOW)

    assert len(held) == 2
    assert not held.complete(NOW)
    assert not held.complete(NOW + 100 + LEEWAY)
    assert held.complete(NOW + 100 + LEEWAY + 1)
    held.add(entry(("sid", "d")), NOW + 50)
    assert held.covers([("sid", "d")], None, NOW)


def test_an_unknown_kind_of_revocation_is_not_taken_for_known() -> None:
    """A later broker may revoke by what nobody here has heard of."""
    held = holding(entry(("device", "d"), until=NOW + 20))

    assert len(held) == 0
    assert not held.complete(NOW)
    assert held.complete(NOW + 20 + LEEWAY + 1)


def test_a_snapshot_takes_the_place_of_everything() -> None:
    """What it does not name is good again, and the set is whole."""
    held = holding(entry(), most=1)
    held.add(entry(("sid", "b")), NOW)
    held.replace([entry(("sid", "c"))], NOW)

    assert not held.covers([SID], None, NOW)
    assert held.covers([("sid", "c")], None, NOW)
    assert (len(held), held.complete(NOW)) == (1, True)


def test_a_document_becomes_an_entry() -> None:
    """Null is absent; what is not known is ignored."""
    document = {"claim": "sub", "value": "usr_1", "epoch": 3, "before": None, "until": NOW, "why": "sign-out"}

    assert revocation(document) == Revocation(mark=("sub", "usr_1"), until=NOW, epoch=3, before=None)


@pytest.mark.parametrize(
    "change",
    [
        {"claim": None},
        {"claim": 7},
        {"value": None},
        {"value": ""},
        {"value": 7},
        {"value": "x" * 513},
        {"until": None},
        {"until": True},
        {"until": 1.5},
        {"epoch": "3"},
        {"epoch": True},
        {"before": 1.5},
    ],
)
def test_what_is_no_revocation_is_refused(change: dict[str, Any]) -> None:
    """Nobody guesses what was meant."""
    with pytest.raises(ValueError, match=r"revocation|whole number"):
        revocation({"claim": "sub", "value": "usr_1", "until": NOW} | change)


ENTRIES = st.builds(
    Revocation,
    mark=st.tuples(st.sampled_from(["sid", "sub"]), st.sampled_from("ab")),
    until=st.integers(NOW - 20, NOW + 20),
    epoch=st.none() | st.integers(0, 3),
    before=st.none() | st.integers(NOW - 3, NOW + 3),
)


@given(st.lists(ENTRIES, max_size=30), st.integers(0, 20), st.integers(0, 3), st.integers(NOW - 3, NOW + 3))
def test_the_set_says_what_a_plain_list_would(
    entries: list[Revocation], later: int, epoch: int, issued_at: int
) -> None:
    """Whatever is held, merged and forgotten: nothing that matters is lost, nothing is made up."""
    held = holding(*entries)
    now = NOW + later
    held.forget_expired(now)
    alive = [one for one in entries if one.until + LEEWAY >= now]

    for mark in (("sid", "a"), ("sub", "b")):
        assert held.covers([mark], epoch, issued_at) == any(
            one.mark == mark and one.covers(epoch, issued_at) for one in alive
        )
    assert len(held) == len({(one.mark, one.epoch, one.before) for one in alive})
