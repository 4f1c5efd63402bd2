"""Owns the step that every endpoint shares which is asked with a session JWT: is what it stands for still alive?

Refuses tokens that were revoked, whose Session ended, whose User is switched off, or whose Authorization was withdrawn.
Writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.domain.client_org import rights_by_client
from broker.domain.errors import OAuthRefusal
from broker.domain.grant import Rights, narrowed
from broker.domain.ids import GrantId
from broker.domain.own_token import is_own
from broker.domain.user import UserStatus
from broker.flows.found import GrantInFull
from broker.flows.ports import Ports
from broker.flows.possession import ShownToken, require_holder


async def live_grant(shown: ShownToken, ports: Ports) -> tuple[GrantInFull, Rights]:
    """The Grant and the Authorizations, as of now.

    Raises `OAuthRefusal` (RFC 6750 section 3.1, RFC 9449 section 7.1): `invalid_token`, `invalid_dpop_proof`, or
    `insufficient_scope` where no User is behind it.
    """
    now = ports.clock.now()
    claims = claims_of(shown, ports)
    if is_own(claims):
        raise OAuthRefusal("insufficient_scope", "The token is an application's own, and speaks of no user.")
    grant_id, _, _ = str(claims.get("jti", "")).partition(".")
    found = await ports.store.grant(GrantId(grant_id))
    if found is None:
        raise invalid_token("grant revoked")
    rights = rights_of(found)
    if (problem := over(found, rights, now)) is not None:
        raise invalid_token(problem)
    return found, rights


def claims_of(shown: ShownToken, ports: Ports) -> Mapping[str, Any]:
    """What a session JWT says whose bearer, or whose key's holder, asks. Raises `OAuthRefusal`."""
    claims = ports.signer.verify(shown.text, typ="at+jwt", audience=None, now=ports.clock.now())
    if claims is None:
        raise invalid_token("not one of our session JWTs, or expired")
    require_holder(shown, claims, ports)
    return claims


def rights_of(found: GrantInFull) -> Rights:
    """What this Grant may speak of, as of now."""
    return narrowed(rights_by_client(found.held.authorizations, found.held.clients), found.grant.organization)


def over(found: GrantInFull, rights: Rights, now: int) -> str | None:
    """Why the tokens of a Grant with these rights are no longer good, for the log; None while they are."""
    if found.grant.revoked_at is not None or found.grant.redeemed_at is None:
        return "grant revoked"
    return ended(found, rights, now)


def ended(found: GrantInFull, rights: Rights, now: int) -> str | None:
    """Why a Grant with these rights stands for nothing any more, for the log; None while it does."""
    if found.user.status is not UserStatus.ACTIVE:
        return "user is switched off"
    if found.session.ended_at is not None or not (found.grant.is_offline or found.session.is_live(now)):
        return "session ended"
    # Without the Client that it was narrowed to, a token would fall under the policy of no Client, which releases more.
    if not rights and (found.grant.organization is not None or found.application.requires_authorization):
        return "authorization withdrawn"
    return None


def invalid_token(detail: str) -> OAuthRefusal:
    """The one answer to a token that is not accepted; `detail` is for the log."""
    return OAuthRefusal("invalid_token", "The token is invalid, expired or was revoked.", detail=detail)
