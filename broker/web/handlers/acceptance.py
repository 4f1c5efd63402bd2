"""Owns the page that asks to accept the documents before a sign-in is finished, and both answers to it."""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from broker.domain.attempt import Purpose
from broker.domain.errors import Refusal
from broker.domain.ids import RegistrationId
from broker.flows.sign_in.accept import Answer, accept
from broker.flows.sign_in.decline import decline
from broker.flows.sign_in.settlement import Finished
from broker.flows.sign_in.waiting import LONGEST, AcceptanceNeeded
from broker.web import context, origin
from broker.web.errors import NotOnForm
from broker.web.handlers.legal import legal_texts
from broker.web.handlers.shown import option_rows
from broker.web.pages import problems, words
from broker.web.pages.agreed_views import AcceptView
from broker.web.pages.device import device
from broker.web.pages.parts import PolicyRow
from broker.web.parameters import form_of, one

_FORM, _ATTEMPT = "waiting", "attempt"


async def accept_documents(request: Request) -> Response:
    """ "Accept and continue"."""
    web = context.web_of(request)
    origin.require_same_origin(request, web.ports.issuer)
    form = await form_of(request)
    name = web.cookies.attempt_called(one(form, _ATTEMPT) or "")
    answer = Answer(
        form=one(form, _FORM, longest=LONGEST) or "",
        accepted=one(form, "accepted") == "yes",
        adult=one(form, "adult") == "yes",
        agreed=frozenset(form.get("agreed", ())),
    )
    outcome = await accept(
        answer,
        request.cookies.get(name),
        await context.signed_in(request),
        web.ports,
        browser=device(request.headers.get("user-agent")),
        request_id=context.request_id_of(request),
        address=origin.address_of(request, web.trusted_proxies),
    )
    if isinstance(outcome, AcceptanceNeeded):
        raise NotOnForm(_missing(outcome), _view(request, outcome, answer))
    return done(request, outcome, name)


async def decline_documents(request: Request) -> Response:
    """ "Do not continue"."""
    web = context.web_of(request)
    origin.require_same_origin(request, web.ports.issuer)
    form = await form_of(request)
    name = web.cookies.attempt_called(one(form, _ATTEMPT) or "")
    declined = await decline(
        one(form, _FORM, longest=LONGEST) or "",
        request.cookies.get(name),
        await context.signed_in(request),
        web.ports,
        request_id=context.request_id_of(request),
    )
    if declined.onward is not None:
        response = context.sent(request, declined.onward)
    else:
        facts = web.ports.upstream.registrations.get(declined.registration)
        view = problems.not_accepted(
            context.shell(request, None),
            provider_name=_label(request, declined.registration),
            told=declined.told,
            permissions=None if facts is None else facts.permissions_page,
        )
        response = context.page(view)
    web.cookies.clear(response, name)
    return response


def asked(request: Request, needed: AcceptanceNeeded) -> Response:
    """The page, to a browser that is just back from its Provider."""
    response = context.page(_view(request, needed, None))
    context.web_of(request).cookies.keep_attempt(response, needed.attempt.state, needed.cookie)
    return response


def done(request: Request, finished: Finished, attempt_cookie: str) -> Response:
    """On to where the trip leads, signed in."""
    cookies = context.web_of(request).cookies
    response = context.sent(request, finished)
    cookies.clear(response, attempt_cookie)
    if finished.session_cookie is not None:
        cookies.set_session(response, finished.session_cookie)
    return response


def _missing(needed: AcceptanceNeeded) -> Refusal:
    if needed.changed:
        return Refusal("documents_changed", "The documents have changed while the page was open.")
    return Refusal("not_accepted", "Without both of these you cannot be let in.")


def _view(request: Request, needed: AcceptanceNeeded, answer: Answer | None) -> AcceptView:
    attempt, ticked = needed.attempt, frozenset[str]() if answer is None else answer.agreed
    return AcceptView(
        shell=context.shell(request, None),
        provider_name=_label(request, attempt.registration),
        application=None if needed.application is None else needed.application.name,
        connecting=attempt.purpose is Purpose.CONNECT,
        documents=legal_texts(request, needed.documents),
        kept=tuple(
            PolicyRow(attribute=words.attribute(name), purpose=keep.purpose) for name, keep in needed.kept.items()
        ),
        options=tuple(replace(row, ticked=row.subject in ticked) for row in option_rows(request, needed.options)),
        hidden=((_ATTEMPT, context.web_of(request).cookies.short(attempt.state)), (_FORM, needed.form)),
        changed=needed.changed,
        not_accepted=needed.not_accepted,
        not_adult=needed.not_adult,
        accepted=answer is not None and answer.accepted and not needed.changed,
        adult=answer is not None and answer.adult,
    )


def _label(request: Request, registration: RegistrationId) -> str:
    facts = context.web_of(request).ports.upstream.registrations.get(registration)
    return "The service" if facts is None else facts.label
