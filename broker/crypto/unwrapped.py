"""Owns the memory of unwrapped data keys: so many, for so long.

Refuses to keep one beyond its time, however often it is used: a KEK that was taken away ends its use within minutes.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from broker.domain.sealing import WrappedKey

MANY = 4096
SECONDS = 300.0
"""Also how long Users who were here lately are served while the keeper of a KEK is away."""


class UnwrappedKeys:
    """Data keys by the whole row they were unwrapped from: a row that was changed is another row."""

    def __init__(
        self, *, many: int = MANY, seconds: float = SECONDS, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._many = many
        self._seconds = seconds
        self._monotonic = monotonic
        self._keys: OrderedDict[WrappedKey, tuple[float, bytes]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, row: WrappedKey) -> bytes | None:
        """The data key, or None."""
        found = self._keys.get(row)
        if found is None:
            return None
        until, data_key = found
        if self._monotonic() >= until:
            del self._keys[row]
            return None
        self._keys.move_to_end(row)
        return data_key

    def keep(self, row: WrappedKey, data_key: bytes) -> None:
        """Remember it; whichever was not used for the longest time makes room."""
        self._keys[row] = (self._monotonic() + self._seconds, data_key)
        self._keys.move_to_end(row)
        while len(self._keys) > self._many:
            self._keys.popitem(last=False)
