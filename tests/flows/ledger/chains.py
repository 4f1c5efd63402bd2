"""A store with a ledger in it, the jobs that chain and sign it, and what may be done to it behind their backs."""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.crypto.ledger_heads import read_head
from broker.domain.changes import PruneLedger, Record
from broker.domain.ids import UserId
from broker.domain.ledger import AuditEvent
from broker.domain.ledger_chain import pruning
from broker.flows.ledger.chain import chain
from broker.flows.ledger.sign_head import sign_head
from broker.flows.ledger.verify import Verified, verify
from tests.flows.setting import ISSUER, NOW
from tests.flows.world import World


@dataclass(kw_only=True)
class Chained:
    """`holder`: the process that chains."""

    world: World
    holder: str = field(default="run_1")

    async def record(self, many: int = 1, user: str = "usr_ada") -> None:
        """So many events more."""
        event = AuditEvent(at=NOW, action="refresh", outcome="done", user_id=UserId(user), object_id="gnt_1")
        await self.world.store.write(*(Record(event=event) for _ in range(many)))

    async def chain(self, holder: str = "run_1") -> int:
        return await chain(self.world.store, self.world.clock, holder=holder)

    async def sign(self) -> str:
        """The head that was signed."""
        head = await sign_head(self.world.ports)
        assert head is not None
        return head.signed

    async def verify(self, kept: str | None = None) -> Verified:
        return await verify(self.world.store, read_head, ISSUER, kept)

    async def prune(self, last: int, *spared: str) -> None:
        """As a retention job does it, up to this position."""
        await self.world.store.write(
            PruneLedger(first=1, last=last, spared=frozenset(map(UserId, spared))), Record(event=pruning(last, NOW))
        )
