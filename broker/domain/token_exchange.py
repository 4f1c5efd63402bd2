"""Owns what a session JWT may be exchanged for (RFC 8693): another audience, one Client, fewer scopes.

Refuses whatever is not narrower, and everybody whom the token does not concern.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from broker.domain import scope
from broker.domain.application import Application, ApplicationType, GrantType
from broker.domain.errors import OAuthRefusal
from broker.domain.grant import Rights
from broker.domain.ids import ClientOrgId

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
TOKEN_TYPES = (ACCESS_TOKEN, "urn:ietf:params:oauth:token-type:jwt")
"""RFC 8693 section 3: a session JWT is both."""
MOST_ACTORS = 3
"""How many services may stand behind each other in `act`; it bounds the token, and who is trusted along the way."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """An exchange as it is asked for. None where the token's own will do; `by_actor`: an `actor_token` was sent."""

    subject_token: str = field(repr=False)
    subject_token_type: str
    requested_token_type: str | None = None
    audiences: tuple[str, ...] = ()
    organization: str | None = None
    scope: str | None = None
    by_actor: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Narrower:
    """What the new token says where it differs from the one that is exchanged."""

    audience: str
    organization: ClientOrgId | None
    scopes: tuple[str, ...]
    act: Mapping[str, Any] | None


def may_exchange(application: Application) -> bool:
    """Only who can prove it is itself, and was registered for it."""
    return application.type is ApplicationType.CONFIDENTIAL and GrantType.TOKEN_EXCHANGE in application.grants


def concerns(claims: Mapping[str, Any], application: Application) -> bool:
    """Whether a session JWT with these claims was issued to it, or is for the service that it stands for."""
    return bool(application.id == claims["client_id"] or application.audience == claims["aud"])


def check_form(exchange: Exchange) -> None:
    """Raise `OAuthRefusal` (`invalid_request`, `invalid_target`) for what is not offered, whatever the token is."""
    if exchange.by_actor:  # who acts is who authenticates: nobody can name somebody else
        raise OAuthRefusal("invalid_request", "actor_token is not supported.")
    wanted = exchange.requested_token_type or ACCESS_TOKEN
    if exchange.subject_token_type not in TOKEN_TYPES or wanted not in TOKEN_TYPES:
        raise OAuthRefusal("invalid_request", f"The token types are {' and '.join(TOKEN_TYPES)}.")
    if len(exchange.audiences) > 1:
        raise OAuthRefusal("invalid_target", "A session JWT has one audience.")


def narrower(exchange: Exchange, claims: Mapping[str, Any], rights: Rights, application: Application) -> Narrower:
    """What `application` gets for a live token with these claims and, as of now, these rights.

    Raises `OAuthRefusal`: `invalid_target`, `invalid_scope`, or `invalid_request`.
    """
    audience = _audience(exchange, claims, application)
    organization = claims.get("org_id")
    if exchange.organization is not None:
        # No such Client, one the User does not act for, one that the token was narrowed away from: all alike.
        if exchange.organization not in rights:
            raise not_exchanged("no Authorization of the organization asked for")
        organization = ClientOrgId(exchange.organization)
    had = tuple(name for name in str(claims["scope"]).split() if name != scope.OFFLINE_ACCESS)
    scopes = had if exchange.scope is None else _scopes(exchange.scope, had)
    if (audience, organization, scopes) == (claims["aud"], claims.get("org_id"), had):
        raise not_exchanged("nothing narrower was asked for")
    return Narrower(audience=audience, organization=organization, scopes=scopes, act=_act(claims, application))


def not_exchanged(detail: str) -> OAuthRefusal:
    """The one answer to a token that is not exchanged (RFC 8693 section 2.2.2); `detail` is for the log."""
    return OAuthRefusal(
        "invalid_request",
        "The subject token is not valid, not this application's to exchange, or not wider than what was asked for.",
        detail=detail,
    )


def _audience(exchange: Exchange, claims: Mapping[str, Any], application: Application) -> str:
    had = str(claims["aud"])
    wanted = exchange.audiences[0] if exchange.audiences else had
    if wanted == had:
        return had
    if wanted not in application.exchange_audiences:
        raise OAuthRefusal("invalid_target", "The application may not ask for this audience.")
    if had != application.audience:  # a token on its way to one service is not turned round to another
        raise not_exchanged("its audience was exchanged before")
    return wanted


def _scopes(asked: str, had: tuple[str, ...]) -> tuple[str, ...]:
    names = set(asked.split(" ")) - {""}
    if not names or not names <= set(had):
        raise OAuthRefusal("invalid_scope", "Only scopes of the subject token can be asked for, but offline_access.")
    return tuple(name for name in had if name in names)


def _act(claims: Mapping[str, Any], application: Application) -> Mapping[str, Any] | None:
    """Who acts for the User beside the Application they signed in at, the present one outermost (section 4.1)."""
    before: Mapping[str, Any] | None = claims.get("act")
    if application.id == claims["client_id"]:
        return before
    count, actor = 1, before
    while actor is not None:
        count, actor = count + 1, actor.get("act")
    if count > MOST_ACTORS:
        raise not_exchanged("too many have acted")
    return {"sub": application.id} if before is None else {"sub": application.id, "act": before}
