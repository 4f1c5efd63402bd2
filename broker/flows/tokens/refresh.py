"""Owns the refresh grant (RFC 6749 section 6): a refresh token becomes new tokens, of what is true now.

Refuses a token that is old, late, or not the caller's; one that was used before ends its Grant (RFC 9700 section
4.14.2), but a stranger's attempt ends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from broker.domain import refresh_token, scope
from broker.domain.application import Application, GrantType
from broker.domain.changes import Record, RefreshGrant
from broker.domain.errors import Conflict, OAuthRefusal
from broker.domain.refresh_token import RefreshToken, Standing
from broker.flows.authenticated import Credentials, authenticated, require_grant
from broker.flows.found import GrantInFull
from broker.flows.issued import Tokens, grant_event, is_genuine, issue, refresh_token_of, revoke_grant
from broker.flows.ports import Ports
from broker.flows.possession import Possession, SentProof, is_used_up, possession, used_before


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
    application: Application | None = None
    while True:  # a lost race moves the token on, from newest to replayed to reused, or ends the Grant
        found = None if presented is None else await ports.store.grant(presented.grant_id)
        if application is None:
            application = await authenticated(credentials, None if found is None else found.application, ports)
            require_grant(application, GrantType.REFRESH_TOKEN)
        held = possession(proof, application, ports)
        if presented is None or found is None or not _is_theirs(presented, found, application, ports):
            raise _refused("no refresh token of this application")
        # A stranger's attempt ends nothing, even with a token that was used.
        if not refresh_token.is_holder(found.grant, application, held.key):
            raise _refused("another key than it is bound to, or none")
        try:
            return await _refreshed(presented, asked, found, held, ports, request_id)
        except Conflict as lost:
            if is_used_up(lost):
                raise used_before() from None


def _is_theirs(presented: RefreshToken, found: GrantInFull, application: Application, ports: Ports) -> bool:
    return is_genuine(presented, found.grant, ports) and found.application.id == application.id


async def _refreshed(
    presented: RefreshToken,
    asked: Refreshment,
    found: GrantInFull,
    held: Possession,
    ports: Ports,
    request_id: str,
) -> Tokens:
    """Decide by what was found. Raises `Conflict` when it is not true any more."""
    now = ports.clock.now()
    grant = found.grant
    standing = refresh_token.standing(presented, grant, now)
    if standing is Standing.REUSED:
        await revoke_grant(found, "refresh_reused", ports, now=now, only_with=held.use_up)
        raise _refused("used before: the grant is ended")
    if standing is Standing.OVER:
        raise _refused("revoked or expired")
    scopes = _narrowed(asked.scope, grant.scopes)
    generation, at = grant.generation, now
    if standing is Standing.REPLAYED:
        at = grant.refreshed_at or now  # the time to replay is not prolonged
    elif refresh_token.rotates(found.application):
        generation += 1
    # Without the nonce, which belonged to the sign-in (OpenID Connect Core section 12.2).
    told = replace(found, grant=replace(grant, scopes=scopes, nonce=None))
    successor = refresh_token_of(found, generation, ports)
    tokens = await issue(told, ports, refresh_token=successor, possession=held, now=now)
    event = grant_event(found, "refresh", now=now, request_id=request_id)
    change = RefreshGrant(grant_id=grant.id, expected_generation=grant.generation, generation=generation, at=at)
    await ports.store.write(*held.use_up, change, Record(event=event))
    return tokens


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
