"""Owns the composition: builds the edges, hands them to the flows, mounts the routes, starts what runs by the clock.

Refuses to start with a missing or wrong key, a database of another schema, or a signing key that does not open.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from broker.crypto.keyring import KeyringRefused, parse_keyring
from broker.crypto.secrets import KeyringSecrets
from broker.crypto.signing import JwtSigner
from broker.crypto.signing_keys import generate_signing_key, load_signing_keys
from broker.crypto.vault import LocalVault
from broker.domain import manifest
from broker.domain.errors import BrokerError, Fault
from broker.domain.manifest import ManifestProblems
from broker.flows.clients.apply import Difference, apply
from broker.flows.connections.deliver import deliver_revocations
from broker.flows.keys.ensure import ensure_signing_key
from broker.flows.keys.prove import prove_keys
from broker.flows.ports import Clock, Ports
from broker.settings.files import read_toml, resolve_secrets
from broker.settings.load import keyring_text, load
from broker.settings.model import Settings, SettingsProblems
from broker.storage.counters import Counters
from broker.storage.schema import pending
from broker.storage.store import SqlStore
from broker.upstream.gateway import UpstreamGateway
from broker.upstream.http import Transport
from broker.upstream.registration import Registration
from broker.web.context import Web
from broker.web.cookies import Cookies
from broker.web.guard import not_routed
from broker.web.measure import Measures
from broker.web.routes import routes
from broker.web.surface import Surface
from broker.web.wellknown import published
from providers import PROVIDERS

DELIVER_EVERY = 2.0
FORGET_EVERY = 300.0
"""Seconds between two runs of what runs by the clock."""

_log = structlog.get_logger("broker")


class NotReady(BrokerError):
    """The broker must not start; `problems` says why, one line each, for the operator."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("not_ready", "The broker cannot start.", detail="; ".join(problems))
        self.problems = problems


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Whole seconds since the epoch, UTC."""
        return int(time.time())


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """Everything that is open while the broker runs."""

    ports: Ports
    signer: JwtSigner
    counters: Counters

    async def problems(self) -> tuple[str, ...]:
        """What keeps this process from doing its work."""
        try:
            await self.ports.store.ping()
        except Fault as fault:
            return (f"database: {fault.detail or fault.sentence}",)
        return ()


@contextlib.asynccontextmanager
async def opened(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Opened]:
    """Open the edges, prove the keys, and close everything in the end. Raises `NotReady`, or `Fault`."""
    clock = clock or SystemClock()
    keyring = parse_keyring(settings.keyring)
    missing = await pending(settings.database_url)
    if missing:
        raise NotReady((f"the database lacks {len(missing)} migration(s): run broker migrate",))
    async with contextlib.AsyncExitStack() as stack:
        store = SqlStore(settings.database_url)
        stack.push_async_callback(store.close)
        vault = LocalVault(keyring)
        secrets = KeyringSecrets(keyring)
        if problems := await prove_keys(store, vault, secrets):
            raise NotReady(problems)
        keys = await ensure_signing_key(store, vault, clock, lambda: generate_signing_key(settings.signing_algorithm))
        signer = JwtSigner(settings.issuer, await load_signing_keys(keys.records, keys.data_key, vault))
        transport = Transport(allow_private_addresses=settings.allow_private_addresses)
        stack.push_async_callback(transport.close)
        counters = Counters(settings.redis_url)
        stack.push_async_callback(counters.close)
        try:
            upstream = UpstreamGateway(_registrations(settings), transport, clock)
        except ValueError as error:
            raise NotReady(tuple(str(error).splitlines())) from None
        ports = Ports(
            issuer=settings.issuer,
            store=store,
            vault=vault,
            secrets=secrets,
            signer=signer,
            upstream=upstream,
            clock=clock,
            policy=settings.policy,
        )
        yield Opened(ports=ports, signer=signer, counters=counters)


def create_app(settings: Settings, clock: Clock | None = None) -> Surface:
    """The ASGI application. Its lifespan opens and closes the edges; serving before it has begun answers nothing."""
    measures = Measures()
    secure = settings.issuer.startswith("https://")

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with opened(settings, clock) as edges:
            app.state.web = Web(
                ports=edges.ports,
                cookies=Cookies(secure=secure),
                counters=edges.counters,
                measures=measures,
                probe=edges,
                trusted_proxies=settings.trusted_proxies,
            )
            surface.published = published(settings.issuer, edges.signer.jwks(), edges.signer.algorithms)
            async with _by_the_clock(edges.ports):
                yield

    app = Starlette(routes=list(routes()), lifespan=lifespan, exception_handlers={HTTPException: not_routed})
    app.router.redirect_slashes = False  # it answers 307, to whatever host the request names
    surface = Surface(app, measures=measures, published={}, secure=secure)
    return surface


async def apply_file(settings: Settings, file: Path, *, dry_run: bool) -> tuple[Difference, ...]:
    """`broker apply`. Raises `ManifestProblems` with everything that is wrong with the file."""
    problems: list[str] = []
    document = resolve_secrets(read_toml(file, problems), file.parent, os.environ, problems)
    if problems:
        raise ManifestProblems(tuple(problems))
    declared = manifest.parse(document)
    async with opened(settings) as edges:
        return await apply(declared, edges.ports, dry_run=dry_run)


async def problems_of(config: Path) -> list[str]:
    """`broker check`: every problem of settings, policy, keys and database; empty when all is well."""
    try:
        settings = load(config)
    except SettingsProblems as error:
        return [*error.problems, *_keyring_problems(keyring_text(config))]
    try:
        async with opened(settings):
            return []
    except (NotReady, KeyringRefused) as error:
        return list(error.problems)
    except BrokerError as error:
        return [error.detail or error.sentence]


def _keyring_problems(text: str | None) -> tuple[str, ...]:
    try:
        if text is not None:
            parse_keyring(text)
    except KeyringRefused as error:
        return error.problems
    return ()


@contextlib.asynccontextmanager
async def _by_the_clock(ports: Ports) -> AsyncIterator[None]:
    jobs = [
        asyncio.create_task(_every(DELIVER_EVERY, "deliver_revocations", lambda: deliver_revocations(ports))),
        asyncio.create_task(
            _every(FORGET_EVERY, "forget_expired", lambda: ports.store.forget_expired(ports.clock.now()))
        ),
    ]
    try:
        yield
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)


async def _every(seconds: float, name: str, job: Callable[[], Awaitable[int]]) -> None:
    """Run `job` again and again. A failure is logged, and the next run tries again."""
    while True:
        try:
            done = await job()
            if done:
                _log.info("job", name=name, done=done)
        except BrokerError as error:
            _log.warning("job failed", name=name, reason=error.code, detail=error.detail)
        await asyncio.sleep(seconds)


def _registrations(settings: Settings) -> list[Registration]:
    return [
        Registration(
            id=r.id,
            provider=PROVIDERS[r.provider],
            provider_application_id=r.provider_client_id,
            secret=r.secret,
            callback_url=f"{settings.issuer}/callback/{r.id}",
            issuer=r.issuer,
            trusted_email_domains=r.trusted_email_domains,
            label=r.label,
        )
        for r in settings.registrations.values()
    ]
