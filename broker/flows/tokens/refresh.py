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
from broker.domain.grant import REFRESH_REUSED
from broker.domain.refresh_token import PlainUse, RefreshToken, Standing
from broker.flows.authenticated import Credentials, authenticated, require_grant
from broker.flows.found import GrantInFull, PlainlyUsed
from broker.flows.issued import Tokens, grant_event, is_genuine, is_ours, issue, refresh_token_of, revoke_grant
from broker.flows.ports import Ports


@dataclass(frozen=True, kw_only=True, slots=True)
class Refreshment:
    """A refresh token, as an Application presents it. `scope` is None when all scopes are wanted again."""

    token: str = field(repr=False)
    scope: str | None


async def refresh(credentials: Credentials, asked: Refreshment, ports: Ports, *, request_id: str) -> Tokens:
    """Refresh. Raises `OAuthRefusal`: `invalid_client`, `unauthorized_client`, `invalid_grant` or `invalid_scope`."""
    presented = refresh_token.parse(asked.token)
    if presented is not None and not is_ours(presented, ports):
        presented = None
    application: Application | None = None
    while True:  # a lost race moves the token on, from newest to replayed to reused, or ends the Grant
        now = ports.clock.now()
        before = await _read(presented, credentials, asked, ports, request_id, now)
        found = before.found
        if application is None:
            application = await authenticated(credentials, None if found is None else found.application, ports)
            require_grant(application, GrantType.REFRESH_TOKEN)
        if presented is None or found is None or not _is_theirs(presented, found, application, ports):
            raise _refused("no refresh token of this application")
        try:
            return await _refreshed(presented, asked, found, before.used, ports, request_id, now)
        except Conflict:
            continue


async def _read(
    presented: RefreshToken | None,
    credentials: Credentials,
    asked: Refreshment,
    ports: Ports,
    request_id: str,
    now: int,
) -> PlainlyUsed:
    """The Grant. Where nothing but the token has to be looked at it is used up at once, which spares a round trip."""
    if presented is None:
        return PlainlyUsed(found=None, used=False)
    if asked.scope is not None or credentials.secret is not None or credentials.assertion is not None:
        return PlainlyUsed(found=await ports.store.grant(presented.grant_id), used=False)
    use = PlainUse(
        grant_id=presented.grant_id,
        generation=presented.generation,
        application_id=credentials.application_id,
        at=now,
        request_id=request_id,
    )
    return await ports.store.use_plainly(use)


def _is_theirs(presented: RefreshToken, found: GrantInFull, application: Application, ports: Ports) -> bool:
    return is_genuine(presented, found.grant, ports) and found.application.id == application.id


async def _refreshed(
    presented: RefreshToken,
    asked: Refreshment,
    found: GrantInFull,
    used: bool,
    ports: Ports,
    request_id: str,
    now: int,
) -> Tokens:
    """Decide by what was found, and use the token up unless it was. Raises `Conflict` when it is not true any more."""
    grant = found.grant
    standing = refresh_token.standing(presented, grant, now)
    if standing is Standing.REUSED:
        await revoke_grant(found, REFRESH_REUSED, ports, now=now)
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
    tokens = await issue(told, ports, refresh_token=refresh_token_of(found, generation, ports), now=now)
    if not used:
        event = grant_event(found, "refresh", now=now, request_id=request_id)
        change = RefreshGrant(grant_id=grant.id, expected_generation=grant.generation, generation=generation, at=at)
        await ports.store.write(change, Record(event=event))
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
