"""Two broker processes, as an operator starts them, at one PostgreSQL and one Redis, with a demo Provider.

Kills only what it started. A process that is not up is not asked, as by a load balancer.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from subprocess import Popen
from typing import Any

import asyncpg
import httpx2

from broker.demo.provider import DemoProvider, DemoRegistration, Persona, create_provider
from broker.settings.load import load
from broker.settings.model import Settings
from broker.storage.migrate import migrate
from tests.servers.asgi import serving
from tests.servers.port import reserve
from tests.servers.process import start, stop, wait_until_ready
from tests.servers.redis import RedisServer, redis_server
from tests.world.contents import rows_of
from tests.world.files import PROVIDER_CLIENT_SECRET, Files, provider_client_id

USERS = tuple(f"user-{number}" for number in range(8))
RIGHTS: Mapping[str, Sequence[str]] = {
    "acme": ("invoices:read", "invoices:write", "reports:read"),
    "globex": ("reports:read", "reports:write"),
}
"""What the Clients can give."""
REDIRECT_URI = "http://127.0.0.1/callback"
AUDIENCE = "https://api.example"
REPORTS_SECRET = "what-reports-proves-itself-with"
_CUT = """\
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@dataclass(kw_only=True)
class Pair:
    """`up`: the numbers of the processes that answer; `busy`: how many requests each has not answered yet."""

    folder: Path
    settings: Settings
    provider: DemoProvider
    redis: RedisServer
    urls: Sequence[str]
    up: set[int] = field(default_factory=set)
    busy: Counter[int] = field(default_factory=Counter)
    _processes: dict[int, Popen[bytes]] = field(default_factory=dict)
    _somebody_is_up: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def issuer(self) -> str:
        """The name of both."""
        return self.settings.issuer

    async def start(self, number: int) -> None:
        """Start one of the two, and wait until it is ready."""
        command = [sys.executable, "-m", "broker", "serve", "--config", str(self.folder / "broker.toml")]
        log = self.folder / f"broker-{number}.log"
        process = start([*command, "--port", self.urls[number].rpartition(":")[2]], log=log)
        self._processes[number] = process
        await asyncio.to_thread(wait_until_ready, process, lambda: _is_ready(self.urls[number]), log)
        self.up.add(number)
        self._somebody_is_up.set()

    def kill(self, number: int) -> None:
        """As the kernel does that needs the memory: at once, in the middle of whatever it is doing."""
        self.up.discard(number)
        if not self.up:
            self._somebody_is_up.clear()
        self._processes[number].kill()
        self._processes[number].wait()

    async def choose(self, random: Random) -> int:
        """One that answers; waits for one where there is none."""
        await self._somebody_is_up.wait()
        return random.choice(sorted(self.up))

    async def lose_redis(self) -> None:
        """Stop Redis, and start it empty."""
        await asyncio.to_thread(self.redis.stop)
        await asyncio.to_thread(self.redis.start)

    async def cut_postgres(self) -> None:
        """End every connection to the database, whatever is going on in it."""
        connection = await asyncpg.connect(self.settings.database_url)
        await connection.execute(_CUT)
        await connection.close()

    async def rows(self, query: str) -> list[dict[str, Any]]:
        """Ask the database, past the broker."""
        return [dict(row) for row in await rows_of(self.settings.database_url, query)]

    async def change(self, statement: str, *values: object) -> None:
        """Write to the database, past the broker."""
        connection = await asyncpg.connect(self.settings.database_url)
        await connection.execute(statement, *values)
        await connection.close()

    def stop(self) -> None:
        """End both."""
        for process in self._processes.values():
            stop(process)


def email(user: str) -> str:
    """By which a User is invited."""
    return f"{user}@acme.example"


def declared(members: Mapping[str, Mapping[str, Sequence[str]]]) -> dict[str, Any]:
    """What `broker apply` reads of a file that gives these Authorizations, its secrets resolved."""

    def given(client: str) -> list[dict[str, Any]]:
        of_client = ((user, rights[client]) for user, rights in sorted(members.items()) if client in rights)
        return [{"user": email(user), "rights": list(rights)} for user, rights in of_client]

    public = {"type": "public", "redirect_uris": [REDIRECT_URI], "audience": AUDIENCE}
    return {
        "clients": {
            client: {"name": client, "rights": list(rights), "authorizations": given(client)}
            for client, rights in RIGHTS.items()
        },
        "applications": {
            "demo-app": {"name": "Demo", "first_party": True, **public},
            "crm": {"name": "CRM", **public},
            "reports": {**public, "name": "Reports", "type": "confidential", "secret": REPORTS_SECRET},
        },
    }


@asynccontextmanager
async def pair(folder: Path, database_url: str) -> AsyncIterator[Pair]:
    """Nobody declared yet, no Application either; both processes are up."""
    at, *places = (reserve() for _ in range(3))
    urls = [place.url for place in places]
    with ExitStack() as stack:
        for place in places:  # never listens, and keeps the port ours while nobody serves there
            stack.callback(place.socket.close)
        redis = stack.enter_context(redis_server())
        files = Files(
            issuer=urls[0],
            provider=at.url,
            application="http://127.0.0.1",
            database_url=database_url,
            redis_url=redis.url,
            registrations={"google": "google"},
            settings="",
            policy='[google.keep]\nemail = "Contact"\n[google.release]\nemail = "Contact"\n[documents]\nask = false\n',
            clients="",
        )
        config = files.write(folder)
        # Each request comes from another address, so that nobody is slowed down for being refused often.
        config.write_text(config.read_text().replace("[broker]\n", "[broker]\ntrusted_proxies = 1\n"))
        provider = create_provider(
            issuer=files.provider,
            registrations=[
                DemoRegistration(
                    client_id=provider_client_id("google"),
                    client_secret=PROVIDER_CLIENT_SECRET,
                    redirect_uris=[f"{files.issuer}/callback/google"],
                )
            ],
            clock=lambda: int(time.time()),
            personas=[_persona(number, user) for number, user in enumerate(USERS)],
        )
        provider.consent_automatically(USERS[0])
        stack.enter_context(serving(provider.app, at))
        settings = load(config, {})
        await migrate(settings.database_url)
        two = Pair(folder=folder, settings=settings, provider=provider, redis=redis, urls=urls)
        stack.callback(two.stop)
        await asyncio.gather(*(two.start(number) for number in range(2)))
        yield two


def _persona(number: int, user: str) -> Persona:
    return Persona(
        persona_id=user,
        sub=f"1076915045000618{number:05}",
        given_name=user,
        family_name="Example",
        email=email(user),
        hd="acme.example",
        says="",
    )


def _is_ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/readyz", trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False
