"""Owns the authorize request that an Application has pushed (RFC 9126): it travels sealed inside its own `request_uri`.

So a push writes nothing. Refuses to live longer than a browser needs to come with it, and a person to be asked; that
it is used once is for the unique key that its id is taken under.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from broker.domain.ids import ApplicationId, PushedRequestId

PREFIX = "urn:ietf:params:oauth:request_uri:"
"""What a `request_uri` of ours begins with (RFC 9126 section 2.2)."""
LIFETIME = 300
"""Seconds from the push until the browser has to have come with it."""
ON_ITS_WAY = 3600
"""Seconds from the push until the person has to be done with our pages, however often they are led on."""
_LAST_TRIP = 900
"""Seconds that a trip to a Provider which began in the last moment, and another process's clock, may take longer."""
MAX_LENGTH = 5120
"""Characters of `parameters`. So the URI fits into the 8 KB that servers take as the first line of a request."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pushed:
    """That a request was pushed: the id by which it is used up, and when it was. However it goes on, both stay."""

    id: PushedRequestId
    at: int

    @property
    def forget_at(self) -> int:
        """Seconds since the epoch. Afterwards no process would take anything that has this id."""
        return self.at + ON_ITS_WAY + _LAST_TRIP


@dataclass(frozen=True, kw_only=True, slots=True)
class PushedRequest:
    """`parameters` is a query string. `on_its_way`: a browser has come with it, and is being led on by our pages."""

    pushed: Pushed
    application_id: ApplicationId
    parameters: str = field(repr=False)
    on_its_way: bool = False

    @property
    def expires_at(self) -> int:
        """Seconds since the epoch."""
        return self.pushed.at + (ON_ITS_WAY if self.on_its_way else LIFETIME)

    def to_bytes(self) -> bytes:
        """The plaintext that is sealed into the `request_uri`."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, plaintext: bytes) -> PushedRequest:
        """The inverse of `to_bytes`."""
        document: dict[str, Any] = json.loads(plaintext)
        return cls(**document | {"pushed": Pushed(**document["pushed"])})


def sealed_in(parameters: Mapping[str, Sequence[str]]) -> str | None:
    """What is sealed in the `request_uri`, if there is one alone, and it is of our form."""
    values = parameters.get("request_uri", ())
    if len(values) != 1 or not values[0].startswith(PREFIX):
        return None
    return values[0].removeprefix(PREFIX)
