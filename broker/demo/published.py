"""What the broker publishes, fetched and kept for a while: its metadata and its keys, found from the issuer alone.

Takes no key or address from anywhere else, and a key is only ever used for its own algorithm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jwt

from broker.demo.calls import Answer, Call, Unreachable

ALGORITHMS = ("ES256", "EdDSA", "RS256")
KEPT_SECONDS = 300
REFETCH_AFTER_SECONDS = 10  # an unknown key id may be a new key; a flood of them is not


class Published:
    """The metadata and keys of one issuer. Methods raise `Unreachable` when the issuer gives no usable answer."""

    def __init__(self, *, issuer: str, call: Call, clock: Callable[[], int]) -> None:
        self.issuer = issuer
        self._call = call
        self._clock = clock
        self._metadata: Mapping[str, Any] = {}
        self._metadata_at = 0
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._keys_at = 0

    async def metadata(self) -> Mapping[str, Any]:
        """The metadata document, which must name this very issuer (OpenID Connect Discovery section 4.3)."""
        now = self._clock()
        if not self._metadata or now - self._metadata_at >= KEPT_SECONDS:
            found = _good(await self._call(f"{self.issuer}/.well-known/openid-configuration"))
            if found.get("issuer") != self.issuer:
                raise Unreachable("the metadata names another issuer")
            self._metadata, self._metadata_at = found, now
        return self._metadata

    async def endpoint(self, name: str) -> str:
        """The address of an endpoint, by its name in the metadata."""
        address = (await self.metadata()).get(name)
        if not isinstance(address, str):
            raise Unreachable(f"the metadata has no {name}")
        return address

    async def key(self, kid: str) -> jwt.PyJWK | None:
        """The published key of this id; None if there is none, also after looking again."""
        age = self._clock() - self._keys_at
        if age >= KEPT_SECONDS or (kid not in self._keys and age >= REFETCH_AFTER_SECONDS):
            found = _good(await self._call(await self.endpoint("jwks_uri")))
            self._keys, self._keys_at = _usable(found), self._clock()
        return self._keys.get(kid)


def _good(answer: Answer) -> Mapping[str, Any]:
    if answer.status != 200:
        raise Unreachable(f"status {answer.status}")
    return answer.json()


def _usable(jwks: Mapping[str, Any]) -> Mapping[str, jwt.PyJWK]:
    """The keys of a set that can be used, by id; what is malformed or for another use is left out."""
    keys: dict[str, jwt.PyJWK] = {}
    members = jwks.get("keys")
    for member in members if isinstance(members, list) else []:
        try:
            key = jwt.PyJWK(member)
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
            continue
        if key.key_id and key.algorithm_name in ALGORITHMS and key.public_key_use in (None, "sig"):
            keys[key.key_id] = key
    return keys
