"""Owns what software asks without a browser: `/oauth/token`, `/oauth/userinfo`, `/api/v1/authorizations`."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_plus, urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import Response

from broker.domain.authorize_request import Parameters
from broker.domain.errors import OAuthRefusal, Refusal
from broker.domain.ids import ApplicationId
from broker.domain.session_token import canonical
from broker.flows.tokens.authorizations import authorizations
from broker.flows.tokens.redeem import Redemption, redeem
from broker.flows.tokens.userinfo import userinfo
from broker.web import context
from broker.web.parameters import NAME, form_of, one

_NO_CACHE = {"Pragma": "no-cache"}  # RFC 6749 section 5.1


async def token_endpoint(request: Request) -> Response:
    """The code grant (RFC 6749 section 4.1.3)."""
    web = context.web_of(request)
    form = await form_of(request)
    application_id, secret = _credentials(request, form)
    request.scope["application_id"] = application_id  # for the ledger, should the request be refused
    grant_type = one(form, "grant_type")
    if grant_type is None:
        raise OAuthRefusal("invalid_request", "grant_type is missing.")
    if grant_type != "authorization_code":
        raise OAuthRefusal("unsupported_grant_type", "Only grant_type=authorization_code is supported.")
    if "resource" in form:
        raise OAuthRefusal("invalid_target", "An application's audience is fixed; resource is not supported.")
    code = one(form, "code")
    if code is None:
        raise OAuthRefusal("invalid_request", "code is missing.")
    redemption = Redemption(
        application_id=application_id,
        secret=secret,
        code=code,
        redirect_uri=one(form, "redirect_uri") or "",
        code_verifier=one(form, "code_verifier") or "",
    )
    tokens = await redeem(redemption, web.ports, request_id=context.request_id_of(request))
    document = {
        "access_token": tokens.access_token,
        "token_type": "Bearer",
        "expires_in": tokens.expires_in,
        "scope": tokens.scope,
        "id_token": tokens.id_token,
    }
    response = Response(orjson.dumps(document), media_type="application/json", headers=_NO_CACHE)
    await _allow_registered_origin(request, application_id, response)
    return response


async def userinfo_endpoint(request: Request) -> Response:
    """OpenID Connect Core section 5.3.1, by GET or POST with the token in the header (RFC 6750 section 2.1)."""
    claims = await userinfo(_bearer(request), context.web_of(request).ports)
    return Response(orjson.dumps(claims), media_type="application/json")


async def authorizations_endpoint(request: Request) -> Response:
    """What a session JWT's `authorizations_ref` points to, in the form that its digest is taken of."""
    rights = await authorizations(_bearer(request), context.web_of(request).ports)
    return Response(canonical(rights), media_type="application/json")


def _credentials(request: Request, form: Parameters) -> tuple[ApplicationId, str | None]:
    """RFC 6749 section 2.3.1: HTTP Basic, or the body, never both. A public Application sends its name alone."""
    in_body, secret = one(form, "client_id"), one(form, "client_secret")
    header = _authorization(request)
    if header is None:
        return _named(in_body), secret
    if secret is not None:
        raise OAuthRefusal("invalid_request", "Two ways of authenticating the application were used at once.")
    scheme, _, encoded = header.partition(" ")
    try:
        name, colon, password = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        colon = ""
    if scheme.lower() != "basic" or not colon:
        raise _unknown_application("bad header")
    name, password = unquote_plus(name), unquote_plus(password)
    if in_body is not None and in_body != name:
        raise OAuthRefusal("invalid_request", "client_id differs between header and body.")
    return _named(name), password


def _named(name: str | None) -> ApplicationId:
    if name is None or NAME.fullmatch(name) is None:
        raise _unknown_application("no name, or none that an application can have")
    return ApplicationId(name)


def _unknown_application(detail: str) -> OAuthRefusal:
    return OAuthRefusal("invalid_client", "The application is unknown or its secret is wrong.", detail=detail)


def _authorization(request: Request) -> str | None:
    """The header's value. Raises `Refusal` when there are two: whoever is in front may have looked at the other."""
    values = request.headers.getlist("authorization")
    if len(values) > 1:
        raise Refusal("invalid_request", "The Authorization header was sent twice.", detail="repeated header")
    return values[0] if values else None


def _bearer(request: Request) -> str:
    scheme, _, token = (_authorization(request) or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        # RFC 6750 section 3.1: without a token the answer says what is wanted, and no error code.
        raise Refusal("no_token", "Send a session JWT in the Authorization header.")
    return token.strip()


async def _allow_registered_origin(request: Request, application_id: ApplicationId, response: Response) -> None:
    """CORS for the Application's own pages only: an origin of its registered redirect targets, no credentials."""
    asked = request.headers.get("origin")
    if asked is None:
        return
    application = await context.web_of(request).ports.store.application(application_id)
    origins = {f"{u.scheme}://{u.netloc}" for u in map(urlsplit, application.redirect_uris if application else ())}
    response.headers["Vary"] = "Origin"
    if asked in origins:
        response.headers["Access-Control-Allow-Origin"] = asked
