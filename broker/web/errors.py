"""Owns how errors are answered: which status, in which format. The only place that knows an HTTP status for an error.

Refuses to say more than the code and the sentence: detail goes to the log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from broker.domain import public_key, revocation
from broker.domain.attempt import Purpose
from broker.domain.errors import BrokerError, Fault, NotFound, OAuthRefusal, Refusal
from broker.domain.redirect import answer_to
from broker.domain.request_refused import RequestRefused
from broker.web import context
from broker.web.pages import problems
from broker.web.pages.shell import Shell
from broker.web.pages.views import ErrorView, View

STATUSES: Mapping[str, int] = {
    "not_found": 404,
    "method_not_allowed": 405,
    "too_slow": 408,
    "too_large": 413,
    "too_many": 429,
    "invalid_client": 401,
    "invalid_token": 401,
    "no_token": 401,
    "not_signed_in": 401,
    "gateway_denied": 403,
    "initiator_mismatch": 403,
    "provider_disabled": 403,
    "account_disabled": 403,
    "account_leaving": 403,
    "subject_changed": 403,
    "identity_in_use": 403,
    "cross_site": 403,
    "insufficient_scope": 403,
    "documents_changed": 409,
    "not_correctable": 403,
}
"""Codes whose status is not 400. Every `Fault` is 503; `invalid_dpop_proof` beside a token is 401."""

OAUTH_PATHS = (
    "/oauth/token",
    "/oauth/par",
    "/oauth/device_authorization",
    "/oauth/userinfo",
    "/oauth/revoke",
    "/oauth/introspect",
)
"""Where software asks, and errors are those of RFC 6749 section 5.2."""
_PROVIDER_LOGOUT = re.compile(r"/callback/[^/]+/logout")
"""There, too (Back-Channel Logout 1.0 section 2.8)."""

GATEWAY_PATHS = ("/forward-auth/", "/ext-authz/")
"""Where gateways ask; what people see of it is on a service's host, where our pages' style sheet and links are not."""


class TooMany(Refusal):
    """Too many refused requests from one place. `wait` in seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__("too_many", "Too many requests that could not be granted. Please wait.")
        self.wait = max(wait, 1)


class NotOnForm(Refusal):
    """What was typed into a form was refused: `view` is that form, with what was typed, to try again."""

    def __init__(self, refusal: Refusal, view: View) -> None:
        super().__init__(refusal.code, refusal.sentence, detail=refusal.detail)
        self.view = view


def status_of(error: BrokerError, path: str = "") -> int:
    """The status that an error is answered with, at this path."""
    if isinstance(error, Fault):
        return 503
    if error.code == "invalid_dpop_proof" and path.startswith(_RESOURCES):
        return 401  # RFC 9449 section 7.1
    return STATUSES.get(error.code, 400)


def answer(request: Request, error: BrokerError) -> Response:
    """The answer in the format of the place that was asked: sent on, OAuth's JSON, problem+json, or a page."""
    if isinstance(error, RequestRefused):  # at its proven redirect_uri (RFC 6749 section 4.1.2.1)
        issuer = context.web_of(request).ports.issuer
        told = answer_to(error, issuer, error=error.code, error_description=error.sentence)
        return context.sent(request, told)
    path = request.scope["path"]
    if path.startswith(OAUTH_PATHS) or _PROVIDER_LOGOUT.fullmatch(path):
        response = _oauth(request, error)
    elif path.startswith(GATEWAY_PATHS):
        response = _plain(request, error)
    elif path.startswith(("/api/", "/.well-known/", "/healthz", "/readyz", "/metrics", "/assets/")):
        response = _problem(request, error)
    else:
        response = _page(request, error)
    if error.code in _CHALLENGES and path.startswith(_RESOURCES):
        _challenged(request, error.code, response)
    if error.code == "not_signed_in" and path.startswith("/api/"):
        response.headers["WWW-Authenticate"] = 'Cookie realm="account"'  # RFC 9110 section 15.5.2 wants a challenge
    if isinstance(error, Fault):
        response.headers["Retry-After"] = str(error.retry_after)
    elif isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.wait)
    return response


def _oauth(request: Request, error: BrokerError) -> Response:
    """RFC 6749 section 5.2."""
    code = error.code if isinstance(error, OAuthRefusal) else _OAUTH_CODES.get(error.code, "invalid_request")
    if isinstance(error, Fault):
        code = "temporarily_unavailable"
    told = {"error": code, "error_description": error.sentence}
    response = JSONResponse(told, status_code=status_of(error, request.scope["path"]))
    if error.code == "invalid_client":
        response.headers["WWW-Authenticate"] = 'Basic realm="token"'
    return response


_OAUTH_CODES = {"too_many": "temporarily_unavailable"}


