"""Owns what stands around every handler: limits on the refused, the ledger's line, and that nothing escapes as a 500.

Refuses callers who were refused too often, until their wait is over; a success in between does not shorten it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker.domain.authorize_request import Parameters
from broker.domain.errors import BrokerError, Conflict, Fault, NotFound, Refusal
from broker.domain.ids import ApplicationId, RegistrationId
from broker.domain.request_refused import RequestRefused
from broker.flows.ledger.record_refusal import record_refusal
from broker.web import cors, errors, origin
from broker.web.context import SignInFirst, request_id_of, web_of
from broker.web.parameters import NAME

REFUSALS = 100
PER_SECONDS = 60
"""So many refused requests a minute, from one address at one route, are answered; then comes a 429."""

Handler = Callable[[Request], Awaitable[Response]]

_log = structlog.get_logger("broker.error")
_WAITING = frozenset({"authorization_pending", "slow_down"})
"""What a device is told every few seconds (RFC 8628 section 3.5): counted in the metrics, and written down nowhere."""
_ORDINARY = _WAITING | {"login_required", "consent_required", "not_signed_in"}
"""What is answered all day long, to `prompt=none` and to gateways too: an office behind one address, or everybody
behind one gateway, would block itself."""
_UNWRITTEN = _WAITING | {"storage_unavailable"}
"""What the ledger has no line of, also where refusals have one."""

_READ_BY_PAGES = frozenset({"token", "par", "revoke"})


def guarded(name: str, handler: Handler, *, audited: bool) -> Handler:
    """`handler` with the guard around it. `audited`: a refusal here is a line in the ledger."""

    async def answer(request: Request) -> Response:
        request.scope["route_name"] = name
        web = web_of(request)
        place = f"{name}|{origin.address_of(request, web.trusted_proxies)}"
        if (wait := web.counters.blocked(place)) > 0:
            web.measures.refused(name, "too_many")
            return errors.answer(request, errors.TooMany(wait))
        try:
            return await handler(request)
        except SignInFirst as first:
            return _sign_in_first(request, first)
        except BrokerError as error:
            return await _refuse(request, name, place, error, audited=audited)
        except Exception as error:  # noqa: BLE001 - the last line: whatever it is, nobody gets a 500
            _log.error(
                "unexpected", route=name, request_id=request_id_of(request), kind=type(error).__name__, exc_info=True
            )
            return await _refuse(
                request, name, place, Fault("internal", "Something is down on our side."), audited=False
            )

    return answer


async def not_routed(request: Request, error: Exception) -> Response:
    """No route, or not by this method: then `Allow` says by which (RFC 9110 section 15.5.6).

    A published document has no route; what it allows stands in the scope.
    """
    routes = error.headers or {} if isinstance(error, HTTPException) else {}
    allow = request.scope.get("allow", routes.get("Allow"))
    if allow is None:
        return errors.answer(request, NotFound())
    answer = errors.answer(request, Refusal("method_not_allowed", "This cannot be done in this way."))
    answer.headers["Allow"] = allow
    return answer


async def _refuse(request: Request, name: str, place: str, error: BrokerError, *, audited: bool) -> Response:
    web = web_of(request)
    if isinstance(error, Conflict):
        error = Fault("contention", "Somebody else changed this at the same moment. Please try again.")
    reason = error.reason if isinstance(error, RequestRefused) else error.code
    web.measures.refused(name, reason)
    if error.code not in _WAITING:
        _log.warning("refused", route=name, reason=reason, detail=error.detail, request_id=request_id_of(request))
    if audited and error.code not in _UNWRITTEN:
        await _record(request, name, error)
    counts = isinstance(error, Refusal) and reason not in _ORDINARY
    if counts and (wait := await web.counters.hit(place, REFUSALS, PER_SECONDS)) is not None:
        return errors.answer(request, errors.TooMany(wait))
    response = errors.answer(request, error)
    _forget_attempt(request, response)
    if name in _READ_BY_PAGES:
        await _let_read(request, response)
    return response


async def _let_read(request: Request, response: Response) -> None:
    """A browser's Application has to learn why: its pages may read a refusal as they may read an answer."""
    if (application_id := request.scope.get("application_id")) is not None:
        with contextlib.suppress(BrokerError):
            await cors.allow_registered_origin(request, application_id, response)


async def _record(request: Request, name: str, error: BrokerError) -> None:
    application_id = _application_of(request)
    registration = str(request.path_params.get("registration", ""))
    try:
        await record_refusal(
            error,
            name,
            web_of(request).ports,
            request_id=request_id_of(request),
            user_id=request.scope.get("user_id"),
            application_id=ApplicationId(application_id) if NAME.fullmatch(application_id) else None,
            registration=RegistrationId(registration) if NAME.fullmatch(registration) else None,
        )
    except BrokerError as failure:
        _log.error("refusal not recorded", route=name, reason=failure.code, request_id=request_id_of(request))


def _application_of(request: Request) -> str:
    """Which Application a request says it is from: in its credentials, its form, or its query."""
    in_form: Parameters = request.scope.get("form", {})
    said = (request.scope.get("application_id"), *in_form.get("client_id", ()), request.query_params.get("client_id"))
    return next(filter(None, said), "")


def _forget_attempt(request: Request, response: Response) -> None:
    """A trip that failed is over: its cookie goes, and the person starts again."""
    cookies = web_of(request).cookies
    name = cookies.attempt(request.query_params.get("state", ""))
    if name in request.cookies:
        cookies.clear(response, name)


def _sign_in_first(request: Request, first: SignInFirst) -> Response:
    cookies = web_of(request).cookies
    asked: dict[str, str] = {} if first.notice is None else {"notice": first.notice}
    if first.page is not None:
        asked["return_to"] = first.page
    response = RedirectResponse("?".join(filter(None, ("/sign-in", urlencode(asked)))), status_code=303)
    if first.notice == "session_expired":
        cookies.clear(response, cookies.session)
    return response
