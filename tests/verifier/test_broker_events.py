"""The broker's own events: the verifier reads them, and means the same tokens by them as the broker does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.revocation import Claim, Notice, covers
from broker.web import events
from partner_ops_verifier import Feed
from partner_ops_verifier.feed import AccessToken, Following
from partner_ops_verifier.published import Source
from partner_ops_verifier.revoked import CLAIMS, marks_of
from partner_ops_verifier.testing import SessionTokens
from tests.verifier.hands import NOW

TOKENS = SessionTokens(now=NOW)
VERIFIER = TOKENS.verifier()
IDS = st.sampled_from(["a", "b", "a.1", "b.1"])
NOTICES = st.builds(
    Notice,
    claim=st.sampled_from(Claim),
    value=IDS,
    epoch=st.none() | st.integers(0, 3),
    before=st.none() | st.integers(NOW - 3, NOW + 3),
    until=st.just(NOW + 330),
)
SESSIONS = st.fixed_dictionaries(
    {"sub": IDS, "sid": IDS, "jti": IDS, "client_id": IDS, "iat": st.integers(NOW - 3, NOW + 3)},
    optional={"epoch": st.integers(0, 3), "authorizations": st.dictionaries(IDS, st.just(["x"]), max_size=2)},
)


def following() -> Following:
    follower = Following(Source(issuer="https://id.example"), Feed(application_id="reports", secret="s"), leeway=10)
    follower.request(AccessToken(text="access", good_until=1e9))
    return follower


def test_every_kind_of_notice_is_known() -> None:
    """A new one makes an older verifier's set incomplete."""
    assert set(Claim) == CLAIMS


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_stream_is_read_in_whatever_pieces(size: int) -> None:
    """A snapshot, events under cursors that may stay where they are, heartbeats."""
    notices = [Notice(claim=Claim.SUB, value=f"usr_{number}", until=NOW + 330) for number in range(4)]
    stream = (
        events.snapshot(0, notices[:1])
        + events.heartbeat(NOW)
        + events.numbered(0, events.revoked(notices[1]))
        + events.numbered(5, events.revoked(notices[2]))
        + events.numbered(5, events.revoked(notices[3]))
        + events.heartbeat(NOW)
    )
    follower = following()
    for begin in range(0, len(stream), size):
        follower.received(stream[begin : begin + size], NOW, 0.0)

    assert follower.cursor == 5
    assert all(follower.revoked.covers([("sub", f"usr_{number}")], None, NOW) for number in range(4))


@given(st.lists(NOTICES, min_size=1, max_size=4), SESSIONS)
def test_both_mean_the_same_tokens(notices: list[Notice], claims: dict[str, Any]) -> None:
    """Whatever a notice names; which key signed a token the broker does not look at."""
    session = VERIFIER.verify(TOKENS.mint(**claims))
    follower = following()
    follower.received(events.snapshot(7, notices[:1]), NOW, 0.0)
    for notice in notices[1:]:
        follower.received(events.numbered(8, events.revoked(notice)), NOW, 0.0)
    revoked = follower.revoked.covers(marks_of(session, "key"), session.epoch, session.issued_at)

    assert revoked == any(covers(notice, session.claims()) for notice in notices)
