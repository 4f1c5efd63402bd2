"""A broker whose questions to its database are counted: by what the store asks, and on the wire of PostgreSQL.

Nothing runs by the clock here, and the clock stands still, so that a request's questions are its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from httpx2 import ASGITransport, AsyncClient, Response
from sqlalchemy.sql import ClauseElement
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from broker.app import apply_file, opened
from broker.crypto.keyring import new_keyring
from broker.demo.provider import DemoProvider, DemoRegistration, create_provider
from broker.domain.changes import Change
from broker.settings.load import load
from broker.storage.at_once import AtOnce
from broker.storage.engine import Engine
from broker.storage.migrate import migrate
from broker.storage.rows import Row
from broker.storage.store import SqlStore
from broker.web.context import Web
from broker.web.cookies import Cookies
from broker.web.feed import Feed
from broker.web.guard import not_routed
from broker.web.measure import Measures
from broker.web.routes import routes
from broker.web.surface import Surface
from tests.servers.asgi import serving
from tests.servers.port import reserve
from tests.storage.proxy import Proxy, proxied
from tests.world.clock import Clock

ISSUER = "http://localhost"
APPLICATION, PARTNER = "https://app.example/callback", "https://partner.example/callback"
SECRET = "a-secret-of-43-characters-which-is-not-random"
_SETTINGS = """\
[broker]
issuer = "http://localhost"
database_url = "{database_url}"
policy = "policy.toml"
keyring = {{ file = "keyring.json" }}
allow_private_addresses = ["127.0.0.0/8"]

[registrations.google]
provider = "google"
issuer = "{provider}"
client_id = "google"
client_secret = {{ file = "secret" }}

[registrations.corp]
provider = "oidc"
issuer = "{provider}"
client_id = "corp"
client_secret = {{ file = "secret" }}
"""
_POLICY = """\
[google.keep]
email = { purpose = "Contact address for Partner Ops notices", correctable = true }
[google.release]
email = "Downstream services address the User in their own audit trails"
[purposes.news]
label = "News"
purpose = "To tell what is new"
"""
_CLIENTS = f"""\
[clients.acme]
name = "Acme Inc."
rights = ["reports:read"]
[[clients.acme.authorizations]]
user = "ada@acme.example"
rights = ["reports:read"]

[applications.app]
name = "App"
type = "public"
redirect_uris = ["{APPLICATION}"]
audience = "https://api.example"
first_party = true

[applications.desk]
name = "Service desk"
type = "public"
redirect_uris = ["http://localhost/forward-auth/desk/callback"]
audience = "https://desk.example"
first_party = true
gateway = true

[applications.partner]
name = "Partner"
type = "confidential"
secret = {{ file = "secret" }}
grants = [
    "authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange",
]
scopes = ["revocations"]
redirect_uris = ["{PARTNER}"]
audience = "https://partner.example"

[applications.tv]
name = "TV"
type = "public"
grants = ["urn:ietf:params:oauth:grant-type:device_code"]
audience = "https://api.example"
"""


@dataclass(kw_only=True, slots=True)
class Counts:
    """`statements`: how many each write's transaction holds, where each is one of its own."""

    reads: int = 0
    writes: int = 0
    statements: list[int] = field(default_factory=list)
    round_trips: int | None = None


class CountingEngine:
    """An `Engine` that passes on and counts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.counts = Counts()

    async def rows(self, query: ClauseElement, **parameters: Any) -> Sequence[Row]:
        self.counts.reads += 1
        return await self._engine.rows(query, **parameters)

    async def change(self, statement: ClauseElement, **parameters: Any) -> int:
        self.counts.writes += 1
        self.counts.statements.append(1)
        return await self._engine.change(statement, **parameters)

    async def at_once(self, statement: AtOnce, **parameters: Any) -> tuple[Sequence[Row], bool]:
        self.counts.writes += 1
        self.counts.statements.append(2)
        return await self._engine.at_once(statement, **parameters)

    async def write(self, changes: Sequence[Change]) -> None:
        self.counts.writes += 1
        self.counts.statements.append(len(changes))
        await self._engine.write(changes)

    async def close(self) -> None:
        await self._engine.close()


@dataclass(kw_only=True, slots=True)
class CountedBroker:
    """The broker in memory, its demo Provider, and a browser, which follows no redirect by itself."""

    browser: AsyncClient
    provider: DemoProvider
    engine: CountingEngine
    proxy: Proxy | None

    async def ask(self, method: str, url: str, **request: Any) -> tuple[Response, Counts]:
        """One request, and what it cost."""
        self.engine.counts = Counts()
        before = 0 if self.proxy is None else self.proxy.round_trips
        answer = await self.browser.request(method, url, **request)
        counts, self.engine.counts = self.engine.counts, Counts()
        counts.round_trips = None if self.proxy is None else self.proxy.round_trips - before
        return answer, counts


@asynccontextmanager
async def counted_broker(folder: Path, postgres_url: str | None = None) -> AsyncIterator[CountedBroker]:
    """On SQLite, or on PostgreSQL with a counter on its wire."""
    async with AsyncExitStack() as stack:
        proxy = None if postgres_url is None else await stack.enter_async_context(proxied(postgres_url))
        clock, place = Clock(), reserve()
        database_url = f"sqlite:///{folder / 'broker.sqlite'}" if proxy is None else proxy.url
        (folder / "broker.toml").write_text(_SETTINGS.format(database_url=database_url, provider=place.url))
        (folder / "policy.toml").write_text(_POLICY)
        (folder / "clients.toml").write_text(_CLIENTS)
        (folder / "keyring.json").write_text(new_keyring())
        (folder / "secret").write_text(SECRET)
        settings = load(folder / "broker.toml", {})
        await migrate(settings.database_url)
        await apply_file(settings, folder / "clients.toml", dry_run=False)
        provider = create_provider(
            issuer=place.url,
            registrations=[
                DemoRegistration(client_id=name, client_secret=SECRET, redirect_uris=[f"{ISSUER}/callback/{name}"])
                for name in settings.registrations
            ],
            clock=clock,
        )
        stack.enter_context(serving(provider.app, place))
        edges = await stack.enter_async_context(opened(settings, clock))
        assert isinstance(edges.ports.store, SqlStore)
        engine = edges.ports.store.engine = CountingEngine(edges.ports.store.engine)
        app = Starlette(routes=list(routes()), exception_handlers={HTTPException: not_routed})
        measures = Measures()
        app.state.web = Web(
            ports=edges.ports,
            cookies=Cookies(secure=False),
            counters=edges.counters,
            measures=measures,
            probe=edges,
            feed=Feed(edges.ports.store, clock, measures),
            trusted_proxies=0,
        )
        surface = Surface(app, measures=measures, published={}, secure=False)
        browser = AsyncClient(transport=ASGITransport(app=surface), base_url=ISSUER)
        await stack.enter_async_context(browser)
        app.state.web.feed.end()  # so that a stream is over when it has told what is in force
        yield CountedBroker(browser=browser, provider=provider, engine=engine, proxy=proxy)
