"""Owns what an operator does about one User: look at their Sessions, end them, switch the User off and on.

Refuses to guess whom: where an e-mail address stands for several Users, it takes an id to change anything.
"""

from __future__ import annotations

from broker.app import SystemClock
from broker.domain.ids import SessionId, UserId
from broker.domain.user import User, UserStatus
from broker.flows.sessions.end_by_operator import end_by_operator
from broker.flows.sessions.look import SeenSession, look_at_sessions
from broker.flows.users.set_status import set_status
from broker.operate import opened_vault, the_one_called, users_called
from broker.settings.model import Settings


async def list_sessions(settings: Settings, who: str) -> tuple[tuple[User, tuple[SeenSession, ...]], ...]:
    """Each User whom `who` stands for, with their Sessions. Raises `NotFound`, `NotReady` or `Fault`."""
    async with opened_vault(settings, right_keys=True) as (store, _, secrets):
        users = await users_called(who, store, secrets)
        return tuple([await look_at_sessions(user_id, store, SystemClock()) for user_id in users])


async def end_sessions_of(
    settings: Settings, who: str, which: SessionId | None
) -> tuple[UserId, tuple[SessionId, ...]]:
    """End one Session of a User, or all: whose, and which those were. Raises as above."""
    async with opened_vault(settings, right_keys=True) as (store, _, secrets):
        user_id = await the_one_called(who, store, secrets)
        return user_id, await end_by_operator(user_id, which, store, SystemClock())


async def switch_user(settings: Settings, who: str, status: UserStatus) -> tuple[UserId, bool]:
    """Switch a User off or on: whom, and whether that was different before. Raises as above."""
    async with opened_vault(settings, right_keys=True) as (store, _, secrets):
        user_id = await the_one_called(who, store, secrets)
        return user_id, await set_status(user_id, status, store, SystemClock())
