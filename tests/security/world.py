"""A world in memory: the real broker without a socket, people's browsers, and Providers that really listen.

`tests/world/` serves everything; here only Providers are served, since the broker calls them through real sockets.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from broker.app import apply_file, create_app
from broker.crypto.keyring import parse_keyring
from broker.crypto.secrets import KeyringSecrets
from broker.crypto.vault import LocalVault
from broker.domain import policy_parse
from broker.domain.ids import RegistrationId
from broker.domain.sealing import SYSTEM_OWNER
from broker.domain.signing_key import place_of
from broker.flows.ports import Vault
from broker.flows.store import Store
from broker.settings.model import RegistrationSettings, Settings
from broker.storage.store import SqlStore
from providers import PROVIDERS
from tests.security.browser import Browser
from tests.security.invariants import Watch
from tests.security.template import BEGINS, CLIENTS, HTTPS, PROVIDER_APPLICATION, SECRETS, Template, Upstream
from tests.servers.asgi import Application
from tests.world.clock import Clock
from tests.world.contents import Rows, rows_of, tables_of
from tests.world.log import captured

BY_THE_CLOCK = {"leases", "ledger_links", "ledger_heads"}


@dataclass(kw_only=True)
class World:
    """`store` and `secrets` are the broker's own code, beside the broker; `watch` sees every answer."""

    settings: Settings = field(repr=False)
    folder: Path
    template: Template
    clock: Clock
    store: SqlStore
    secrets: KeyringSecrets
    watch: Watch
    app: Application
    _open: AsyncExitStack
    _addresses: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def google(self) -> Upstream:
        """The Provider at the registration "google"."""
        return self.template.google

    @property
    def corp(self) -> Upstream:
        """The Provider at the registration "corp"."""
        return self.template.corp

    def browser(self, address: str | None = None, *, app: Application | None = None) -> Browser:
        """Somebody's browser, with a cookie jar and (unless one is given) an address of its own."""
        number = next(self._addresses)
        place = address or f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        return Browser(app or self.app, self.settings.issuer, place, self.watch, self.template)

    async def rows(self, query: str) -> Rows:
        """Ask the database, past the broker."""
        return await rows_of(self.settings.database_url, query)

    async def count(self, table: str) -> int:
        """How many rows a table has."""
        return int((await self.rows(f"SELECT count(*) AS number FROM {table}"))[0]["number"])

    async def reason(self) -> str:
        """Why the ledger says that the latest request was refused; "" when it was not."""
        newest = (await self.store.events(1))[0]
        return newest.reason

    async def tables(self) -> dict[str, Rows]:
        """Every row of every table, but for those that the jobs of a broker that runs write by the clock."""
        tables = await tables_of(self.settings.database_url)
        return {name: rows for name, rows in tables.items() if name not in BY_THE_CLOCK}

    async def declare(self, more: str = "", *, clients: str = CLIENTS) -> None:
        """`broker apply`, with `more` TOML behind the usual."""
        for name, secret in SECRETS.items():
            (self.folder / name).write_text(secret)
        path = self.folder / "clients.toml"
        path.write_text(clients + more)
        await apply_file(self.settings, path, dry_run=False, clock=self.clock)

    async def another(self, **settings: Any) -> Application:
        """A second broker process at the same database, perhaps with other settings."""
        app = create_app(replace(self.settings, **settings), self.clock)
        await self._open.enter_async_context(running(app))
        return app


@asynccontextmanager
async def open_world(
    template: Template,
    folder: Path,
    *,
    issuer: str = HTTPS,
    database_url: str | None = None,
    registrations: Mapping[RegistrationId, RegistrationSettings] | None = None,
    rules: Mapping[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[World]:
    """`registrations` come on top of "google" and "corp"; `rules` is a policy document instead of the usual one.

    `database_url` is that of a database which is filled as the template's is.
    """
    if database_url is None:
        database_url = template.copy_to(folder)
    all_of_them = dict(template.settings.registrations) | dict(registrations or {})
    changes = settings | {"issuer": issuer, "database_url": database_url, "registrations": all_of_them}
    if rules is not None:
        known = {RegistrationId(n): frozenset(PROVIDERS[r.provider].attributes) for n, r in all_of_them.items()}
        changes["policy"] = policy_parse.parse(rules, known)
    made = replace(template.settings, **changes)
    clock = Clock(BEGINS)
    for upstream in (template.google, template.corp):
        upstream.forget(clock)
    secrets = KeyringSecrets(parse_keyring(made.keyring))
    async with AsyncExitStack() as stack:
        log = stack.enter_context(captured())
        app = create_app(made, clock)
        await stack.enter_async_context(running(app))
        store = await stack.enter_async_context(SqlStore(database_url))
        watch = Watch(settings=made, template=template, secrets=secrets, log=log, closing=stack)
        for der in await private_halves(store, LocalVault(parse_keyring(made.keyring))):
            watch.canaries.add_private(der)
        world = World(
            settings=made,
            folder=folder,
            template=template,
            clock=clock,
            store=store,
            secrets=secrets,
            watch=watch,
            app=app,
            _open=stack,
        )
        yield world
        await watch.check_what_is_left(world.browser())


async def private_halves(store: Store, vault: Vault) -> list[bytes]:
    """Of every signing key, opened."""
    data_key = await store.data_key(SYSTEM_OWNER)
    assert data_key is not None
    return [await vault.open(data_key, place_of(key.kid), key.sealed_private) for key in await store.signing_keys()]


def registration(name: str, upstream: Upstream, *, provider: str = "oidc") -> RegistrationSettings:
    """Further credentials at one of the Providers."""
    return RegistrationSettings(
        id=RegistrationId(name),
        provider=provider,
        label=name.title(),
        issuer=upstream.provider.issuer,
        provider_client_id=PROVIDER_APPLICATION,
        secret=SECRETS["provider"],
        trusted_email_domains=frozenset(),
    )


@asynccontextmanager
async def running(app: Application) -> AsyncIterator[None]:
    """The ASGI lifespan, by hand: entered and left in one task of its own. What the start raises, this raises."""
    to_app: asyncio.Queue[Any] = asyncio.Queue()
    from_app: asyncio.Queue[Any] = asyncio.Queue()
    task = asyncio.create_task(_ended(app, to_app, from_app))
    await to_app.put({"type": "lifespan.startup"})
    answer = await from_app.get()
    if answer["type"] != "lifespan.startup.complete":
        await task
        raise StartRefused(str(answer.get("message", "")))
    try:
        yield
    finally:
        await to_app.put({"type": "lifespan.shutdown"})
        await task


class StartRefused(Exception):
    """The broker would not start; the text is what a server's log would show."""


async def _ended(app: Application, to_app: asyncio.Queue[Any], from_app: asyncio.Queue[Any]) -> None:
    try:
        await app({"type": "lifespan", "state": {}}, to_app.get, from_app.put)
    except Exception as error:  # noqa: BLE001 - Starlette tells of it first, then lets it go on
        await from_app.put({"type": "lifespan.startup.failed", "message": repr(error)})
