"""What is over goes to the same end whoever is killed, and what is sealed for the outbox still opens afterwards."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from broker.crypto.vault import LocalVault
from broker.domain.changes import AddSession, EndSession, PutHold, Record
from broker.domain.connection import UpstreamTokens
from broker.domain.hold import Hold
from broker.domain.ids import KeyedHash, SessionId, UserId
from broker.domain.ledger import AuditEvent
from broker.domain.session import new_session
from broker.flows.ledger.chain import chain
from broker.flows.privacy.retain import LEASE, LEASE_SECONDS
from broker.storage.store import SqlStore
from tests.fakes.clock import SettableClock
from tests.security.deployment import NOW, OLD, Deployment, deploy
from tests.security.killed import LONG_AFTER, killed, killed_at_each_step

pytestmark = pytest.mark.anyio


async def test_a_run_that_is_killed_at_any_step_is_carried_on(tmp_path: Path) -> None:
    """Each Connection's Provider is told once, and the held User has everything."""
    made = await inhabited(tmp_path)
    async for copy in killed_at_each_step(made, tmp_path, "retain", least=9):
        assert not await killed(copy.config, "retain_later", 999, "before")
        await is_done(copy)


async def test_a_run_that_is_killed_again_and_again_comes_to_the_same_end(tmp_path: Path, postgres_url: str) -> None:
    """On PostgreSQL: each process goes on where the one before it was killed, at a write or just after it."""
    made = await inhabited(tmp_path, postgres_url)
    for step, when in ((2, "before"), (2, "after"), (4, "after"), (4, "before")):
        assert await killed(made.config, "retain", step, when)
        async with SqlStore(made.url) as store:  # nobody waits for the lease of who was killed
            assert await store.take_lease(LEASE, "run_0", NOW + LONG_AFTER + LEASE_SECONDS, -2 * LEASE_SECONDS)
    assert not await killed(made.config, "retain_later", 999, "before")
    await is_done(made)


async def inhabited(folder: Path, url: str | None = None) -> Deployment:
    """Three Users, each with an ended Session and an event; the first is held."""
    made = await deploy(folder, url)
    await made.add_users(3, OLD)
    async with SqlStore(made.url) as store:
        for number, user_id in enumerate(made.users):
            (found,) = await store.connections_of(user_id)
            session = new_session(
                id=SessionId(f"ses_{number}"),
                secret=KeyedHash(f"{number:064x}"),
                user_id=user_id,
                connection_id=found.connection.id,
                browser="Firefox on Linux",
                upstream_sid=None,
                now=NOW,
            )
            event = AuditEvent(at=NOW, action="refresh", outcome="done", user_id=user_id)
            await store.write(AddSession(session=session), Record(event=event))
            await store.write(EndSession(session_id=session.id, user_id=user_id, at=NOW))
        await store.write(PutHold(hold=Hold(user_id=made.users[0], reference="2027/114", since=NOW)))
        await chain(store, SettableClock(NOW), holder="run_0")
    return made


async def is_done(made: Deployment) -> None:
    held, *others = made.users
    vault = LocalVault(made.keyring(OLD))
    async with SqlStore(made.url) as store:
        assert await sessions_left(store, made) == [held]
        events = await store.events(99)
        assert [e.user_id for e in events if e.action == "refresh"] == [held]
        assert Counter(e.user_id for e in events if e.action == "tokens.forget") == Counter(others)
        for user_id in made.users:
            (found,) = await store.connections_of(user_id)
            assert (found.connection.sealed_tokens is not None) is (user_id == held)
            for pending in found.revocations:
                assert pending.sealed_token is not None
                plain = await vault.open(found.data_key, pending.place, pending.sealed_token)
                assert UpstreamTokens.from_bytes(plain).access_token == f"access of {user_id}"
            assert len(found.revocations) == (0 if user_id == held else 1)


async def sessions_left(store: SqlStore, made: Deployment) -> list[UserId]:
    """Whose they are."""
    found = [await store.session(KeyedHash(f"{number:064x}")) for number in range(len(made.users))]
    return [one.user.id for one in found if one is not None]
