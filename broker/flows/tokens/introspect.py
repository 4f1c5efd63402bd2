"""Owns introspection (RFC 7662): whether a token is good at this moment, told to whom it concerns.

Refuses to tell anybody else more than that it is not: an unknown token, one that is over, and another Application's
cannot be told apart. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.domain import dpop, refresh_token
from broker.domain.application import Application, ApplicationType, GrantType
from broker.domain.errors import OAuthRefusal
from broker.domain.own_token import is_own, may_have
from broker.domain.policy import RESERVED_CLAIMS
from broker.domain.refresh_token import Standing
from broker.domain.token_exchange import concerns
from broker.flows.authenticated import Credentials, authenticated
from broker.flows.live_grant import over, rights_of, spoken_for
from broker.flows.ports import Ports
from broker.flows.presented import ShownRefreshToken, ShownSessionJwt, presented

INACTIVE: Mapping[str, Any] = {"active": False}


async def introspect(credentials: Credentials, token: str, ports: Ports) -> Mapping[str, Any]:
    """The answer of RFC 7662 section 2.2. Raises `OAuthRefusal` (`invalid_client`).

    In full for the Application that a token was issued to, and, of a session JWT, for one whose `audience` it is for.
    """
    now = ports.clock.now()
    shown = await presented(token, ports, now=now)
    found = None if shown is None else shown.found
    application = await authenticated(credentials, None if found is None else found.application, ports)
    if application.type is not ApplicationType.CONFIDENTIAL:  # RFC 7662 section 2.1: nobody may scan for tokens
        raise OAuthRefusal("invalid_client", "Only an application with a secret can ask about tokens.")
    match shown:
        case ShownRefreshToken():
            return _of_refresh_token(shown, application, ports, now)
        case ShownSessionJwt():
            if not concerns(shown.claims, application):
                return INACTIVE
            if is_own(shown.claims):
                return await _of_own_token(shown.claims, application, ports)
            return await _of_session_jwt(shown, application, ports, now)
    return INACTIVE


async def _of_own_token(claims: Mapping[str, Any], asking: Application, ports: Ports) -> Mapping[str, Any]:
    """Good as long as the Application would be given it still; which one more read tells, if it is not who asks."""
    owner = asking if asking.id == claims["client_id"] else await ports.store.application(claims["client_id"])
    if owner is None or not may_have(owner, claims):
        return INACTIVE
    return {"active": True, "token_type": _type_of(claims), **claims}


async def _of_session_jwt(shown: ShownSessionJwt, asking: Application, ports: Ports, now: int) -> Mapping[str, Any]:
    """Its claims but for the User's attributes, which userinfo tells; the Authorizations as they are now."""
    claims = shown.claims
    spoken = await spoken_for(claims, shown.found, ports, now=now, asking=asking)
    if isinstance(spoken, str):
        return INACTIVE
    _, rights = spoken
    told = {name: value for name, value in claims.items() if name in RESERVED_CLAIMS - {"authorizations_ref"}}
    return {"active": True, "token_type": _type_of(claims), **told, "authorizations": rights}


def _type_of(claims: Mapping[str, Any]) -> str:
    """RFC 9449 section 6.2."""
    return "Bearer" if dpop.bound_to(claims) is None else dpop.TOKEN_TYPE


def _of_refresh_token(shown: ShownRefreshToken, application: Application, ports: Ports, now: int) -> Mapping[str, Any]:
    """It is for nobody but its Application, so it has no `aud`. One that was rotated away is over, though replayed."""
    found, grant = shown.found, shown.found.grant
    if found.application.id != application.id or GrantType.REFRESH_TOKEN not in application.grants:
        return INACTIVE
    newest = refresh_token.standing(shown.token, grant, now) is Standing.NEWEST
    if not newest or over(found, rights_of(found), now) is not None:
        return INACTIVE
    told = {
        "active": True,
        "iss": ports.issuer,
        "sub": grant.user_id,
        "client_id": grant.application_id,
        "scope": " ".join(grant.scopes),
        "iat": grant.created_at,
        "exp": refresh_token.expires_at(grant),
        "auth_time": grant.auth_time,
        "sid": grant.session_id,
        **dpop.confirmation(grant.dpop_jkt),
    }
    return told if grant.organization is None else told | {"org_id": grant.organization}
