"""The demo Provider put together: its endpoints in one table, each counted, each able to misbehave on demand.

Keeps everything in memory and forgets it at the end.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from broker.demo.calls import Call, call
from broker.demo.provider.authorize import authorize, consent
from broker.demo.provider.discovery import (
    AUTHORIZE_PATH,
    CONSENT_PATH,
    JWKS_PATH,
    METADATA_PATH,
    REVOKE_PATH,
    TOKEN_PATH,
    USERINFO_PATH,
    discovery,
    jwks,
)
from broker.demo.provider.home import home, picture, redirected, remove_access
from broker.demo.provider.id_token import no_extra_claims
from broker.demo.provider.personas import PERSONAS, Persona
from broker.demo.provider.provider import DemoProvider, ExtraClaims
from broker.demo.provider.registrations import DemoRegistration
from broker.demo.provider.revoke import revoke
from broker.demo.provider.sign_out import sign_out
from broker.demo.provider.token import token
from broker.demo.provider.transport import REDIRECTED_PATH, misbehave
from broker.demo.provider.userinfo import userinfo

LARGEST_BODY_BYTES = 64 * 1024

Endpoint = Callable[[DemoProvider, Request], Awaitable[Response]]


def create_provider(
    *,
    issuer: str,
    registrations: Sequence[DemoRegistration],
    clock: Callable[[], int] = lambda: int(time.time()),
    personas: Sequence[Persona] = PERSONAS,
    extra_claims: ExtraClaims = no_extra_claims,
    call: Call = call,
) -> DemoProvider:
    """A Provider shaped like Google, to be served at `issuer` (a URL without a path, no slash at its end).

    `extra_claims` gives, for a persona's id, claims to set in ID tokens and userinfo, over all others.
    `call` is how software is told of a sign-out.
    """
    provider = DemoProvider(
        issuer=issuer,
        registrations=registrations,
        clock=clock,
        personas=personas,
        extra_claims=extra_claims,
        call=call,
    )

    def at(path: str, name: str, endpoint: Endpoint, methods: list[str]) -> Route:
        return Route(path, _counted(provider, name, endpoint), methods=methods)

    provider.app = Starlette(
        routes=[
            at(METADATA_PATH,               "discovery",    discovery,      ["GET"]),
            at(JWKS_PATH,                   "jwks",         jwks,           ["GET"]),
            at(AUTHORIZE_PATH,              "authorize",    authorize,      ["GET", "POST"]),
            at(CONSENT_PATH,                "consent",      consent,        ["POST"]),
            at(TOKEN_PATH,                  "token",        token,          ["POST"]),
            at(REVOKE_PATH,                 "revoke",       revoke,         ["POST"]),
            at(USERINFO_PATH,               "userinfo",     userinfo,       ["GET", "POST"]),
            at("/userinfo",                 "userinfo",     userinfo,       ["GET", "POST"]),
            at(REDIRECTED_PATH,             "redirected",   redirected,     ["GET", "POST"]),
            at("/pictures/{persona_id}.svg", "picture",     picture,        ["GET"]),
            at("/grants/remove",            "remove_access", remove_access, ["POST"]),
            at("/sign-out",                 "sign_out",     sign_out,       ["POST"]),
            at("/",                         "home",         home,           ["GET"]),
            Route("/style.css", provider.pages.stylesheet, methods=["GET"]),
            Route("/icon.svg", provider.pages.icon, methods=["GET"]),
        ],
        max_body_size=LARGEST_BODY_BYTES,
    )  # fmt: skip
    return provider


def _counted(provider: DemoProvider, name: str, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        provider.requests[name] += 1
        instead = await misbehave(
            provider.faults_at.get(name), request, issuer=provider.issuer, slow_seconds=provider.slow_seconds
        )
        return instead if instead is not None else await endpoint(provider, request)

    return answer
