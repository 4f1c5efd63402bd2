"""Owns what the issuer publishes: the steps to its metadata and keys, and how long keys are good.

Refuses keys from anywhere but the issuer. Asks anew at most so often, and keeps the last good keys when nobody answers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from partner_ops_verifier.errors import TokenRefused, VerifierUnavailable
from partner_ops_verifier.http import Answer, HttpFailed, Request, Steps
from partner_ops_verifier.jwk import VerifyingKey, key_set
from partner_ops_verifier.places import DISCOVERY_PATH, origin_of
from partner_ops_verifier.spelling import json_object

WAIT_SECONDS: Final = 1.0
"""For a refresh by somebody else, where there is no key: a flood of made-up names must not hold every thread."""
FIRST_WAIT_SECONDS: Final = 15.0
"""The same, before there are any keys."""
FRESH_SECONDS: Final = 300.0
"""Where the issuer does not say for how long."""
FRESH_BOUNDS: Final = (60.0, 3600.0)
"""Whatever the issuer says: a key that was withdrawn is gone within an hour."""
REFETCH_SECONDS: Final = 30.0
"""An unknown key may be a new one; a flood of them is not."""
RETRY_SECONDS: Final = 10.0
"""After nobody answered."""
KEPT_SECONDS: Final = 86400.0
"""The last good keys are used for so long while nobody answers."""
_MAX_AGE: Final = re.compile(r"(?:^|[\s,])max-age=(\d{1,9})(?:$|[\s,])")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """An issuer, and at which further origins its keys may lie."""

    issuer: str
    trusted_origins: Collection[str] = ()

    @property
    def own_origin(self) -> frozenset[str]:
        """Where tokens and secrets may be sent."""
        return frozenset({origin_of(self.issuer)})

    @property
    def key_origins(self) -> frozenset[str]:
        """Where its keys may lie."""
        return self.own_origin | {origin_of(origin) for origin in self.trusted_origins}


def document(answer: Answer, what: str) -> dict[str, Any]:
    """The JSON object of a good answer. Raises `HttpFailed`."""
    if answer.status != 200:
        raise HttpFailed(f"status {answer.status} of the {what}")
    try:
        return json_object(answer.body)
    except ValueError:
        raise HttpFailed(f"the {what} is not a JSON object") from None


def metadata(source: Source) -> Steps[Mapping[str, Any]]:
    """The steps to the metadata, which names this very issuer (OpenID Connect Discovery section 4.3)."""
    asked = Request(url=f"{source.issuer}{DISCOVERY_PATH}", headers={"Accept": "application/json"})
    found = document((yield asked), "metadata")
    if found.get("issuer") != source.issuer:
        raise HttpFailed("the metadata is another issuer's")
    return found


def endpoint(found: Mapping[str, Any], name: str, origins: Collection[str]) -> str:
    """An address out of the metadata, at one of these origins. Raises `HttpFailed`."""
    url = found.get(name)
    try:
        if isinstance(url, str) and origin_of(url) in origins:
            return url
    except ValueError:
        pass
    raise HttpFailed(f"{name} of the metadata is not at a trusted origin")


def published_keys(source: Source, known: Mapping[str, VerifyingKey]) -> Steps[tuple[dict[str, VerifyingKey], float]]:
    """The steps to the keys, and for how many seconds they are fresh (RFC 9111 section 5.2.2.1)."""
    found = yield from metadata(source)
    answer = yield Request(url=endpoint(found, "jwks_uri", source.key_origins), headers={"Accept": "application/json"})
    try:
        keys = key_set(document(answer, "key set"), known)
    except ValueError as problem:
        raise HttpFailed(str(problem)) from None
    said = _MAX_AGE.search(answer.headers.get("cache-control", "").lower())
    shortest, longest = FRESH_BOUNDS
    return keys, min(max(float(said[1]) if said else FRESH_SECONDS, shortest), longest)


class Refresh(Enum):
    """Whether the keys should be fetched: not now, by one of those who meet them old, or before anything else."""

    NO = 0
    WORTHWHILE = 1
    NEEDED = 2


class PublishedKeys:
    """The keys as they were last fetched. Who holds the lock of refreshing writes. `at`: a steady clock's seconds."""

    def __init__(self) -> None:
        self._keys: dict[str, VerifyingKey] = {}
        self._settled_until = -math.inf
        self._kept_until = -math.inf
        self._tried_at = -math.inf
        self._failed = False

    @property
    def known(self) -> Mapping[str, VerifyingKey]:
        """By their names."""
        return self._keys

    @property
    def patience(self) -> float:
        """Seconds to wait for somebody else's refresh."""
        return WAIT_SECONDS if self._keys else FIRST_WAIT_SECONDS

    def holds(self, key: VerifyingKey, at: float) -> bool:
        """Whether this very key is published, as far as is known, and there is no need to look."""
        return at < self._settled_until and self._keys.get(key.kid) is key

    def look(self, kid: str, at: float) -> tuple[VerifyingKey | None, Refresh]:
        """The key of that name, and whether to refresh. Without a key, refreshing is needed.

        Raises `TokenRefused` (`unknown_key`), `VerifierUnavailable` (`keys_unavailable`).
        """
        key = self._keys.get(kid) if at < self._kept_until else None
        if key is not None:
            return key, Refresh.NO if at < self._settled_until else Refresh.WORTHWHILE
        if at >= self._tried_at + (RETRY_SECONDS if self._failed else REFETCH_SECONDS):
            return None, Refresh.NEEDED
        if self._failed:
            raise VerifierUnavailable("keys_unavailable", "nobody answered a moment ago")
        raise TokenRefused("unknown_key")

    def take(self, keys: dict[str, VerifyingKey], fresh_for: float, at: float) -> None:
        """These were fetched."""
        self._keys = keys
        self._tried_at, self._failed = at, False
        self._settled_until, self._kept_until = at + fresh_for, at + KEPT_SECONDS

    def fail(self, at: float) -> None:
        """Nobody answered; what is held stays good for a while."""
        self._tried_at, self._failed = at, True
        self._settled_until = min(at + RETRY_SECONDS, self._kept_until)
