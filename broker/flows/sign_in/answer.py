"""Owns where a browser goes that is back from a Provider, and the Grant that this takes. A step of `finish`.

Refuses an Application its code where somebody else has signed in, or is not entitled to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.domain.application import Application
from broker.domain.attempt import Purpose, SignInAttempt
from broker.domain.authorize_request import AuthorizeRequest
from broker.domain.changes import (
    AddGrant,
    Change,
    TakePushedRequest,
)
from broker.domain.grant import Rights, check_entitled, new_grant
from broker.domain.ids import GrantId, KeyedHash
from broker.domain.redirect import Onward, answer_to
from broker.domain.request_refused import RequestRefused
from broker.domain.session import Session
from broker.flows.asked import query_of
from broker.flows.found import LiveSession
from broker.flows.id_token_hint import is_expected
from broker.flows.ports import Ports
from broker.flows.proven import VerifiedSignIn


@dataclass(frozen=True, kw_only=True, slots=True)
class Return:
    """A browser that is back, with everything proven. `asked` is the authorize request that waits, if one does.

    `used_up`: it was pushed, and somebody got a code for it meanwhile. `address`: what the ledger may remember of where
    the browser is.
    """

    attempt: SignInAttempt
    verified: VerifiedSignIn
    identity_hash: KeyedHash
    email_hash: KeyedHash | None
    signed_in: LiveSession | None
    asked: tuple[AuthorizeRequest, Application] | None
    browser: str
    request_id: str
    address: str | None = field(default=None, repr=False)
    used_up: bool = False

    @property
    def connecting(self) -> LiveSession | None:
        """Who is connecting a further account; None when this is a sign-in."""
        return self.signed_in if self.attempt.purpose is Purpose.CONNECT else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """Where the browser goes next, and the Grant that this takes. `refused`: the error that the Application is told."""

    onward: Onward
    changes: tuple[Change, ...] = ()
    refused: str = ""


def answer_of(back: Return, session: Session, rights: Rights, ports: Ports, now: int) -> Answer:
    if back.asked is None:
        page = back.attempt.page or "/account"
        if back.connecting:
            page = f"/account/connections?connected={back.attempt.registration}"
        return Answer(onward=Onward(url=f"{ports.issuer}{page}"))
    request, application = back.asked
    error = _refused(request, application, session, rights, ports, used_up=back.used_up)
    if error is not None:
        return Answer(onward=answer_to(request, ports.issuer, error=error), refused=error)
    if not application.first_party:  # the consent page lies between; the person is signed in by then
        query = query_of(request, back.attempt.continue_to, ports)
        return Answer(onward=Onward(url=f"{ports.issuer}/oauth/authorize?{query}"))
    code = ports.secrets.token()
    grant = new_grant(
        request,
        id=GrantId(ports.secrets.new_id("gnt")),
        code=ports.secrets.keyed_hash("code", code),
        user_id=session.user_id,
        session=session,
        now=now,
    )
    changes: list[Change] = [AddGrant(grant=grant)]
    if (pushed := request.pushed) is not None:
        changes.append(TakePushedRequest(request_id=pushed.id, expires_at=pushed.forget_at))
    return Answer(onward=answer_to(request, ports.issuer, code=code), changes=tuple(changes))


def _refused(
    request: AuthorizeRequest,
    application: Application,
    session: Session,
    rights: Rights,
    ports: Ports,
    *,
    used_up: bool,
) -> str | None:
    if used_up:
        return "invalid_request_uri"
    if not is_expected(session.user_id, request, ports.signer):  # somebody else has signed in
        return "login_required"
    try:
        check_entitled(request, application, rights)
    except RequestRefused as refused:
        return refused.code
    return None