def _problem(request: Request, error: BrokerError) -> Response:
    """RFC 9457."""
    status = status_of(error, request.scope["path"])
    document = {
        "type": "about:blank",
        "title": error.sentence,
        "status": status,
        "code": error.code,
        "request_id": context.request_id_of(request),
    }
    return JSONResponse(document, status_code=status, media_type="application/problem+json")


def _challenged(request: Request, code: str, response: Response) -> None:
    """How to send a token (RFC 6750 section 3, RFC 9449 section 7.1), with the error beside the scheme that was used.

    Without a token no error is named.
    """
    path = request.scope["path"]
    realm = "userinfo" if path.startswith("/oauth/") else "api"
    said = "" if code == "no_token" else f', error="{code}"'
    if code == "insufficient_scope":
        said += f', scope="{revocation.SCOPE if path == "/api/v1/revocations" else "openid"}"'
    by_proof = request.headers.get("authorization", "").lower().startswith("dpop ")
    bearer, proof = ("", said) if by_proof else (said, "")
    response.headers["WWW-Authenticate"] = f'Bearer realm="{realm}"{bearer}, DPoP algs="{_ALGS}"{proof}'


_CHALLENGES = frozenset({"no_token", "invalid_token", "invalid_dpop_proof", "insufficient_scope"})
_RESOURCES = ("/oauth/userinfo", "/api/")
_ALGS = " ".join(alg for of_kind in public_key.ALGORITHMS.values() for alg in of_kind)


def _plain(request: Request, error: BrokerError) -> Response:
    if error.code == "not_signed_in":  # for the gateway alone
        return Response(status_code=status_of(error), headers={"WWW-Authenticate": "Bearer"})
    text = f"{error.sentence}\n\nReference: {context.request_id_of(request)}\n"
    return PlainTextResponse(text, status_code=status_of(error))


def _page(request: Request, error: BrokerError) -> Response:
    view = error.view if isinstance(error, NotOnForm) else _view(request, error)
    return context.page(view, status=status_of(error))


def _view(request: Request, error: BrokerError) -> ErrorView:
    shell = context.shell(request, None)
    status = status_of(error)
    provider = _provider_name(request)
    if isinstance(error, TooMany):
        return problems.too_many(shell, status=status, wait_seconds=error.wait)
    if isinstance(error, NotFound):
        return problems.not_found(shell, status=status)
    if isinstance(error, Fault) and error.code.startswith("provider_"):
        return problems.provider_down(shell, status=status, provider_name=provider)
    if isinstance(error, Fault):
        return problems.our_side(shell, status=status)
    if error.code == "identity_in_use":
        return problems.somebody_elses(shell, status=status, provider_name=provider)
    if error.code == "upstream_denied":
        told = problems.not_connected if _is_connecting(request) else problems.declined
        return told(shell, status=status, provider_name=provider)
    if (preset := _PRESETS.get(error.code)) is not None:
        return preset(shell, status)
    return ErrorView(
        shell=shell,
        status=status,
        title="This did not work",
        happened=error.sentence,
        to_do="Go back and try again. If it happens again, tell your administrator the reference below.",
    )


_PRESETS: Mapping[str, Callable[[Shell, int], ErrorView]] = {
    "expired_state": lambda shell, status: problems.attempt_expired(shell, status=status),
    "invalid_state": lambda shell, status: problems.attempt_elsewhere(shell, status=status),
    "asked_already": lambda shell, status: problems.asked_already(shell, status=status),
    "used_state": lambda shell, status: problems.attempt_used(shell, status=status),
    "unknown_application": lambda shell, status: problems.link_broken(shell, status=status),
    "invalid_redirect_uri": lambda shell, status: problems.link_broken(shell, status=status),
    "invalid_request": lambda shell, status: problems.link_broken(shell, status=status),
    "access_denied": lambda shell, status: problems.not_entitled(shell, status=status),
    "invalid_request_uri": lambda shell, status: problems.link_broken(shell, status=status),
    "account_leaving": lambda shell, status: problems.leaving(shell, status=status),
    "invalid_logout": lambda shell, status: problems.link_broken(shell, status=status),
}


def _is_connecting(request: Request) -> bool:
    """Whether this browser's trip was to connect a further account."""
    web = context.web_of(request)
    cookie = request.cookies.get(web.cookies.attempt(request.query_params.get("state", "")), "")
    attempt = web.ports.secrets.open_attempt(cookie)
    return attempt is not None and attempt.purpose is Purpose.CONNECT


def _provider_name(request: Request) -> str:
    facts = context.web_of(request).ports.upstream.registrations.get(request.path_params.get("registration", ""))
    return "The service" if facts is None else facts.label
