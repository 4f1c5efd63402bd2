"""Owns the Grant: what a User's sign-in gave an Application, and the one-time code that fetches it.

Refuses a code that is late, used, or presented by anybody but the Application and redirect target it was made for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.domain import pkce, scope
from broker.domain.application import Application
from broker.domain.authorize_request import AuthorizeRequest
from broker.domain.device_request import DeviceRequest
from broker.domain.errors import OAuthRefusal
from broker.domain.ids import ApplicationId, ClientOrgId, GrantId, KeyedHash, KeyThumbprint, SessionId, UserId
from broker.domain.request_refused import refuse
from broker.domain.session import ABSOLUTE_LIFETIME, Session

CODE_LIFETIME = 60
"""OWASP ASVS 5.0 10.4.3 (L3): an authorization code lives at most one minute."""
REFRESH_LIFETIME = 30 * 86400
"""Seconds from the sign-in; then the person signs in again (OWASP ASVS 5.0 10.4.8)."""
NOT_ENTITLED = "You have no authorization for this yet. Ask your organisation's administrator for one."
REFRESH_REUSED = "refresh_reused"
"""Why a Grant was revoked of whose refresh tokens one was used after it had been rotated (RFC 9700 section 4.14.2)."""
_SESSION_OVER = ABSOLUTE_LIFETIME + CODE_LIFETIME
"""Seconds. As long as the Session may live it tells which Application it was last used for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """A code on its way to an Application, and afterwards the record that its tokens refer to.

    `generation` counts how often its refresh token was rotated; `refreshed_at` is when it was last used. No token comes
    of it after `kept_until`; nobody needs the record once the last one has expired. `revoked_for` is a code which says
    why it was revoked; `dismissed_at` is when its User put the warning about that away. `dpop_jkt`: the key that must
    be proven to redeem the code, and afterwards to refresh (RFC 9449 sections 10 and 5); None: any, or none.
    `released`: the names of the attributes that were last told under it, in order.
    """

    id: GrantId
    code: KeyedHash = field(repr=False)
    application_id: ApplicationId
    user_id: UserId
    session_id: SessionId
    redirect_uri: str
    scopes: tuple[str, ...]
    organization: ClientOrgId | None
    nonce: str | None = field(repr=False)
    code_challenge: str
    auth_time: int
    created_at: int
    kept_until: int
    redeemed_at: int | None = None
    revoked_at: int | None = None
    generation: int = 0
    refreshed_at: int | None = None
    revoked_for: str | None = None
    dismissed_at: int | None = None
    dpop_jkt: KeyThumbprint | None = None
    released: tuple[str, ...] = ()

    @property
    def is_for_device(self) -> bool:
        """Whether its code is a device's, which no browser carries: nothing leads back, and nobody began with PKCE."""
        return not self.redirect_uri

    @property
    def is_offline(self) -> bool:
        """Whether it has refresh tokens, and so outlives its Session's idle and absolute end."""
        return scope.OFFLINE_ACCESS in self.scopes

    @property
    def warns(self) -> bool:
        """Whether its User is still to be told what it was revoked for: somebody else may have had a copy."""
        return self.revoked_for == REFRESH_REUSED and self.dismissed_at is None


Rights = Mapping[ClientOrgId, tuple[str, ...]]
"""Per Client, the rights that it gives one User."""


class CodeMisused(OAuthRefusal):
    """The code is real but was not presented as it must be; the Grant has to be burnt."""


