"""Logout tokens, from Providers to the broker; and an Application's endpoint, which the broker's own come to."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from broker.demo.provider import DemoProvider
from broker.demo.provider.jose import compact, rs256
from tests.security.template import CLIENTS, PROVIDER_APPLICATION
from tests.security.world import World
from tests.servers.asgi import serving

EVENT = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT = "/callback/google/logout"
DELETED: Any = object()
_numbers = itertools.count(1)


def logout_token(provider: DemoProvider, persona: str = "ada", *, typ: str = "logout+jwt", **bent: Any) -> str:
    """One that holds, each time another, with `bent` claims; `DELETED` takes one away."""
    now, key = provider.clock(), provider.keys.current
    who = next(one for one in provider.personas if one.persona_id == persona)
    claims = {
        "iss": provider.issuer,
        "aud": PROVIDER_APPLICATION,
        "iat": now,
        "exp": now + 120,
        "jti": f"logout-{next(_numbers)}",
        "events": {EVENT: {}},
        "sub": who.sub,
    } | bent
    header = {"alg": "RS256", "kid": key.kid, "typ": typ}
    return compact(header, {n: v for n, v in claims.items() if v is not DELETED}, rs256(key.private))


@dataclass(kw_only=True)
class Endpoints:
    """What Applications have set up for logout tokens: by name the tokens that came, and the status of the answer.

    An Application in `hanging` does not answer before `release` is set.
    """

    url: str = ""
    tokens: dict[str, list[str]] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    hanging: set[str] = field(default_factory=set)
    release: threading.Event = field(default_factory=threading.Event)

    async def logout(self, request: Request) -> Response:
        """Where a redirect would lead is a cloud's metadata."""
        name = request.path_params["name"]
        async with request.form() as form:
            self.tokens.setdefault(name, []).append(str(form["logout_token"]))
        while name in self.hanging and not self.release.is_set():  # noqa: ASYNC110 - set from another thread
            await asyncio.sleep(0.02)
        return Response(status_code=self.statuses.get(name, 200), headers={"Location": "http://169.254.169.254/"})

    async def declare(self, world: World, *names: str) -> None:
        """These Applications want to be told."""
        clients = CLIENTS
        for name in names:
            table = f"[applications.{name}]\n"
            assert table in clients
            clients = clients.replace(table, f'{table}backchannel_logout_uri = "{self.url}/{name}"\n')
        await world.declare(clients=clients)


@contextmanager
def endpoints() -> Iterator[Endpoints]:
    """They really listen."""
    made = Endpoints()
    with serving(Starlette(routes=[Route("/{name}", made.logout, methods=["POST"])])) as url:
        made.url = url
        try:
            yield made
        finally:
            made.release.set()


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    """Wait for it, ten seconds at most."""
    async with asyncio.timeout(10):
        while not await condition():  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.02)
