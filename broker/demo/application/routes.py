"""The demo Application put together: its routes in one table, and the service it may carry along.

Knows the broker by its issuer alone: no endpoint and no key is configured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from broker.demo.application.application import Application
from broker.demo.application.problems import Problem
from broker.demo.application.sign_in import SignIn
from broker.demo.calls import Call, call
from broker.demo.published import Published

CLIENTS = ("acme", "globex")
LARGEST_BODY_BYTES = 16 * 1024


def create_application(
    *,
    issuer: str,
    application_id: str,
    redirect_uri: str,
    own_url: str,
    downstream_url: str,
    scope: str = "openid profile email",
    clients: Sequence[str] = CLIENTS,
    service: ASGIApp | None = None,
    call: Call = call,
    clock: Callable[[], int] = lambda: int(time.time()),
) -> Starlette:
    """The Application as an ASGI app, to be served at `own_url` (no slash at its end).

    `downstream_url` is where it calls the service; `service`, if given, is mounted at `/service`. `clients` are
    asked for even when the session JWT does not name them, so that a refusal can be seen.
    """
    published = Published(issuer=issuer, call=call, clock=clock)
    application = Application(
        own_url=own_url,
        downstream_url=downstream_url,
        clients=clients,
        published=published,
        sign_in=SignIn(
            application_id=application_id,
            redirect_uri=redirect_uri,
            scope=scope,
            published=published,
            call=call,
        ),
        call=call,
        clock=clock,
    )
    return Starlette(
        routes=[
            Route("/",                          application.home,           methods=["GET"]),
            Route("/sign-in",                   application.begin,          methods=["GET"]),
            Route(urlsplit(redirect_uri).path,  application.finish,         methods=["GET"]),
            Route("/call-again",                application.call_again,     methods=["POST"]),
            Route("/sign-out",                  application.sign_out,       methods=["POST"]),
            Route("/backchannel-logout",        application.logout,         methods=["POST"]),
            Route("/style.css",                 application.pages.stylesheet, methods=["GET"]),
            Route("/icon.svg",                  application.pages.icon,     methods=["GET"]),
            *([Mount("/service", service)] if service else []),
        ],
        exception_handlers={Problem: application.problem},
        max_body_size=LARGEST_BODY_BYTES,
    )  # fmt: skip
