"""A served broker and those who follow its revocations, read by the verifier's own reader of events."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from broker.domain.application import Application, ApplicationType, GrantType
from broker.domain.changes import PutApplication
from broker.domain.errors import Fault
from broker.domain.ids import ApplicationId
from broker.domain.revocation import Notice
from broker.flows.ports import Ports
from broker.storage.counters import Counters
from broker.web.context import Web
from broker.web.cookies import Cookies
from broker.web.feed import Feed
from broker.web.guard import not_routed
from broker.web.measure import Measures
from broker.web.routes import routes
from broker.web.serving import server
from broker.web.surface import Surface
from partner_ops_verifier.events import Event, EventReader
from tests.servers.port import reserve

PATH = "/api/v1/revocations"
PATIENCE = 10.0
FEED = ApplicationId("feed")
FOLLOWER = Application(
    id=FEED,
    name="A service that follows",
    type=ApplicationType.CONFIDENTIAL,
    secrets=(),
    grants=frozenset({GrantType.CLIENT_CREDENTIALS}),
    redirect_uris=(),
    post_logout_redirect_uris=(),
    audience="https://api.example",
    first_party=False,
    requires_authorization=False,
    scopes=frozenset({"revocations"}),
)


class Ready:
    """A `Probe` that finds nothing wrong."""

    async def problems(self) -> tuple[str, ...]:
        return ()


@dataclass(kw_only=True)
class Broker:
    """One process's worth of broker, in this loop, on a real socket."""

    url: str
    ports: Ports
    feed: Feed
    measures: Measures
    _stop: asyncio.Event

    def token(self, **claims: Any) -> str:
        """What lets somebody follow, as an Application is given it by `client_credentials`."""
        now = self.ports.clock.now()
        told = {"iss": self.ports.issuer, "iat": now, "exp": now + 300, "jti": "tok_1", "client_id": FEED}
        return self.ports.signer.sign(told | {"sub": FEED, "scope": "revocations"} | claims, typ="at+jwt")

    def stop(self) -> None:
        """As on SIGTERM."""
        self._stop.set()

    def metric(self, name: str) -> float:
        """Of `/metrics`."""
        lines = [line for line in self.measures.text().decode().splitlines() if line.startswith(f"{name} ")]
        return float(lines[0].split(" ")[-1]) if lines else 0.0


@asynccontextmanager
async def served(ports: Ports) -> AsyncIterator[Broker]:
    """A broker with these ports, until it is stopped or left."""
    await ports.store.write(PutApplication(application=FOLLOWER))
    measures = Measures()
    feed = Feed(ports.store, ports.clock, measures)
    app = Starlette(routes=list(routes()), exception_handlers={HTTPException: not_routed})
    app.state.web = Web(
        ports=ports,
        cookies=Cookies(secure=False),
        counters=Counters(),
        measures=measures,
        probe=Ready(),
        feed=feed,
        trusted_proxies=0,
    )
    surface = Surface(app, measures=measures, published={}, secure=False)
    surface.end_streams = feed.end
    place, stop = reserve(), asyncio.Event()
    running = server(surface, lifespan=False, signals=False)
    serving = asyncio.create_task(running.serve(sockets=[place.socket]))

    async def stopping() -> None:
        await stop.wait()
        running.should_exit = True

    waiting = asyncio.create_task(stopping())
    async with asyncio.timeout(PATIENCE):
        while not running.started:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.005)
    try:
        yield Broker(url=place.url, ports=ports, feed=feed, measures=measures, _stop=stop)
    finally:
        stop.set()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(serving, waiting)


@dataclass(kw_only=True)
class Following:
    """One stream as its follower reads it."""

    answer: httpx2.Response
    _chunks: AsyncIterator[bytes]
    _reader: EventReader = field(default_factory=lambda: EventReader(most=50_000_000))
    _read: list[Event] = field(default_factory=list)

    async def event(self, *, beats: bool = False) -> Event:
        """The next event, but for heartbeats unless those are wanted. Raises `StopAsyncIteration` at the end."""
        async with asyncio.timeout(PATIENCE):
            while True:
                while not self._read:
                    self._read += self._reader.read(await anext(self._chunks))
                event = self._read.pop(0)
                if beats or event.kind != "heartbeat":
                    return event

    async def events(self, many: int) -> list[Event]:
        return [await self.event() for _ in range(many)]

    async def ends(self) -> list[Event]:
        """What comes until the stream ends, cleanly."""
        rest: list[Event] = []
        with contextlib.suppress(StopAsyncIteration):
            while True:
                rest.append(await self.event())
        return rest


@asynccontextmanager
async def following(broker: Broker, *, last: str | None = None, token: str | None = None) -> AsyncIterator[Following]:
    """Follow, with `Last-Event-ID` where there is one."""
    headers = {"Authorization": f"Bearer {token or broker.token()}"}
    if last is not None:
        headers["Last-Event-ID"] = last
    async with (
        httpx2.AsyncClient(timeout=PATIENCE) as http,
        http.stream("GET", broker.url + PATH, headers=headers) as a,
    ):
        yield Following(answer=a, _chunks=aiter(a.aiter_raw()))


class CountedStore:
    """A store that counts how often notices are asked for, and is away while `down` is set."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.asked = 0
        self.down = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def revocations(self, first: int, limit: int) -> Any:
        self.asked += 1
        if self.down:
            raise Fault("storage_unavailable", "The service cannot reach its storage at the moment.")
        return await self._store.revocations(first, limit)


def notice_of(event: Event) -> dict[str, Any]:
    """An event's data."""
    document: dict[str, Any] = json.loads(event.data)
    return document


def document_of(notice: Notice) -> dict[str, Any]:
    """As it is told."""
    every = {
        "claim": notice.claim.value,
        "value": notice.value,
        "until": notice.until,
        "epoch": notice.epoch,
        "before": notice.before,
    }
    return {name: value for name, value in every.items() if value is not None}
