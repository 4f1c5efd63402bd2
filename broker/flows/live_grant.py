"""Owns the step that every endpoint shares which is asked with a session JWT: is what it stands for still alive?

Refuses tokens that were revoked, whose Session ended, whose User is switched off, or whose Authorization was withdrawn.
Writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from broker.domain import refresh_token
from broker.domain.application import Application
from broker.domain.client_org import rights_by_client
from broker.domain.errors import OAuthRefusal
from broker.domain.grant import Rights, narrowed
from broker.domain.ids import ApplicationId, GrantId
from broker.domain.own_token import is_own
from broker.domain.session_token import LIFETIME
from broker.domain.token_exchange import may_exchange
from broker.domain.user import UserStatus
from broker.flows.found import GrantInContext, GrantInFull
from broker.flows.ports import Ports
from broker.flows.possession import ShownToken, require_holder


async def live_grant(shown: ShownToken, ports: Ports) -> tuple[GrantInFull, Rights]:
    """The Grant, as narrow as this token of it, and the Authorizations, as of now.

    Raises `OAuthRefusal` (RFC 6750 section 3.1, RFC 9449 section 7.1): `invalid_token`, `invalid_dpop_proof`, or
    `insufficient_scope` where no User is behind it.
    """
    return await behind(claims_of(shown, ports), ports, ports.clock.now())


async def behind(claims: Mapping[str, Any], ports: Ports, now: int) -> tuple[GrantInFull, Rights]:
    """The same for the claims of a session JWT that was shown as it is bound."""
    if is_own(claims):
        raise OAuthRefusal("insufficient_scope", "The token is an application's own, and speaks of no user.")
    grant_id, _, _ = str(claims.get("jti", "")).partition(".")
    spoken = await spoken_for(claims, await ports.store.grant(GrantId(grant_id)), ports, now=now)
    if isinstance(spoken, str):
        raise invalid_token(spoken)
    return spoken


async def spoken_for(
    claims: Mapping[str, Any], found: GrantInFull | None, ports: Ports, *, now: int, asking: Application | None = None
) -> tuple[GrantInFull, Rights] | str:
    """What a session JWT with these claims stands for as of now: its Grant, which may be wider than the token, narrowed
    to the token's Client and scopes, and the rights; or why it is over, for the log.

    One that another Application than the Grant's got by an exchange is good as long as that one might exchange still,
    which takes one more read, unless it is the Application that is `asking`.
    """
    if found is None:
        return "grant revoked"
    narrow = replace(found, grant=replace(found.grant, organization=claims.get("org_id", found.grant.organization)))
    rights = rights_of(narrow)
    if (problem := over(narrow, rights, now)) is not None:
        return problem
    holder = ApplicationId(claims["client_id"])
    if holder != found.application.id:
        application = asking
        if application is None or application.id != holder:
            application = await ports.store.application(holder)
        if application is None or not may_exchange(application):
            return "exchanged by an application that may not any more"
    return replace(narrow, grant=replace(narrow.grant, scopes=tuple(str(claims["scope"]).split()))), rights


def claims_of(shown: ShownToken, ports: Ports) -> Mapping[str, Any]:
    """What a session JWT says whose bearer, or whose key's holder, asks. Raises `OAuthRefusal`."""
    claims = ports.signer.verify(shown.text, typ="at+jwt", audience=None, now=ports.clock.now())
    if claims is None:
        raise invalid_token("not one of our session JWTs, or expired")
    require_holder(shown, claims, ports)
    return claims


def rights_of(found: GrantInContext) -> Rights:
    """What this Grant may speak of, as of now."""
    return narrowed(rights_by_client(found.held.authorizations, found.held.clients), found.grant.organization)


def over(found: GrantInContext, rights: Rights, now: int) -> str | None:
    """Why the tokens of a Grant with these rights are no longer good, for the log; None while they are."""
    if found.grant.revoked_at is not None or found.grant.redeemed_at is None:
        return "grant revoked"
    return ended(found, rights, now)


def ended(found: GrantInContext, rights: Rights, now: int) -> str | None:
    """Why a Grant with these rights stands for nothing any more, for the log; None while it does."""
    if found.user.status is not UserStatus.ACTIVE:
        return "user is switched off"
    if found.session.ended_at is not None or not (found.grant.is_offline or found.session.is_live(now)):
        return "session ended"
    # Without the Client that it was narrowed to, a token would fall under the policy of no Client, which releases more.
    if not rights and (found.grant.organization is not None or found.application.requires_authorization):
        return "authorization withdrawn"
    return None


def lives(found: GrantInContext, now: int) -> bool:
    """Whether anything that comes of this Grant is accepted still. Where nobody used its refresh token, nothing is."""
    if found.grant.is_offline and now >= refresh_token.expires_at(found.grant) + LIFETIME:
        return False
    return over(found, rights_of(found), now) is None


def invalid_token(detail: str) -> OAuthRefusal:
    """The one answer to a token that is not accepted; `detail` is for the log."""
    return OAuthRefusal("invalid_token", "The token is invalid, expired or was revoked.", detail=detail)
