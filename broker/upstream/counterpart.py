"""Owns what it takes to speak to one Provider: the registration there, the line, the metadata and the keys.

Refuses to be shared: two registrations at one Provider have nothing in common, not even a cache.
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.flows.ports import Clock
from broker.upstream.http import Transport
from broker.upstream.keys import KeyCache
from broker.upstream.line import Line
from broker.upstream.metadata import MetadataCache
from broker.upstream.registration import Registration


@dataclass(frozen=True, kw_only=True, slots=True)
class Counterpart:
    """The Provider at the other end, as one registration meets it."""

    registration: Registration
    line: Line
    metadata: MetadataCache
    keys: KeyCache
    clock: Clock


def meet(registration: Registration, transport: Transport, clock: Clock) -> Counterpart:
    """A counterpart that knows nothing yet; it asks when it is first needed."""
    line = Line(transport)
    return Counterpart(
        registration=registration,
        line=line,
        metadata=MetadataCache(registration, line, clock),
        keys=KeyCache(registration.id, line, clock),
        clock=clock,
    )
