"""Owns the refresh grant (RFC 6749 section 6): a refresh token becomes new tokens, of what is true now.

Refuses a token that is old, late, or not the caller's; one that was used before ends its Grant (RFC 9700 section
4.14.2), but a stranger's attempt ends nothing. Nobody goes on by a Provider that is not in the settings any more.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from broker.domain import refresh_token, scope
from broker.domain.application import Application, GrantType
from broker.domain.changes import Record, RefreshGrant
from broker.domain.errors import Conflict, OAuthRefusal
from broker.domain.grant import REFRESH_REUSED
from broker.domain.ids import ApplicationId
from broker.domain.refresh_token import PlainUse, RefreshToken, Standing
from broker.flows.authenticated import Credentials, authenticated, require_grant
from broker.flows.found import GrantInFull
from broker.flows.issued import (
    Tokens,
    grant_event,
    is_genuine,
    is_ours,
    issue,
    refresh_token_of,
    revoke_grant,
)
from broker.flows.ports import Ports
from broker.flows.possession import Possession, SentProof, possession, use_up, used_once
from broker.flows.released import record_release


@dataclass(frozen=True, kw_only=True, slots=True)
class Refreshment:
    """A refresh token, as an Application presents it. `scope` is None when all scopes are wanted again."""

    token: str = field(repr=False)
    scope: str | None


async def refresh(
    credentials: Credentials, asked: Refreshment, proof: SentProof | None, ports: Ports, *, request_id: str
) -> Tokens:
    """Refresh. Raises `OAuthRefusal`: `invalid_client`, `unauthorized_client`, `invalid_grant`, `invalid_scope`,
    `invalid_dpop_proof`, or `invalid_request` where a proof is needed.
    """
    presented = refresh_token.parse(asked.token)
    if presented is not None and not is_ours(presented, ports):
        presented = None
    is_plain = asked.scope is None and (credentials.secret, credentials.assertion, proof) == (None, None, None)
    application: Application | None = None
    while True:  # a lost race moves the token on, from newest to replayed to reused, or ends the Grant
        now = ports.clock.now()
        found, used = None, False
        if presented is not None and is_plain:
            use = _plain_use(presented, credentials.application_id, request_id, ports, now)
            before = await ports.store.use_plainly(use)
            found, used = before.found, before.used
        elif presented is not None:
            found = await ports.store.grant(presented.grant_id)
        if application is None:
            application = await authenticated(credentials, None if found is None else found.application, ports)
            require_grant(application, GrantType.REFRESH_TOKEN)
        held = possession(proof, application, ports)
        if presented is None or found is None or not _is_theirs(presented, found, application, ports):
            raise _refused("no refresh token of this application")
        # A stranger's attempt ends nothing, even with a token that was used.
        if not refresh_token.is_holder(found.grant, application, held.key):
            raise _refused("another key than it is bound to, or none")
        decided = await _decided(presented, asked, found, held, ports, now)
        if used:
            return await _told(decided, ports, now)
        event = grant_event(found, "refresh", now=now, request_id=request_id)
        try:
            await use_up(held, ports, decided.change, Record(event=event))
        except Conflict:
            continue
        return await _told(decided, ports, now)


async def _told(decided: _Decided, ports: Ports, now: int) -> Tokens:
    """Where they tell other attributes than were told before, the ledger has a line of it before anybody has them."""
    await record_release(decided.narrow, decided.released, ports, now=now)
    return decided.tokens


def _plain_use(
    presented: RefreshToken, application_id: ApplicationId, request_id: str, ports: Ports, now: int
) -> PlainUse:
    """Where nothing but the token has to be looked at it is used up as it is read, which spares a round trip."""
    return PlainUse(
        grant_id=presented.grant_id,
        generation=presented.generation,
        application_id=application_id,
        registrations=tuple(ports.upstream.registrations),
        at=now,
        request_id=request_id,
        demanded=ports.policy.documents.demanded(now),
    )


def _is_theirs(presented: RefreshToken, found: GrantInFull, application: Application, ports: Ports) -> bool:
    return is_genuine(presented, found.grant, ports) and found.application.id == application.id


@dataclass(frozen=True, kw_only=True, slots=True)
class _Decided:
    """The tokens that a refresh gives, what they tell, of how much of the Grant, and how its use is to be written."""

    tokens: Tokens
    narrow: GrantInFull
    released: tuple[str, ...]
    change: RefreshGrant


async def _decided(
    presented: RefreshToken, asked: Refreshment, found: GrantInFull, held: Possession, ports: Ports, now: int
) -> _Decided:
    """Decide by what was found."""
    grant = found.grant
    standing = refresh_token.standing(presented, grant, now)
    if standing is Standing.REUSED:
        with used_once():
            await revoke_grant(found, REFRESH_REUSED, ports, now=now, only_with=held.use_up)
        raise _refused("used before: the grant is ended")
    if standing is Standing.OVER:
        raise _refused("revoked or expired")
    if ports.policy.documents.overdue(found.user.accepted, now):
        # The Grant stays as it is: once they have accepted, this very token goes on.
        raise OAuthRefusal(
            "invalid_grant",
            "The person has to sign in again, to accept a new version of the privacy policy or the terms.",
            detail="documents not accepted",
        )
    if found.connection.registration not in ports.upstream.registrations:
        raise _refused("its Provider is not used any more")
    scopes = _narrowed(asked.scope, grant.scopes)
    generation, at = grant.generation, now
    if standing is Standing.REPLAYED:
        at = grant.refreshed_at or now  # the time to replay is not prolonged
    elif refresh_token.rotates(found.application):
        generation += 1
    narrow = found if scopes == grant.scopes else replace(found, grant=replace(grant, scopes=scopes))
    again = refresh_token_of(found, generation, ports)
    tokens, released = await issue(
        found, ports, refresh_token=again, possession=held, now=now, nonce=None, narrow=narrow
    )
    change = RefreshGrant(grant_id=grant.id, expected_generation=grant.generation, generation=generation, at=at)
    return _Decided(tokens=tokens, narrow=narrow, released=released, change=change)


def _narrowed(asked: str | None, granted: tuple[str, ...]) -> tuple[str, ...]:
    """Never wider than what was granted (RFC 6749 section 6); this answer's alone: the Grant stays as it is."""
    if asked is None:
        return granted
    names = set(asked.split(" ")) - {""}
    if not names or not names <= set(granted):
        raise OAuthRefusal("invalid_scope", "Only scopes that were granted can be asked for again.")
    return tuple(name for name in scope.SUPPORTED if name in names)


def _refused(detail: str) -> OAuthRefusal:
    return OAuthRefusal("invalid_grant", "The refresh token is invalid, expired or was used before.", detail=detail)
