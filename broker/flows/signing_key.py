"""Owns what every deed to the signing keys shares: how a key is made and sealed, and what is written for each step.

Refuses to write on anything but what has just been read: a lost race is decided afresh.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from broker.domain.changes import (
    AddDataKey,
    AddSigningKey,
    Change,
    PromoteSigningKey,
    Record,
    RemoveSigningKey,
    RetireSigningKey,
    RevokeSigningKey,
)
from broker.domain.errors import Conflict, Fault
from broker.domain.ledger import AuditEvent
from broker.domain.sealing import SYSTEM_OWNER, WrappedKey
from broker.domain.signing_key import Make, Promote, Retire, Revoke, SigningKey, Step, place_of
from broker.flows.ports import Clock, Vault
from broker.flows.store import Store

TRIES = 4
"""How often a deed is decided afresh, when somebody else was first."""


class NewKey(Protocol):
    """A fresh key pair: its id, its algorithm, its public half as JSON and its private half as PKCS #8."""

    @property
    def kid(self) -> str: ...
    @property
    def alg(self) -> str: ...
    @property
    def public_jwk(self) -> str: ...
    @property
    def private_der(self) -> bytes: ...


Generate = Callable[[str], Awaitable[NewKey]]
"""Makes a key pair for an algorithm."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyTools:
    """All that it takes to change the signing keys."""

    store: Store
    vault: Vault
    clock: Clock
    generate: Generate


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A key that is new, the data key it is sealed under, and what to write for both."""

    key: SigningKey
    data_key: WrappedKey
    changes: tuple[Change, ...]


Decide = Callable[[Sequence[SigningKey]], Step | None]
"""What has to happen to these keys, if anything."""


async def carried_out(decide: Decide, tools: KeyTools) -> tuple[Change, ...]:
    """Write what `decide` says, and tell what that was; nothing where it says nothing. Raises what it does, or `Fault`.

    Whether another process was first is decided by the store.
    """
    for _ in range(TRIES):
        step = decide(await tools.store.signing_keys())
        changes = () if step is None else await changes_for(step, tools)
        try:
            await tools.store.write(*changes)
        except Conflict:
            continue  # what was read is not so any more
        return changes
    raise Fault("contention", "Somebody else is changing the signing keys at this moment. Please try again.")


async def changes_for(step: Step, tools: KeyTools) -> tuple[Change, ...]:
    """What to write for one step, its lines of the ledger among it."""
    now = tools.clock.now()
    match step:
        case Make():
            return (await made(step, tools)).changes
        case Promote(key=key, instead_of=before):
            first = () if before is None else await changes_for(Retire(key=before), tools)
            return (*first, PromoteSigningKey(kid=key.kid, at=now), _told("signing_key.promote", key, now))
        case Retire(key=key):
            return RetireSigningKey(kid=key.kid, at=now), _told("signing_key.retire", key, now)
        case Revoke(key=key, successor=successor):
            then = () if successor is None else await changes_for(successor, tools)
            return RevokeSigningKey(kid=key.kid, at=now), _told("signing_key.revoke", key, now), *then
        case _:
            return RemoveSigningKey(kid=step.key.kid), _told("signing_key.remove", step.key, now)


async def made(step: Make, tools: KeyTools) -> Made:
    """A new key. The system's data key comes along where there was none."""
    now = tools.clock.now()
    changes: tuple[Change, ...] = ()
    data_key = await tools.store.data_key(SYSTEM_OWNER)
    if data_key is None:
        data_key = await tools.vault.new_key(SYSTEM_OWNER, now)
        changes = (AddDataKey(key=data_key),)
    new = await tools.generate(step.alg)
    key = SigningKey(
        kid=new.kid,
        alg=new.alg,
        active=step.active,
        public_jwk=new.public_jwk,
        sealed_private=await tools.vault.seal(data_key, place_of(new.kid), new.private_der),
        data_key_id=data_key.id,
        created_at=now,
        activated_at=now if step.active else None,
    )
    added = (AddSigningKey(key=key), _told("signing_key.add", key, now))
    return Made(key=key, data_key=data_key, changes=(*changes, *added))


def who_signs(changes: Sequence[Change]) -> str | None:
    """The `kid` of the key that signs by these changes from now on, if they bring one."""
    for change in changes:
        if isinstance(change, PromoteSigningKey):
            return change.kid
        if isinstance(change, AddSigningKey) and change.key.active:
            return change.key.kid
    return None


def _told(action: str, key: SigningKey, now: int) -> Record:
    return Record(event=AuditEvent(at=now, action=action, outcome="done", object_id=key.kid))
