"""Owns what an operator does to the signing keys by hand: look, add, promote, retire, revoke.

Refuses to need the signing keys for it: one that keeps the broker from starting can still be seen, and revoked.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from broker.app import SystemClock
from broker.crypto.signing_keys import generate_signing_key
from broker.domain.signing_key import KeyState, SigningKey
from broker.flows.keys.add import add
from broker.flows.keys.promote import promote
from broker.flows.keys.retire import retire
from broker.flows.keys.revoke import revoke
from broker.flows.signing_key import KeyTools
from broker.operate import opened_vault
from broker.settings.model import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyShown:
    """A signing key as an operator sees it. Times are seconds since the epoch, UTC, or None where there is none.

    `may_sign_from` is a pending key's; from `gone_from` on a retiring or revoked one is forgotten.
    """

    kid: str
    alg: str
    state: str
    created_at: int
    active_since: int | None
    may_sign_from: int | None
    gone_from: int | None


async def list_keys(settings: Settings) -> tuple[KeyShown, ...]:
    """Every signing key, the oldest first. Raises `NotReady` or `Fault`."""
    async with opened_vault(settings, right_keys=False) as (store, _, _):
        return tuple(map(_shown, await store.signing_keys()))


async def add_key(settings: Settings, algorithm: str | None) -> KeyShown:
    """Make a key for `algorithm`; None: the default. Raises `Refusal`, `NotReady` or `Fault`."""
    async with _tools(settings) as tools:
        return _shown(await add(algorithm or settings.signing_algorithm, tools))


async def promote_key(settings: Settings, kid: str) -> None:
    """Have a pending key sign. Raises `TooEarly`, `Refusal`, `NotReady` or `Fault`."""
    async with _tools(settings) as tools:
        await promote(kid, tools)


async def retire_key(settings: Settings, kid: str) -> str | None:
    """Have a key sign nothing more; which key took over. Raises `TooEarly`, `Refusal`, `NotReady` or `Fault`."""
    async with _tools(settings) as tools:
        return await retire(kid, tools, algorithm=settings.signing_algorithm)


async def revoke_key(settings: Settings, kid: str) -> str | None:
    """Take a key away from everybody at once; which key took over. Raises `Refusal`, `NotReady` or `Fault`."""
    async with _tools(settings) as tools:
        return await revoke(kid, tools, algorithm=settings.signing_algorithm)


@contextlib.asynccontextmanager
async def _tools(settings: Settings) -> AsyncIterator[KeyTools]:
    async with opened_vault(settings, right_keys=True) as (store, vault, _):
        yield KeyTools(store=store, vault=vault, clock=SystemClock(), generate=generate_signing_key)


def _shown(key: SigningKey) -> KeyShown:
    signed = key.active or key.activated_at is not None
    return KeyShown(
        kid=key.kid,
        alg=key.alg,
        state=key.state,
        created_at=key.created_at,
        active_since=key.signs_since if signed else None,
        may_sign_from=key.may_sign_from if key.state is KeyState.PENDING else None,
        gone_from=key.gone_from,
    )
