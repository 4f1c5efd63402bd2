"""Owns signing out, also when an Application asks for it (OpenID Connect RP-Initiated Logout 1.0 section 2).

Refuses to sign anybody out without a proof or a confirmation, and to redirect to what is not registered.
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.authorize_request import Parameters, application_id_of
from broker.domain.changes import EndSession, Record
from broker.domain.errors import Refusal
from broker.domain.ledger import AuditEvent
from broker.flows.found import LiveSession
from broker.flows.ports import Ports

_NAMES = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state", "logout_hint", "ui_locales")
_MAX = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedOut:
    """The Session is over. Send the browser to `redirect_uri` with `state`, or show a page when it is None."""

    redirect_uri: str | None
    state: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfirmationNeeded:
    """Ask the person first; on "Sign out" the same parameters come back confirmed."""

    application_name: str | None


async def sign_out(
    parameters: Parameters, signed_in: LiveSession | None, ports: Ports, *, confirmed: bool, request_id: str
) -> SignedOut | ConfirmationNeeded:
    """Sign out. Raises `Refusal` for anything malformed or unregistered; nothing was changed then."""
    one: dict[str, str] = {}
    for name in _NAMES:
        values = parameters.get(name, ())
        if len(values) > 1 or any(len(v) > _MAX for v in values):
            raise _bad("a parameter is repeated or too long")
        if values:
            one[name] = values[0]

    hint = None
    if "id_token_hint" in one:
        hint = ports.signer.verify(one["id_token_hint"], typ="JWT", audience=None, now=None)
        if hint is None:
            raise _bad("id_token_hint is not one of our ID tokens")
        if one.setdefault("client_id", hint["aud"]) != hint["aud"]:
            raise _bad("client_id is not the id_token_hint's audience")

    application = None
    if "client_id" in one:
        application = await ports.store.application(application_id_of({"client_id": (one["client_id"],)}))
        if application is None:
            raise _bad("unknown application")
    target = one.get("post_logout_redirect_uri")
    if target is not None and (application is None or not application.may_return_after_logout_to(target)):
        raise _bad("post_logout_redirect_uri is not registered")

    proven = hint is not None and (signed_in is None or hint.get("sid") == signed_in.session.id)
    if signed_in is not None and not (confirmed or proven):
        return ConfirmationNeeded(application_name=None if application is None else application.name)
    if signed_in is not None:
        now = ports.clock.now()
        event = AuditEvent(
            at=now,
            action="session.sign_out",
            outcome="done",
            request_id=request_id,
            user_id=signed_in.user.id,
            application_id=None if application is None else application.id,
            object_id=signed_in.session.id,
        )
        end = EndSession(session_id=signed_in.session.id, user_id=signed_in.user.id, at=now)
        await ports.store.write(end, Record(event=event))
    return SignedOut(redirect_uri=target, state=one.get("state") if target is not None else None)


def _bad(detail: str) -> Refusal:
    return Refusal("invalid_logout", "The link that asked to sign you out is broken.", detail=detail)
