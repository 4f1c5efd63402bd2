"""The token endpoint: a code or a refresh token in, tokens out.

Refuses public software, spent codes, and codes without their verifier; kills what came of a code shown twice.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from broker.demo.provider.faults import Fault
from broker.demo.provider.forms import form_pairs
from broker.demo.provider.grants import ACCESS_TOKEN_LIFE_SECONDS, Code, Token
from broker.demo.provider.id_token import id_token
from broker.demo.provider.jose import base64url
from broker.demo.provider.provider import DemoProvider
from broker.demo.provider.registrations import DemoRegistration, TwoMethods, authenticate
from broker.demo.provider.scopes import parse_scopes, report
from broker.demo.provider.transport import misbehave

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 section 4.1
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class Refused(Exception):
    """An error answer of the token endpoint (RFC 6749 section 5.2)."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status


async def token(provider: DemoProvider, request: Request) -> Response:
    """POST a grant (RFC 6749 section 3.2)."""
    pairs = await form_pairs(request)
    form = dict(pairs)
    code = provider.store.code(form.get("code", ""))
    fault = provider.fault_for(code.fault if code else None)
    instead = await misbehave(
        fault.name if fault else None, request, issuer=provider.issuer, slow_seconds=provider.slow_seconds
    )
    if instead is not None:
        return instead

    try:
        if not form or len(form) < len(pairs):
            raise Refused("invalid_request", "The body is no form, or a parameter is given twice.")
        registration = _authenticated(provider, request, form)
        answer = _answer(provider, registration, form, code, fault)
    except Refused as refusal:
        headers = NO_STORE | ({"WWW-Authenticate": "Basic"} if refusal.status == 401 else {})
        error = {"error": refusal.error, "error_description": refusal.description}
        return JSONResponse(error, refusal.status, headers)

    if fault and fault.answer:
        answer = fault.answer(answer)
    return JSONResponse(answer, headers=NO_STORE)


def _authenticated(provider: DemoProvider, request: Request, form: Mapping[str, str]) -> DemoRegistration:
    try:
        registration = authenticate(provider.registrations, request.headers.get("authorization", ""), form)
    except TwoMethods:
        raise Refused("invalid_request", "Use one way of authenticating, not two.") from None
    if registration is None:
        raise Refused("invalid_client", "The OAuth client was not found.", status=401)
    return registration


def _answer(
    provider: DemoProvider,
    registration: DemoRegistration,
    form: Mapping[str, str],
    code: Code | None,
    fault: Fault | None,
) -> dict[str, Any]:
    match form.get("grant_type"):
        case "authorization_code":
            return _redeem(provider, registration, form, code, fault)
        case "refresh_token":
            return _refresh(provider, registration, form, fault)
        case None | "":
            raise Refused("invalid_request", "grant_type is missing.")
        case _:
            raise Refused("unsupported_grant_type", "Use authorization_code or refresh_token.")


def _redeem(
    provider: DemoProvider,
    registration: DemoRegistration,
    form: Mapping[str, str],
    code: Code | None,
    fault: Fault | None,
) -> dict[str, Any]:
    now = provider.clock()
    if code is None or code.grant.client_id != registration.client_id:
        raise Refused("invalid_grant", "Malformed auth code.")
    if code.spent:
        provider.store.replayed(code)
        raise Refused("invalid_grant", "The code was used before.")
    code.spent = True
    if now >= code.expires_at or not code.grant.alive:
        raise Refused("invalid_grant", "The code has expired.")
    if form.get("redirect_uri") != code.request.redirect_uri:
        raise Refused("invalid_grant", "redirect_uri is not that of the authorize request.")
    if not _proves(form.get("code_verifier", ""), code.request.code_challenge):
        raise Refused("invalid_grant", "code_verifier does not match.")

    access = provider.store.access_token(code, fault=code.fault, now=now)
    refresh = provider.store.refresh_token(code) if code.with_refresh_token else None
    answer = _tokens(provider, access, nonce=code.request.nonce, fault=fault)
    return answer | ({"refresh_token": refresh.value} if refresh else {})


def _refresh(
    provider: DemoProvider, registration: DemoRegistration, form: Mapping[str, str], fault: Fault | None
) -> dict[str, Any]:
    now = provider.clock()
    source = provider.store.find_refresh(form.get("refresh_token", ""), now)
    if source is None or source.grant.client_id != registration.client_id:
        raise Refused("invalid_grant", "Token has been expired or revoked.")
    narrowed = parse_scopes(form.get("scope", ""))
    if narrowed is None or not {scope.name for scope in narrowed} <= source.scopes:
        raise Refused("invalid_scope", "More was asked for than was granted.")

    access = provider.store.access_token(source, fault=None, now=now)
    if narrowed:
        access.scopes = frozenset(scope.name for scope in narrowed)
    return _tokens(provider, access, nonce=None, fault=fault)


def _tokens(provider: DemoProvider, access: Token, *, nonce: str | None, fault: Fault | None) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "access_token": access.value,
        "expires_in": ACCESS_TOKEN_LIFE_SECONDS,
        "scope": report(access.scopes),
        "token_type": "Bearer",
    }
    if "openid" in access.scopes:
        answer["id_token"] = id_token(
            provider, access.grant, access.scopes, access_token=access.value, nonce=nonce, fault=fault
        )
    return answer


def _proves(verifier: str, challenge: str) -> bool:
    """RFC 7636 section 4.6, S256 only."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    return hmac.compare_digest(base64url(hashlib.sha256(verifier.encode()).digest()), challenge)
