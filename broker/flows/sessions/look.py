"""Owns what an operator sees of a User's Sessions, also of those that are over and only keep Applications going.

Refuses to show anything that was kept of the person. Writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.errors import NotFound
from broker.domain.ids import ApplicationId, UserId
from broker.domain.session import Session
from broker.domain.user import User
from broker.flows.live_grant import lives
from broker.flows.ports import Clock
from broker.flows.store import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenSession:
    """A Session that is not ended. `applications`: those that have something of it which works, each once."""

    session: Session
    signed_in: bool
    applications: tuple[ApplicationId, ...]


async def look_at_sessions(user_id: UserId, store: Store, clock: Clock) -> tuple[User, tuple[SeenSession, ...]]:
    """The User, and every Session in which somebody is signed in or an Application goes on. Raises `NotFound`."""
    user = await store.user(user_id)
    if user is None:
        raise NotFound(detail="no User of this id is known")
    now = clock.now()
    living = [found for one in await store.access_of(user_id) for found in one.grants if lives(found, now)]
    seen = [
        SeenSession(
            session=session,
            signed_in=session.is_live(now),
            applications=tuple(dict.fromkeys(f.application.id for f in living if f.session.id == session.id)),
        )
        for session in await store.sessions_of(user_id, 0)
    ]
    return user, tuple(one for one in seen if one.signed_in or one.applications)
