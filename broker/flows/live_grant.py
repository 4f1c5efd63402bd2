"""Owns the step that every endpoint shares which is asked with a session JWT: is what it stands for still alive?

Refuses tokens that were revoked, whose Session ended or whose User is switched off. Writes nothing.
"""

from __future__ import annotations

from broker.domain.client_org import rights_by_client
from broker.domain.errors import OAuthRefusal
from broker.domain.grant import Rights, narrowed
from broker.domain.ids import GrantId
from broker.domain.user import UserStatus
from broker.flows.ports import GrantInFull, Ports


async def live_grant(session_jwt: str, ports: Ports) -> tuple[GrantInFull, Rights]:
    """The Grant and the Authorizations, as of now. Raises `OAuthRefusal` (`invalid_token`, RFC 6750 section 3.1)."""
    now = ports.clock.now()
    claims = ports.signer.verify(session_jwt, typ="at+jwt", audience=None, now=now)
    if claims is None:
        raise invalid_token("not one of our session JWTs, or expired")
    grant_id, _, _ = str(claims.get("jti", "")).partition(".")
    found = await ports.store.grant(GrantId(grant_id))
    if found is None or found.grant.revoked_at is not None or found.grant.redeemed_at is None:
        raise invalid_token("grant revoked")
    if not found.session.is_live(now):
        raise invalid_token("session ended")
    if found.user.status is not UserStatus.ACTIVE:
        raise invalid_token("user is switched off")
    return found, narrowed(rights_by_client(found.held.authorizations, found.held.clients), found.grant.organization)


def invalid_token(detail: str) -> OAuthRefusal:
    """The one answer to a token that is not accepted; `detail` is for the log."""
    return OAuthRefusal("invalid_token", "The token is invalid, expired or was revoked.", detail=detail)
