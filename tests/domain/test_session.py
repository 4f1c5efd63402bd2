"""A Session at the edges of its life."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain.ids import ConnectionId, KeyedHash, SessionId
from broker.domain.session import ABSOLUTE_LIFETIME, IDLE_LIFETIME, TOUCH_EVERY, Session, new_session, renewed
from tests.domain.world import ADA, NOW, SESSION

FRESH = replace(SESSION, auth_time=NOW, last_seen_at=NOW)
BUSY = replace(FRESH, last_seen_at=NOW + ABSOLUTE_LIFETIME - 1)


def test_a_session_that_is_renewed_begins_anew() -> None:
    """Under another cookie; it is the same one for whatever came of it."""
    anew = renewed(
        SESSION, secret=KeyedHash("another"), browser="Safari", upstream_sid=KeyedHash("upstream"), now=NOW + 9
    )

    assert anew == replace(
        SESSION,
        secret=KeyedHash("another"),
        browser="Safari",
        upstream_sid=KeyedHash("upstream"),
        auth_time=NOW + 9,
        last_seen_at=NOW + 9,
    )


def test_a_new_session_begins_now() -> None:
    """And is live."""
    session = new_session(
        id=SessionId("ses_1"),
        secret=KeyedHash("secret-canary"),
        user_id=ADA,
        connection_id=ConnectionId("con_1"),
        browser="Firefox on Linux",
        upstream_sid=None,
        now=NOW,
    )

    assert session == FRESH
    assert session.is_live(NOW)


@pytest.mark.parametrize(
    ("session", "now", "live"),
    [
        (FRESH, NOW + IDLE_LIFETIME - 1, True),
        (FRESH, NOW + IDLE_LIFETIME, False),
        (BUSY, NOW + ABSOLUTE_LIFETIME - 1, True),
        (BUSY, NOW + ABSOLUTE_LIFETIME, False),
        (replace(FRESH, ended_at=NOW), NOW, False),
        (replace(FRESH, ended_at=NOW + 100), NOW, False),
        (replace(FRESH, ended_at=0), NOW, False),
    ],
    ids=["not yet idle", "idle", "not yet old", "old", "ended", "ended by a clock ahead", "ended at the epoch"],
)
def test_a_session_lives_until_it_is_idle_old_or_ended(session: Session, now: int, live: bool) -> None:
    """The second of the limit is the first in which it is over."""
    assert session.is_live(now) is live


@pytest.mark.parametrize(("later", "due"), [(-5, False), (0, False), (TOUCH_EVERY - 1, False), (TOUCH_EVERY, True)])
def test_that_it_was_seen_is_written_now_and_then(later: int, due: bool) -> None:
    """Reading a page costs no write."""
    assert FRESH.needs_touch(NOW + later) is due


def test_a_session_lasts_twelve_hours_and_an_hour_without_anybody() -> None:
    """NIST SP 800-63B-4 section 2.2.3; and being busy is noticed long before that hour is over."""
    assert (ABSOLUTE_LIFETIME, IDLE_LIFETIME, TOUCH_EVERY) == (12 * 3600, 3600, 60)


def test_the_hash_of_its_cookie_is_not_shown_by_repr() -> None:
    """Nor anything else that opens it."""
    assert "canary" not in repr(SESSION)