def check_redemption(
    grant: Grant,
    *,
    application_id: ApplicationId,
    redirect_uri: str,
    code_verifier: str,
    key: KeyThumbprint | None,
    now: int,
) -> None:
    """Raise `CodeMisused` (`invalid_grant`) unless this redemption is the one the code was made for.

    RFC 6749 section 4.1.3, RFC 7636 section 4.6, RFC 9449 section 10. `key`: the one that whoever redeems has proven.
    """
    if grant.application_id != application_id:
        problem = "code of another application"
    elif grant.is_for_device:
        problem = "code of a device"
    elif grant.redeemed_at is not None:
        problem = "code used before"
    elif grant.revoked_at is not None:
        problem = "grant revoked"
    elif now >= grant.created_at + CODE_LIFETIME:
        problem = "code expired"
    elif grant.redirect_uri != redirect_uri:
        problem = "redirect_uri differs"
    elif not pkce.proves(code_verifier, grant.code_challenge):
        problem = "code_verifier does not match"
    elif grant.dpop_jkt not in (None, key):
        problem = "another key than dpop_jkt, or none"
    else:
        return
    raise CodeMisused("invalid_grant", "The code is invalid, expired or was used before.", detail=problem)


def check_device_redemption(grant: Grant, *, application_id: ApplicationId) -> None:
    """Raise `OAuthRefusal` (`invalid_grant`) unless this Grant's device code is this Application's, and unused.

    Nothing is burnt: no browser has carried the code, and a device's questions may overtake each other.
    """
    if grant.application_id != application_id:
        problem = "code of another application"
    elif not grant.is_for_device:
        problem = "not the code of a device"
    elif grant.redeemed_at is not None:
        problem = "code used before"
    elif grant.revoked_at is not None:
        problem = "grant revoked"
    else:
        return
    raise device_code_refused(problem)


def device_code_refused(detail: str) -> OAuthRefusal:
    """The one answer to a device code that is unknown, used, or somebody else's; `detail` is for the log."""
    return OAuthRefusal("invalid_grant", "The device code is invalid or was used before.", detail=detail)


def check_entitled(request: AuthorizeRequest, application: Application, rights: Rights) -> None:
    """Raise `RequestRefused` (`access_denied`) unless the User's Authorizations suffice for what is asked."""
    detail = lacking(request.organization, application, rights)
    if detail is not None:
        raise refuse(request, "access_denied", NOT_ENTITLED, detail=detail)


def lacking(organization: ClientOrgId | None, application: Application, rights: Rights) -> str | None:
    """Why a User with these Authorizations may not use the Application, for the log; None when they may.

    A Client that does not exist and one that the User does not act for cannot be told apart.
    """
    if organization is not None and organization not in rights:
        return "no Authorization of the organization asked for"
    if application.requires_authorization and not rights:
        return "no Authorization at all"
    return None


def narrowed(rights: Rights, organization: ClientOrgId | None) -> dict[ClientOrgId, tuple[str, ...]]:
    """The Authorizations that a token may speak of: all, or the one Client's that was asked for."""
    return {c: r for c, r in rights.items() if organization is None or c == organization}


def new_grant(
    request: AuthorizeRequest, *, id: GrantId, code: KeyedHash, user_id: UserId, session: Session, now: int
) -> Grant:
    """The Grant that answers `request` for the person signed in by `session`."""
    return Grant(
        id=id,
        code=code,
        application_id=request.application_id,
        user_id=user_id,
        session_id=session.id,
        redirect_uri=request.redirect_uri,
        scopes=request.scopes,
        organization=request.organization,
        nonce=request.nonce,
        code_challenge=request.code_challenge,
        auth_time=session.auth_time,
        created_at=now,
        kept_until=_kept_until(request.scopes, now),
        dpop_jkt=request.dpop_jkt,
    )


def new_device_grant(request: DeviceRequest, *, id: GrantId, session: Session, now: int) -> Grant:
    """The Grant that lets a device in, for the person signed in by `session`: its device code fetches the tokens."""
    return Grant(
        id=id,
        code=request.device_code,
        application_id=request.application_id,
        user_id=session.user_id,
        session_id=session.id,
        redirect_uri="",
        scopes=request.scopes,
        organization=request.organization,
        nonce=None,
        code_challenge="",
        auth_time=session.auth_time,
        created_at=now,
        kept_until=_kept_until(request.scopes, now),
    )


def _kept_until(scopes: tuple[str, ...], now: int) -> int:
    return now + (REFRESH_LIFETIME if scope.OFFLINE_ACCESS in scopes else _SESSION_OVER)
