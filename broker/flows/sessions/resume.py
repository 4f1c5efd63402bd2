"""Owns telling who is signed in, by the browser's cookie.

Refuses ended and expired Sessions, and Users who are switched off.
"""

from __future__ import annotations

from broker.domain.changes import TouchSession
from broker.domain.user import UserStatus
from broker.flows.found import LiveSession
from broker.flows.ports import Ports


async def resume(cookie: str | None, ports: Ports) -> LiveSession | None:
    """The Session behind a cookie's value, or None. One read; now and then one small write."""
    if not cookie:
        return None
    found = await ports.store.session(ports.secrets.keyed_hash("session", cookie))
    now = ports.clock.now()
    if found is None or not found.session.is_live(now) or found.user.status is not UserStatus.ACTIVE:
        return None
    if found.session.needs_touch(now):
        await ports.store.write(TouchSession(session_id=found.session.id, at=now))
    return found
