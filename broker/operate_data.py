"""Owns what an operator does for somebody who asks by post: make their archive, and check one that is shown.

Refuses to guess whom: where an e-mail address stands for several Users, it takes an id.
"""

from __future__ import annotations

from broker.app import opened
from broker.domain.archive import TYPE, SignedArchive, is_about
from broker.flows.privacy.export import export
from broker.operate import one_user
from broker.settings.model import Settings


async def export_user(settings: Settings, who: str) -> SignedArchive:
    """The archive of one User. Raises `NotFound`, `NotReady` or `Fault`."""
    async with opened(settings) as edges:
        user_id = await one_user(who, edges.ports.store, edges.ports.secrets)
        return await export(user_id, edges.ports, by_operator=True)


async def is_genuine(settings: Settings, signed: SignedArchive) -> bool:
    """Whether a key of this broker, which is not forgotten yet, has signed just this. Raises `NotReady` or `Fault`."""
    async with opened(settings, writes=False) as edges:
        claims = edges.ports.signer.verify(signed.signature, typ=TYPE, audience=None, now=None)
        return is_about(claims, signed.archive)
