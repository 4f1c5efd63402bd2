"""The authorize endpoint and the persona page: a person chooses who to be and what to allow.

Never redirects before the way back is proven, and asks for no password.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker.demo.pages import same_origin
from broker.demo.provider.authorize_request import (
    AuthorizeRequest,
    NoWayBack,
    RefusedRequest,
    read_authorize_request,
)
from broker.demo.provider.discovery import CONSENT_PATH
from broker.demo.provider.faults import FAULTS, Fault, by_place
from broker.demo.provider.forms import form_pairs
from broker.demo.provider.personas import Persona
from broker.demo.provider.provider import DemoProvider

COOKIE = "demo_provider"
_REMEMBERED_BROWSERS = 10_000


async def authorize(provider: DemoProvider, request: Request) -> Response:
    """GET or POST an authorize request (OpenID Connect Core section 3.1.2.1)."""
    pairs = request.query_params.multi_items() if request.method == "GET" else await form_pairs(request)
    provider.authorize_requests.append(dict(pairs))
    try:
        asked = read_authorize_request(pairs, provider.registrations)
    except NoWayBack as refusal:
        return _no_way_back(provider, refusal)
    except RefusedRequest as refusal:
        return _refused(provider, refusal)

    hinted = provider.recognise(asked.login_hint)
    signed_in = provider.automatic or provider.browsers.get(request.cookies.get(COOKIE, ""))
    if "none" in asked.prompts:
        return _silently(provider, asked, signed_in, hinted)
    if provider.automatic:
        allowed = asked.scope_names - provider.declined
        return _allow(provider, asked, hinted or provider.automatic, allowed, None)
    return _persona_page(provider, asked, pairs, chosen=hinted or signed_in or provider.personas[0])


async def consent(provider: DemoProvider, request: Request) -> Response:
    """POST the persona page: `persona`, `scope` (one per ticked box), `fault`, and `decision` allow or deny.

    The authorize request travels in the query and is read again from nothing.
    """
    try:
        asked = read_authorize_request(request.query_params.multi_items(), provider.registrations)
    except NoWayBack as refusal:
        return _no_way_back(provider, refusal)
    except RefusedRequest as refusal:
        return _refused(provider, refusal)

    pairs = await form_pairs(request)
    given = dict(pairs)
    persona = next((who for who in provider.personas if who.persona_id == given.get("persona")), None)
    fault = given.get("fault") or None
    decision = given.get("decision")
    if not same_origin(request) or decision not in ("allow", "deny") or (fault and fault not in FAULTS):
        return _unreadable(provider)
    if decision == "deny":
        return _refused(provider, _refusal(asked, "access_denied", "the person declined"))
    if persona is None:
        return _unreadable(provider)

    ticked = {value for name, value in pairs if name == "scope"}
    allowed = frozenset(scope.name for scope in asked.scopes if scope.required or scope.name in ticked)
    answer = _allow(provider, asked, persona, allowed, fault)
    _remember(provider, request, answer, persona)
    return answer


def _persona_page(
    provider: DemoProvider, asked: AuthorizeRequest, pairs: Sequence[tuple[str, str]], *, chosen: Persona
) -> Response:
    return provider.pages.page(
        "choose.html",
        asker=asked.registration.name,
        personas=provider.personas,
        chosen=chosen,
        scopes=asked.scopes,
        faults=by_place(),
        action=f"{CONSENT_PATH}?{urlencode(pairs)}",
    )


def _silently(
    provider: DemoProvider, asked: AuthorizeRequest, signed_in: Persona | None, hinted: Persona | None
) -> Response:
    """Answer `prompt=none`: a code if nothing needs to be asked, else which question there is."""
    grant = provider.store.living(signed_in, asked.registration.client_id) if signed_in else None
    if signed_in is None:
        error, description = "login_required", "nobody is signed in here"
    elif asked.login_hint and hinted is not signed_in:
        error, description = "interaction_required", "somebody else is signed in here"
    elif grant is None or not asked.scope_names <= grant.scopes:
        error, description = "consent_required", "this was not allowed before"
    else:
        return _allow(provider, asked, signed_in, asked.scope_names, None)
    return _refused(provider, _refusal(asked, error, description))


def _allow(
    provider: DemoProvider,
    asked: AuthorizeRequest,
    persona: Persona,
    scopes: frozenset[str],
    chosen: str | None,
) -> Response:
    fault = provider.fault_for(chosen)
    code = provider.store.allow(persona, asked, scopes, fault=chosen, now=provider.clock())
    if chosen and fault and (fault.discovery or fault.jwks):
        provider.arm(fault)
    return _back(provider, asked.redirect_uri, {"code": code.value, "state": asked.state}, fault)


def _refusal(asked: AuthorizeRequest, error: str, description: str) -> RefusedRequest:
    return RefusedRequest(error, description, redirect_uri=asked.redirect_uri, state=asked.state)


def _refused(provider: DemoProvider, refusal: RefusedRequest) -> Response:
    answer = {"error": refusal.error, "error_description": refusal.description, "state": refusal.state}
    return _back(provider, refusal.redirect_uri, answer, provider.fault_for(None))


def _back(
    provider: DemoProvider, redirect_uri: str, answer: dict[str, str | None], fault: Fault | None
) -> RedirectResponse:
    complete = answer | {"iss": provider.issuer}  # RFC 9207 section 2
    if fault and fault.callback:
        complete = fault.callback(complete)
    query = urlencode({name: value for name, value in complete.items() if value is not None})
    target = f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{query}"
    return RedirectResponse(target, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


def _remember(provider: DemoProvider, request: Request, answer: Response, persona: Persona) -> None:
    """Let this browser be known next time, so that `prompt=none` can work."""
    if len(provider.browsers) >= _REMEMBERED_BROWSERS:
        provider.browsers.clear()
    browser = secrets.token_urlsafe(32)
    provider.browsers.pop(request.cookies.get(COOKIE, ""), None)
    provider.browsers[browser] = persona
    secure = provider.issuer.startswith("https:")
    answer.set_cookie(COOKIE, browser, httponly=True, samesite="lax", secure=secure)


def _no_way_back(provider: DemoProvider, refusal: NoWayBack) -> Response:
    return provider.pages.page(
        "problem.html",
        status=400,
        title="This request cannot be answered",
        sentence=refusal.sentence,
        advice="Nobody was sent anywhere. Whoever runs the software that brought you here has to correct it.",
    )


def _unreadable(provider: DemoProvider) -> Response:
    return provider.pages.page(
        "problem.html",
        status=400,
        title="The form cannot be read",
        sentence="It came from another page, or it lacks who you are or what you decided.",
        advice="Go back, choose again, and press one of the two buttons.",
    )
