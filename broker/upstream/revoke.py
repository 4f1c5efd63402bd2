"""Owns telling a Provider that tokens have ended, each in its own way. Refuses to raise: what failed is tried again.

How far it reaches is the Provider's page of facts to say.
"""

from __future__ import annotations

from urllib.parse import quote

import orjson
from authlib.oauth2.rfc7009 import prepare_revoke_token_request

from broker.domain.connection import UpstreamTokens
from broker.domain.errors import BrokerError
from broker.domain.outbox import RevocationResult
from broker.upstream.counterpart import Counterpart
from broker.upstream.metadata import Metadata
from broker.upstream.tokens import authenticated, document_in, error_in
from providers.spec import Authentication, BlastRadius, RevocationStrategy

_GITHUB_GONE = frozenset({404, 422})
"""GitHub: no such token, or none of this application's."""


async def revoke(counterpart: Counterpart, tokens: UpstreamTokens) -> RevocationResult:
    """Tell the Provider once. Never raises: `PENDING` means try again."""
    strategy = counterpart.registration.provider.revocation.strategy
    try:
        if strategy is RevocationStrategy.NONE:
            return RevocationResult.UNSUPPORTED
        metadata = await counterpart.metadata.get()
        if metadata.revocation_endpoint is None:
            return RevocationResult.UNSUPPORTED
        if strategy is RevocationStrategy.GITHUB_GRANT:
            return await _github_grant(counterpart, metadata.revocation_endpoint, tokens.access_token)
        return await _rfc7009(counterpart, metadata, metadata.revocation_endpoint, tokens)
    except BrokerError:
        return RevocationResult.PENDING


async def _rfc7009(
    counterpart: Counterpart, metadata: Metadata, endpoint: str, tokens: UpstreamTokens
) -> RevocationResult:
    """The longest-lived token first; the others too where one revocation ends one token only."""
    by_kind = {"refresh_token": tokens.refresh_token, "access_token": tokens.access_token}
    present = [(kind, token) for kind, token in by_kind.items() if token]
    if counterpart.registration.provider.revocation.radius is not BlastRadius.TOKEN:
        present = present[:1]
    results = [await _one_token(counterpart, metadata, endpoint, kind, token) for kind, token in present]
    for outcome in (RevocationResult.PENDING, RevocationResult.REVOKED, RevocationResult.ALREADY_DEAD):
        if outcome in results:
            return outcome
    return RevocationResult.UNSUPPORTED


async def _one_token(
    counterpart: Counterpart, metadata: Metadata, endpoint: str, kind: str, token: str
) -> RevocationResult:
    provider = counterpart.registration.provider
    form, _ = prepare_revoke_token_request(token, kind)
    headers, body = authenticated(counterpart.registration, metadata.authentication, form)
    answer = await counterpart.line.send("POST", endpoint, what="revocation", headers=headers, body=body)
    match error_in(provider, answer, document_in(answer)):
        case None:
            return RevocationResult.REVOKED
        case "invalid_token":  # Google's way; RFC 7009 section 2.2 would answer 200
            return RevocationResult.ALREADY_DEAD
        case "unsupported_token_type":
            return RevocationResult.UNSUPPORTED
        case _:
            return RevocationResult.PENDING


async def _github_grant(counterpart: Counterpart, endpoint: str, access_token: str) -> RevocationResult:
    registration = counterpart.registration
    url = endpoint.replace("{application_id}", quote(registration.provider_application_id, safe=""))
    headers, _ = authenticated(registration, Authentication.BASIC, "")
    headers |= {"Accept": "application/vnd.github+json", "Content-Type": "application/json"}
    body = orjson.dumps({"access_token": access_token}).decode()
    answer = await counterpart.line.send("DELETE", url, what="revocation", headers=headers, body=body)
    if answer.status == 204:
        return RevocationResult.REVOKED
    return RevocationResult.ALREADY_DEAD if answer.status in _GITHUB_GONE else RevocationResult.PENDING
