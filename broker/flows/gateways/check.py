"""Owns what a gateway asks before each request: who is this, and may they go on to the service?

Refuses whatever does not stand at this moment. But for when the Session was last seen, that other attributes are told
than before, and that something does not open, it writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from broker.domain.changes import TouchSession
from broker.domain.errors import NotFound, OAuthRefusal, Refusal, SealBroken
from broker.domain.gateway import header_safe_email, origin_of
from broker.domain.grant import Rights
from broker.domain.ids import ApplicationId, ClientOrgId, SessionId, UserId
from broker.domain.policy import Context
from broker.flows.broken_seal import mark
from broker.flows.found import GrantInFull
from broker.flows.gateway_application import gateway_application, open_pass
from broker.flows.issued import session_jwt_of
from broker.flows.live_grant import behind, claims_of, over, rights_of
from broker.flows.ports import Ports
from broker.flows.possession import ShownToken
from broker.flows.released import record_release
from broker.flows.sealed import open_released


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What came with the request. `host_only`: the cookie's name is one that only the host itself can set."""

    bearer: str | None = field(repr=False)
    cookie: str | None = field(repr=False)
    host_only: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Admitted:
    """Somebody who may go on. `email` only where it may be released, and can stand in a header."""

    session_jwt: str = field(repr=False)
    user_id: UserId
    session_id: SessionId
    organization: ClientOrgId | None
    email: str | None = field(repr=False)


async def check(application_id: ApplicationId, shown: Shown, ports: Ports) -> Admitted:
    """Who sends this request to the service. Where there is a bearer token, the cookie counts for nothing.

    Raises `NotFound` where no gateway guards this Application, else `Refusal` (`not_signed_in`).
    """
    if shown.bearer is not None:
        return await _by_token(application_id, shown.bearer, ports)
    return await _by_cookie(application_id, shown, ports)


async def _by_token(application_id: ApplicationId, bearer: str, ports: Ports) -> Admitted:
    try:
        claims = claims_of(ShownToken(text=bearer), ports)
        found, rights = await behind(claims, ports, ports.clock.now())
    except OAuthRefusal as refusal:
        raise await _refused(application_id, refusal.detail or refusal.code, ports) from None
    known = found.application
    application = known if known.id == application_id else await gateway_application(application_id, ports)
    if not application.gateway:
        raise NotFound(detail="no application behind a gateway")
    if claims["aud"] != application.audience:
        raise await _refused(application_id, "token for another audience", ports)
    return await _admitted(found, rights, (bearer, claims), ports)


async def _by_cookie(application_id: ApplicationId, shown: Shown, ports: Ports) -> Admitted:
    opened = open_pass(shown.cookie, application_id, ports.secrets)
    found = None if opened is None else await ports.store.grant(opened.grant_id)
    if found is None:
        detail = "no pass of this application" if shown.cookie else "nothing shown"
        raise await _refused(application_id, detail, ports)
    if not found.application.gateway:
        raise NotFound(detail="no application behind a gateway")
    rights, now = rights_of(found), ports.clock.now()
    problem = over(found, rights, now)
    if problem is None and not found.session.is_live(now):
        # Who made the scope wider on the way has a Grant that outlives its Session. A pass never does.
        problem = "session ended"
    elif ports.policy.documents.overdue(found.user.accepted, now):
        problem = "documents not accepted"
    elif not shown.host_only and origin_of(found.application).startswith("https:"):
        problem = "cookie that another host may have set"
    if problem is not None:
        raise await _refused(application_id, problem, ports)
    admitted = await _admitted(found, rights, None, ports)
    if found.session.needs_touch(now):
        await ports.store.write(TouchSession(session_id=found.session.id, at=now))
    return admitted


async def _admitted(
    found: GrantInFull, rights: Rights, shown: tuple[str, Mapping[str, Any]] | None, ports: Ports
) -> Admitted:
    """`shown`: the session JWT that came, and its claims; without, a fresh one is made."""
    try:
        released = await open_released(found, tuple(rights), Context.TOKENS, ports)
    except SealBroken:
        await mark(found.connection, ports.store, ports.clock)
        raise await _refused(found.application.id, "seal broken", ports) from None
    now = ports.clock.now()
    session_jwt, claims = shown or (None, None)
    await record_release(found, released.names, ports, now=now, claims=claims)
    return Admitted(
        session_jwt=session_jwt or session_jwt_of(found, rights, released.values, ports, now=now),
        user_id=found.user.id,
        session_id=found.session.id,
        organization=found.grant.organization,
        email=header_safe_email(released.values.get("email")),
    )


async def _refused(application_id: ApplicationId, detail: str, ports: Ports) -> Refusal:
    """For the log, `detail`; for everybody the same. Raises `NotFound` where there is nothing to be signed in to."""
    await gateway_application(application_id, ports)
    return Refusal("not_signed_in", "Nobody is signed in here.", detail=detail)
