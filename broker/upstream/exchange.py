"""Owns the exchange: from a Provider's callback to a verified sign-in, in one direction.

Refuses everything that fails one check, and then ends the tokens that were obtained. A code is never sent twice.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from broker.domain.attempt import SignInAttempt
from broker.domain.connection import UpstreamTokens
from broker.domain.errors import BrokerError
from broker.domain.identity import ProviderIdentity
from broker.flows.ports import Callback
from broker.flows.proven import VerifiedSignIn
from broker.upstream.counterpart import Counterpart
from broker.upstream.errors import refused
from broker.upstream.id_token import LONGEST_SUBJECT, Bound, verify_id_token
from broker.upstream.line import deadline
from broker.upstream.metadata import Metadata
from broker.upstream.profile import asked_for, documents, select, with_userinfo
from broker.upstream.revoke import revoke
from broker.upstream.tokens import TokenAnswer, redeem
from providers.spec import Claims, Dialect

EXCHANGE_SECONDS = 5
CLEAN_UP_SECONDS = 2
_CODE = re.compile(r"[\x20-\x7e]{1,4096}")  # RFC 6749 appendix A.11


async def exchange(
    counterpart: Counterpart, attempt: SignInAttempt, callback: Callback, wanted: Collection[str]
) -> VerifiedSignIn:
    """Check, redeem, verify, select. Raises `Refusal` or `Fault`."""
    answer: TokenAnswer | None = None
    try:
        async with deadline(EXCHANGE_SECONDS, "exchange"):
            metadata = await counterpart.metadata.get()
            code = _check_callback(callback, metadata)
            answer = await redeem(
                counterpart.line, counterpart.registration, metadata, attempt, code, counterpart.clock.now()
            )
            return await _verify(counterpart, metadata, attempt, code, answer, wanted)
    except BrokerError:
        if answer is not None:
            await _end(counterpart, answer.tokens)
        raise


def _check_callback(callback: Callback, metadata: Metadata) -> str:
    """RFC 9207 section 2.4, by simple string comparison; then RFC 6749 section 4.1.2.1."""
    if callback.iss is None and metadata.iss_in_callback:
        raise refused("missing_iss")
    if callback.iss is not None and callback.iss != metadata.issuer:
        raise refused("issuer_mismatch", "iss of the callback")
    if callback.error is not None:
        raise refused("upstream_denied" if callback.error == "access_denied" else "upstream_error", "error callback")
    if callback.code is None or not _CODE.fullmatch(callback.code):
        raise refused("upstream_error", "the callback has no code")
    return callback.code


async def _verify(
    counterpart: Counterpart,
    metadata: Metadata,
    attempt: SignInAttempt,
    code: str,
    answer: TokenAnswer,
    wanted: Collection[str],
) -> VerifiedSignIn:
    registration, provider = counterpart.registration, counterpart.registration.provider
    attributes, access_token = asked_for(provider, attempt.scopes, wanted), answer.tokens.access_token
    sid: object = None
    if provider.dialect is Dialect.OIDC:
        issuer, told = await _verified_claims(counterpart, metadata, attempt, code, answer)
        sid = told.get("sid")
        claims = await with_userinfo(counterpart.line, metadata, attributes, told, access_token)
    else:
        issuer = metadata.issuer
        claims = await documents(counterpart.line, provider, metadata, attempt.scopes, access_token)
    subject = provider.subject(claims)
    if subject is None:
        raise refused("invalid_id_token", "no subject")
    return VerifiedSignIn(
        identity=ProviderIdentity(registration=registration.id, issuer=issuer, subject=subject),
        profile=select(attributes, claims),
        verified_email=provider.email_trust.verified(claims, registration.trusted_email_domains),
        tokens=answer.tokens,
        granted_scopes=answer.granted_scopes,
        sid=sid if isinstance(sid, str) and 0 < len(sid) <= LONGEST_SUBJECT else None,
    )


async def _verified_claims(
    counterpart: Counterpart, metadata: Metadata, attempt: SignInAttempt, code: str, answer: TokenAnswer
) -> tuple[str, Claims]:
    if answer.id_token is None:
        raise refused("invalid_id_token", "none in the answer")
    bound = Bound(nonce=attempt.nonce, code=code, access_token=answer.tokens.access_token)
    verified = await verify_id_token(
        answer.id_token, bound, counterpart.registration, metadata, counterpart.keys, counterpart.clock.now()
    )
    return verified.issuer, verified.claims


async def _end(counterpart: Counterpart, tokens: UpstreamTokens) -> None:
    """Best effort: nobody will keep these tokens, and who waits for the refusal shall not wait long."""
    try:
        async with deadline(CLEAN_UP_SECONDS, "revoke"):
            await revoke(counterpart, tokens)
    except BrokerError:
        return
