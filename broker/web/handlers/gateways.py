"""Owns what gateways ask, and the way of their services' browsers to the broker and back.

A gateway routes three addresses of its service's own host here, so that the cookies set here are the service's.
Refuses the subrequest with 401 and an empty body, never with a page; what a browser sends of itself decides nothing.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker.domain.application import Application
from broker.domain.errors import Refusal
from broker.domain.gateway import origin_of
from broker.domain.ids import ApplicationId
from broker.flows.authenticated import Credentials
from broker.flows.gateway_application import gateway_application
from broker.flows.gateways.check import Admitted, Shown, check
from broker.flows.gateways.come_back import Answer, come_back
from broker.flows.gateways.leave import leave
from broker.flows.gateways.start import start
from broker.flows.tokens.redeem import Redemption, redeem
from broker.web import context, origin
from broker.web.cookies import Cookies
from broker.web.credentials import token_of
from broker.web.parameters import one, query_of


async def forward_auth(request: Request) -> Response:
    """202 or 401, whatever the method: for nginx, and for whoever decides itself what becomes of a 401."""
    return _let_in(await _checked(request), 202)


async def ext_authz(request: Request) -> Response:
    """For gateways that pass a refusal on to the browser: Traefik, and Envoy, to which no status but 200 means yes.

    A page that is opened is led to sign in at once, and afterwards back to what was asked for.
    """
    try:
        return _let_in(await _checked(request), 200)
    except Refusal as refusal:
        if refusal.code != "not_signed_in" or not _opens_a_page(request):
            raise
    query = request.scope["query_string"].decode("latin-1")
    path = (
        request.scope["raw_path"].decode("latin-1").split("/", 3)[3]
    )  # as it was written: "/ext-authz/{application}/"
    return await _depart(request, request.headers.get("x-forwarded-uri", f"/{path}{'?' if query else ''}{query}"))


async def gateway_start(request: Request) -> Response:
    """Lead a browser to sign in. What is no page, such as a script's request, is answered like the subrequest."""
    if not _opens_a_page(request):
        await _application(request)
        raise Refusal("not_signed_in", "Nobody is signed in here.", detail="no page is opened")
    query = query_of(request)
    asked = one(query, "return_to") or request.headers.get("x-forwarded-uri", "/")
    return await _depart(request, asked, one(query, "organization", longest=64))


async def gateway_callback(request: Request) -> Response:
    """Back from the broker, with a code: what any public Application does with its own."""
    web, application = context.web_of(request), await _application(request)
    query, cookies = query_of(request), _cookies_of(application)
    state, code, error = one(query, "state", longest=512), one(query, "code"), one(query, "error", longest=100)
    if state is None or (code is None) == (error is None):
        raise Refusal("invalid_state", "This is not an answer to a sign-in.", detail="state, code or error missing")
    answer = Answer(state=state, code=code, error=error, iss=one(query, "iss", longest=512))
    arrival = await come_back(application, answer, request.cookies.get(cookies.trip(state)), web.ports)
    redemption = Redemption(
        code=arrival.code, redirect_uri=application.redirect_uris[0], code_verifier=arrival.code_verifier
    )
    credentials = Credentials(application_id=application.id, secret=None)
    await redeem(credentials, redemption, None, web.ports, request_id=context.request_id_of(request))
    response = RedirectResponse(arrival.url, status_code=303)
    cookies.clear(response, cookies.trip(state))
    cookies.set_gateway(response, application.id, arrival.cookie)
    return response


async def gateway_sign_out(request: Request) -> Response:
    """ "Sign out" on the service's own pages."""
    web, application = context.web_of(request), await _application(request)
    origin.require_same_origin(request, origin_of(application))
    cookies = _cookies_of(application)
    name = cookies.gateway(application.id)
    url = await leave(application, request.cookies.get(name), web.ports, request_id=context.request_id_of(request))
    response = RedirectResponse(url, status_code=303)
    cookies.clear(response, name)
    return response


async def _checked(request: Request) -> Admitted:
    application_id = ApplicationId(context.path_name(request, "application"))
    try:
        sent = token_of(request)
        if sent.proof is not None:  # it is of the service's address, which is not known here
            raise Refusal("not_signed_in", "A token that is bound to a key is not taken here.", detail="bound token")
        bearer: str | None = sent.text
    except Refusal as refusal:
        if refusal.code != "no_token":  # two headers: which of them the gateway passes on nobody knows
            raise Refusal("not_signed_in", refusal.sentence, detail=refusal.detail) from None
        bearer = None
    host_only, any_host = (
        request.cookies.get(Cookies(secure=secure).gateway(application_id)) for secure in (True, False)
    )
    shown = Shown(bearer=bearer, cookie=host_only or any_host, host_only=bool(host_only))
    return await check(application_id, shown, context.web_of(request).ports)


def _let_in(admitted: Admitted, status: int) -> Response:
    headers = {
        "Authorization": f"Bearer {admitted.session_jwt}",
        "X-Auth-Request-Access-Token": admitted.session_jwt,
        "X-Auth-Request-User": admitted.user_id,
        "X-Auth-Request-Session": admitted.session_id,
        "X-Auth-Request-Organization": admitted.organization,
        "X-Auth-Request-Email": admitted.email,
    }
    return Response(status_code=status, headers={name: value for name, value in headers.items() if value is not None})


async def _depart(request: Request, return_to: str, organization: str | None = None) -> Response:
    web, application = context.web_of(request), await _application(request)
    departure = start(application, return_to, organization, web.ports)
    response = RedirectResponse(departure.url, status_code=303)
    _cookies_of(application).set_trip(response, departure.state, departure.cookie, request.cookies)
    return response


def _opens_a_page(request: Request) -> bool:
    """Whether a person could go to sign in from here. `X-Forwarded-Method`: as Traefik was asked, which asks by GET."""
    if request.headers.get("x-forwarded-method", request.method) not in ("GET", "HEAD"):
        return False
    mode = request.headers.get("sec-fetch-mode")  # older browsers do not send it
    return mode == "navigate" if mode is not None else "text/html" in request.headers.get("accept", "")


async def _application(request: Request) -> Application:
    application_id = ApplicationId(context.path_name(request, "application"))
    return await gateway_application(application_id, context.web_of(request).ports)


def _cookies_of(application: Application) -> Cookies:
    return Cookies(secure=origin_of(application).startswith("https:"))
