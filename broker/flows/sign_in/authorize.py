"""Owns an Application's authorize request: answers it at once where it can, else says what is missing.

Refuses to redirect anywhere before the Application and its `redirect_uri` are proven (RFC 9700 section 4.1).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.domain.application import Application
from broker.domain.authorize_request import AuthorizeRequest, Parameters
from broker.domain.changes import AddGrant, Change, PutConsent, Record, RelyOnConsent, TakePushedRequest
from broker.domain.client_org import rights_by_client
from broker.domain.consent import Consent, suffices
from broker.domain.errors import Conflict, Fault
from broker.domain.grant import check_entitled, narrowed, new_grant
from broker.domain.ids import ClientOrgId, GrantId
from broker.domain.ledger import AuditEvent
from broker.domain.redirect import Onward, answer_to
from broker.domain.request_refused import RequestRefused, refuse
from broker.domain.session import Session
from broker.flows.asked import asked, used_up
from broker.flows.found import LiveSession
from broker.flows.id_token_hint import expected_user
from broker.flows.ports import Ports


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered(Onward):
    """Send the browser on with the code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInNeeded:
    """Nobody is signed in, or not as the Application asks. `query`: what asks the same of the page that comes next.

    `documents`: somebody is, and has to accept the documents in force, which they are asked to when they sign in.
    """

    request: AuthorizeRequest
    application: Application
    query: str = field(repr=False)
    documents: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentNeeded:
    """The User has to allow this third-party Application first. `clients`: whose rights it would see.

    `query`: what asks the same of the page that comes next.
    """

    request: AuthorizeRequest
    application: Application
    query: str = field(repr=False)
    clients: tuple[ClientOrgId, ...]


async def authorize(
    parameters: Parameters,
    signed_in: LiveSession | None,
    ports: Ports,
    *,
    allow: bool = False,
    request_id: str,
) -> Answered | SignInNeeded | ConsentNeeded:
    """Answer an authorize request. `allow`: the User has just pressed "Allow" on the consent page.

    Raises `Refusal` (to show), `RequestRefused` (to send to the Application) or `Fault`.
    """
    found = await asked(parameters, ports)
    request, application = found.request, found.application
    now = ports.clock.now()

    expected = None if signed_in is None else signed_in.user.id
    if request.id_token_hint is not None:
        expected = expected_user(request.id_token_hint, request, ports.signer)
        if expected is None:  # nobody could ever sign in as they (OpenID Connect Core section 3.1.2.1)
            raise _refused(request, "login_required", "id_token_hint is no ID token of this application's.")
    if signed_in is None or signed_in.user.id != expected or not _is_fresh(request, signed_in.session, now):
        if "none" in request.prompts:
            raise _refused(request, "login_required")
        return SignInNeeded(request=request, application=application, query=found.query)
    if ports.policy.documents.overdue(signed_in.user.accepted, now):
        if "none" in request.prompts:
            raise _refused(request, "interaction_required", "The person has to accept new documents first.")
        return SignInNeeded(request=request, application=application, query=found.query, documents=True)

    held = await ports.store.held_authorizations(signed_in.user.id)
    rights = rights_by_client(held.authorizations, held.clients)
    check_entitled(request, application, rights)

    changes: list[Change] = []
    action = "authorize"
    if not application.first_party:
        consent = await ports.store.consent(signed_in.user.id, application.id)
        if allow:
            action = "authorize.allow"
            # Who allowed it for one Client was promised that the others stay out of reach: that lasts for this once.
            if request.organization is None:
                given = Consent(
                    user_id=signed_in.user.id, application_id=application.id, scopes=request.scopes, given_at=now
                )
                changes.append(PutConsent(consent=given))
        elif "consent" in request.prompts or not suffices(consent, request.scopes):
            if "none" in request.prompts:
                raise _refused(request, "consent_required")
            clients = tuple(narrowed(rights, request.organization))
            return ConsentNeeded(request=request, application=application, query=found.query, clients=clients)
        else:
            changes.append(RelyOnConsent(consent=consent))

    code = ports.secrets.token()
    grant = new_grant(
        request,
        id=GrantId(ports.secrets.new_id("gnt")),
        code=ports.secrets.keyed_hash("code", code),
        user_id=signed_in.user.id,
        session=signed_in.session,
        now=now,
    )
    event = AuditEvent(
        at=now,
        action=action,
        outcome="done",
        request_id=request_id,
        user_id=grant.user_id,
        application_id=application.id,
        client_org=request.organization,
        object_id=grant.id,
    )
    if request.pushed is not None:
        changes.append(TakePushedRequest(request_id=request.pushed.id, expires_at=request.pushed.forget_at))
    try:
        await ports.store.write(*changes, AddGrant(grant=grant), Record(event=event))
    except Conflict as conflict:
        if conflict.what == TakePushedRequest.__name__:
            raise used_up(request) from None
        # The Application, the Session or the User's word is gone meanwhile.
        raise Fault("contention", "Something was changed at this moment. Please try again.") from None
    onward = answer_to(request, ports.issuer, code=code)
    return Answered(url=onward.url, fields=onward.fields)


def _is_fresh(request: AuthorizeRequest, session: Session, now: int) -> bool:
    if request.prompts & {"login", "select_account"}:
        return False
    return request.max_age is None or now - session.auth_time <= request.max_age


def _refused(
    request: AuthorizeRequest, code: str, sentence: str = "The person has to be asked, and prompt=none forbids it."
) -> RequestRefused:
    return refuse(request, code, sentence)
