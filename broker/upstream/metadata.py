"""Owns a Provider's metadata: found by discovery, or known by heart for OAuth 2.0 Providers that have none.

Refuses a document that names another issuer, endpoints without TLS, and endpoints that moved to another origin.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from broker.domain.errors import Fault
from broker.flows.ports import Clock
from broker.upstream.addresses import checked_url, origin
from broker.upstream.errors import RETRY_AFTER, misconfigured, unavailable
from broker.upstream.http import TOTAL_SECONDS
from broker.upstream.line import Line, deadline
from broker.upstream.registration import Registration
from providers.spec import Authentication

FRESH_SECONDS = 3600
LAST_GOOD_SECONDS = 24 * 3600
REFRESH_WAITS = 2
"""Seconds that a sign-in waits for newer metadata while there is a usable older one."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Metadata:
    """OpenID Connect Discovery section 3 and RFC 8414 section 2, as far as it is needed.

    `iss_in_callback`: RFC 9207 section 3, the Provider promises to name itself in its answer.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    authentication: Authentication
    jwks_uri: str | None
    userinfo_endpoint: str | None
    revocation_endpoint: str | None
    documents: Mapping[str, str]
    iss_in_callback: bool


class MetadataCache:
    """One registration's metadata: an hour fresh, a day usable while the Provider cannot be asked."""

    def __init__(self, registration: Registration, line: Line, clock: Clock) -> None:
        self._registration = registration
        self._line = line
        self._clock = clock
        self._asking = asyncio.Lock()
        self._fixed = known_by_heart(registration)
        self._known: Metadata | None = None
        self._fetched_at = 0
        self._failure: Fault | None = None
        self._failed_at = 0

    async def get(self) -> Metadata:
        """The metadata. Raises `Fault` "provider_unavailable" or "provider_misconfigured"."""
        if self._fixed is not None:
            return self._fixed
        if self._known is not None and self._is_fresh():
            return self._known
        async with self._asking:
            if not self._is_fresh() and not self._failed_just_now():
                await self._ask()
            if self._known is not None and self._is_usable():
                return self._known
            raise self._failure_again()

    def _age(self) -> int:
        return self._clock.now() - self._fetched_at

    def _is_fresh(self) -> bool:
        return self._known is not None and self._failure is None and 0 <= self._age() < FRESH_SECONDS

    def _is_usable(self) -> bool:
        """A Provider that is away is one thing, one that says something wrong another."""
        away = self._failure is not None and self._failure.code == "provider_unavailable"
        return self._failure is None or (away and self._age() < LAST_GOOD_SECONDS)

    def _failed_just_now(self) -> bool:
        return self._failure is not None and 0 <= self._clock.now() - self._failed_at < RETRY_AFTER

    async def _ask(self) -> None:
        known = self._known if self._age() < LAST_GOOD_SECONDS else None
        try:
            async with deadline(TOTAL_SECONDS if known is None else REFRESH_WAITS, "discovery"):
                found = await self._discover()
            if known is not None:
                _check_not_moved(found, known)
        except Fault as fault:
            self._failure, self._failed_at = fault, self._clock.now()
            _log.warning("upstream.discovery_failed registration=%s: %s", self._registration.id, fault.detail)
        else:
            self._known, self._fetched_at, self._failure = found, self._clock.now(), None

    async def _discover(self) -> Metadata:
        # OpenID Connect Discovery section 4.1: the issuer's own trailing slash is left out.
        url = self._registration.configured_issuer.rstrip("/") + "/.well-known/openid-configuration"
        return read_metadata(self._registration, await self._line.get_json(url, what="discovery"))

    def _failure_again(self) -> Fault:
        failure = self._failure
        if failure is None:
            return unavailable("discovery: no document")
        return Fault(failure.code, failure.sentence, detail=failure.detail, retry_after=failure.retry_after)


def _check_not_moved(found: Metadata, known: Metadata) -> None:
    """Whoever can change one document must not be able to lead codes and secrets away."""
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "revocation_endpoint"):
        new, old = getattr(found, name), getattr(known, name)
        if new is not None and old is not None and origin(new) != origin(old):
            raise unavailable(f"discovery: {name} moved to another origin")


def read_metadata(registration: Registration, document: Any) -> Metadata:
    """A discovery document, checked. Raises `Fault`."""
    if not isinstance(document, Mapping):
        raise unavailable("discovery: no JSON object")
    issuer = document.get("issuer")
    rule = registration.provider.issuer_rule
    if not isinstance(issuer, str) or not rule.may_publish(registration.configured_issuer, issuer):
        raise misconfigured("discovery: the document names another issuer")

    def required(name: str) -> str:
        return checked_url(document.get(name), f"discovery: {name}")

    def optional(name: str) -> str | None:
        return None if document.get(name) is None else required(name)

    return Metadata(
        issuer=issuer,
        authorization_endpoint=required("authorization_endpoint"),
        token_endpoint=required("token_endpoint"),
        authentication=_authentication(registration, document.get("token_endpoint_auth_methods_supported")),
        jwks_uri=required("jwks_uri"),
        userinfo_endpoint=optional("userinfo_endpoint"),
        revocation_endpoint=optional("revocation_endpoint"),
        documents={},
        iss_in_callback=document.get("authorization_response_iss_parameter_supported") is True,
    )


def known_by_heart(registration: Registration) -> Metadata | None:
    """The endpoints of an OAuth 2.0 Provider, from its page of facts."""
    endpoints = registration.provider.endpoints(registration.configured_issuer)
    if endpoints is None:
        return None
    return Metadata(
        issuer=registration.configured_issuer,
        authorization_endpoint=endpoints.authorization,
        token_endpoint=endpoints.token,
        authentication=registration.provider.authentication,
        jwks_uri=None,
        userinfo_endpoint=None,
        revocation_endpoint=endpoints.revocation,
        documents=endpoints.documents,
        iss_in_callback=False,
    )


def _authentication(registration: Registration, supported: object) -> Authentication:
    """The Provider's usual way, or the other one where its metadata lists only that."""
    usual = registration.provider.authentication
    if not isinstance(supported, list) or usual.value in supported:
        return usual
    other = next((way for way in Authentication if way.value in supported), None)
    if other is None:
        raise misconfigured("discovery: no way of authenticating that we have")
    return other
