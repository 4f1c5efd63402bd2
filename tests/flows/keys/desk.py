"""A database whose signing keys are rotated: by the clock, which can be moved, and by an operator."""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.crypto.signing_keys import generate_signing_key
from broker.crypto.vault import LocalVault
from broker.domain.ledger import AuditEvent
from broker.domain.signing_key import AHEAD, KeyState, SigningKey
from broker.flows.keys.rotate import rotate
from broker.flows.signing_key import KeyTools
from tests.fakes.clock import SettableClock
from tests.fakes.raced_store import RacedStore
from tests.flows.setting import NOW
from tests.flows.world import KEYRING

AGE = 90 * 24 * 3600
NEARLY = AGE - AHEAD
"""Seconds from a key's first signature until the next one is made."""


@dataclass(kw_only=True)
class Desk:
    """What an operator or a process has at hand. `holder` names the process."""

    store: RacedStore = field(default_factory=RacedStore)
    clock: SettableClock = field(default_factory=lambda: SettableClock(NOW))
    holder: str = "run_1"

    @property
    def tools(self) -> KeyTools:
        """Real keys, really sealed."""
        return KeyTools(store=self.store, vault=LocalVault(KEYRING), clock=self.clock, generate=generate_signing_key)

    async def rotate(self, *, algorithm: str = "ES256", holder: str | None = None) -> int:
        """What the clock asks for at this moment."""
        return await rotate(self.tools, algorithm=algorithm, age=AGE, holder=holder or self.holder)

    def states(self) -> list[KeyState]:
        """Of all keys, the oldest first."""
        return [key.state for key in self.every()]

    def every(self) -> list[SigningKey]:
        """As the store has them, those made first first."""
        return list(self.store.tables.signing_keys.values())

    def told(self) -> list[tuple[str, str | None]]:
        """The ledger: what was done, to which key."""
        events: list[AuditEvent] = list(self.store.tables.ledger.values())
        assert all((event.outcome, event.reason) == ("done", "") for event in events)
        return [(event.action, event.object_id) for event in events]
