"""A whole world for a test: the real broker, the demo Provider, the demo Application and its service, each served.

    async with open_world(tmp_path, database_url=postgres_url, redis_url=redis_url) as world: ...

Without URLs it runs on SQLite and without Redis. The parts are the product's own code behind real servers on free
ports. The broker answers at "localhost", the others at "127.0.0.1": to a browser they are three sites, as in life.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from broker.app import apply_file, create_app
from broker.demo.application import create_application
from broker.demo.downstream import create_downstream
from broker.demo.provider import PERSONAS, DemoProvider, DemoRegistration, Persona, create_provider
from broker.settings.load import load
from broker.settings.model import Settings
from broker.storage.migrate import migrate
from tests.servers.asgi import Application, serving
from tests.servers.port import LOOPBACK, Place, reserve
from tests.world.clock import Clock
from tests.world.contents import Rows, files_of, keys_of, rows_of, tables_of
from tests.world.files import (
    APPLICATION_ID,
    AUDIENCE,
    CLIENTS,
    POLICY,
    PROVIDER_CLIENT_SECRET,
    Files,
    provider_client_id,
)
from tests.world.log import Log, captured

Part = Literal["broker", "provider", "application"]
GOOGLE_ALONE: Mapping[str, str] = {"google": "google"}


def _no_extra_claims(persona_id: str) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """What a test may hold on to. `provider` is the demo Provider itself: its grants, its faults, its `issued`.

    `log.text` is what the broker logged; `clock` is everybody's; `settings` is what broker.toml came to.
    """

    folder: Path
    settings: Settings
    provider: DemoProvider
    application: str
    clock: Clock
    log: Log
    redis_url: str | None = field(repr=False)
    _files: Files = field(repr=False)
    _servers: Mapping[Part, Served] = field(repr=False)

    @property
    def issuer(self) -> str:
        """The broker's URL."""
        return self.settings.issuer

    @property
    def database_url(self) -> str:
        """As in the settings."""
        return self.settings.database_url

    def stop(self, part: Part) -> None:
        """End one part; connections to it are refused from now on. Its port stays taken."""
        self._servers[part].stop()

    def start(self, part: Part) -> None:
        """Serve one part again. A broker begins anew: it remembers what is in its database and nothing else."""
        self._servers[part].start()

    def restart(self, part: Part) -> None:
        """End one part, and serve it again."""
        self.stop(part)
        self.start(part)

    async def declare(self, more: str) -> None:
        """Have `broker apply` make clients.toml true, with `more` TOML behind it. The broker may be running."""
        await apply_file(self.settings, self._files.declare(self.folder, more), dry_run=False, clock=self.clock)

    async def rows(self, query: str) -> Rows:
        """Ask the database, past the broker."""
        return await rows_of(self.database_url, query)

    async def count(self, table: str) -> int:
        """How many rows a table has."""
        return int((await self.rows(f"SELECT count(*) AS number FROM {table}"))[0]["number"])

    async def tables(self) -> dict[str, Rows]:
        """Every row of every table of the database."""
        return await tables_of(self.database_url)

    def files(self) -> dict[str, bytes]:
        """SQLite's files, as bytes; none of PostgreSQL's."""
        return files_of(self.database_url)

    def keys(self) -> dict[str, list[bytes]]:
        """Every key of Redis and its value in pieces; none where there is no Redis."""
        return keys_of(self.redis_url) if self.redis_url else {}


class Served:
    """One part at an address that stays the same while it is stopped and started."""

    def __init__(self, place: Place, build: Callable[[], Application]) -> None:
        self._place = place
        self._build = build
        self._running = ExitStack()

    def start(self) -> None:
        """Build the part, and serve it until `stop`. Raises `NotReady`."""
        self._running.enter_context(serving(self._build(), _once_more(self._place)))

    def stop(self) -> None:
        """Finish what is in flight, and end; harmless when it has ended."""
        self._running.close()

    def close(self) -> None:
        """End, and let go of the address."""
        self.stop()
        self._place.socket.close()


@asynccontextmanager
async def open_world(
    folder: Path,
    *,
    database_url: str | None = None,
    redis_url: str | None = None,
    broker_place: Place | None = None,
    clock: Clock | None = None,
    personas: Sequence[Persona] = PERSONAS,
    extra_claims: Callable[[str], Mapping[str, Any]] = _no_extra_claims,
    registrations: Mapping[str, str] = GOOGLE_ALONE,
    settings: str = "",
    policy: str = POLICY,
    clients: str = CLIENTS,
    scope: str = "openid profile email",
) -> AsyncIterator[World]:
    """Write the files into `folder`, migrate, apply, serve; end everything in the end.

    `broker_place` is for tests that must know the issuer before; `registrations` and the three texts of TOML are
    described at `Files`; `personas` and `extra_claims` are the demo Provider's, `scope` the demo Application's.
    """
    clock = clock or Clock()
    places: dict[Part, Place] = {
        "broker": broker_place or reserve("localhost"),
        "provider": reserve(),
        "application": reserve(),
    }
    files = Files(
        issuer=places["broker"].url,
        provider=places["provider"].url,
        application=places["application"].url,
        database_url=database_url or f"sqlite:///{folder / 'broker.sqlite'}",
        redis_url=redis_url,
        registrations=registrations,
        settings=settings,
        policy=policy,
        clients=clients,
    )
    loaded = load(files.write(folder), {})
    await migrate(loaded.database_url)
    await apply_file(loaded, folder / "clients.toml", dry_run=False)

    provider = create_provider(
        issuer=files.provider,
        registrations=[
            DemoRegistration(
                client_id=provider_client_id(name),
                client_secret=PROVIDER_CLIENT_SECRET,
                redirect_uris=[f"{files.issuer}/callback/{name}"],
            )
            for name in registrations
        ],
        clock=clock,
        personas=personas,
        extra_claims=extra_claims,
    )
    built: dict[Part, Callable[[], Application]] = {
        "broker": lambda: create_app(loaded, clock),
        "provider": lambda: provider.app,
        "application": lambda: create_application(
            issuer=files.issuer,
            application_id=APPLICATION_ID,
            redirect_uri=f"{files.application}/callback",
            own_url=files.application,
            downstream_url=f"{files.application}/service",
            scope=scope,
            service=create_downstream(issuer=files.issuer, audience=AUDIENCE, clock=clock),
            clock=clock,
        ),
    }
    async with AsyncExitStack() as stack:
        log = stack.enter_context(captured())
        servers = {part: Served(places[part], build) for part, build in built.items()}
        stack.callback(_close, servers.values())
        for served in reversed(servers.values()):
            served.start()
        yield World(
            folder=folder,
            settings=loaded,
            provider=provider,
            application=files.application,
            clock=clock,
            log=log,
            redis_url=redis_url,
            _files=files,
            _servers=servers,
        )


def _close(servers: Collection[Served]) -> None:
    """All at once: each takes a fifth of a second to notice."""
    with ThreadPoolExecutor(len(servers)) as pool:
        list(pool.map(Served.close, servers))


def _once_more(place: Place) -> Place:
    """A second socket at the same port, to be served and closed: the first never listens, and keeps the port ours."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((LOOPBACK, place.port))
    return Place(socket=listener, name=place.name)
