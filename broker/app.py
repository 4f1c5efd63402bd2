"""Owns the composition: builds the edges, hands them to the flows, mounts the routes, starts what runs by the clock.

Refuses to start with a missing or wrong key, a database of another schema, or a signing key that does not open.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from broker.crypto.current_keys import CurrentKeys
from broker.crypto.keyring import KeyringRefused, parse_keyring
from broker.crypto.secrets import KeyringSecrets
from broker.crypto.signing import JwtSigner
from broker.crypto.signing_keys import generate_signing_key, load_signing_keys
from broker.crypto.vault import LocalVault
from broker.domain import manifest
from broker.domain.errors import BrokerError, Fault
from broker.domain.manifest import ManifestProblems
from broker.flows.clients.apply import Difference, apply
from broker.flows.keys.ensure import ensure_signing_key
from broker.flows.keys.prove import prove_keys
from broker.flows.keys.recognise import recognise_keks
from broker.flows.ledger.note_policy import note_policy
from broker.flows.ports import Clock, Ports, Secrets, Vault
from broker.flows.signing_key import KeyTools
from broker.flows.store import Store
from broker.jobs import by_the_clock, jobs_of
from broker.settings.files import read_toml, resolve_secrets
from broker.settings.load import keyring_text, load
from broker.settings.model import Settings, SettingsProblems
from broker.storage.counters import Counters
from broker.storage.declared import declared_clients
from broker.storage.schema import pending
from broker.storage.store import SqlStore
from broker.upstream.applications import ApplicationEndpoints
from broker.upstream.gateway import UpstreamGateway
from broker.upstream.http import Transport
from broker.upstream.registration import Registration
from broker.web.context import Web
from broker.web.cookies import Cookies
from broker.web.feed import Feed
from broker.web.guard import not_routed
from broker.web.measure import Measures
from broker.web.routes import routes
from broker.web.surface import Surface
from broker.web.wellknown import published
from providers import PROVIDERS

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
    applications: ApplicationEndpoints
    signer: JwtSigner
    counters: Counters

    async def problems(self) -> tuple[str, ...]:
        """What keeps this process from doing its work."""
        try:
            await self.ports.store.ping()
        except Fault as fault:
            return (f"database: {fault.detail or fault.sentence}",)
        return ()


async def require_right_keys(store: Store, vault: Vault, secrets: Secrets, *, writes: bool) -> None:
    """Refuse a keyring that is not this database's own. Raises `NotReady`, or `Fault`."""
    problems = await prove_keys(store, vault, secrets, writes=writes)
    if problems := problems or await recognise_keks(store, vault, writes=writes):
        raise NotReady(problems)


@contextlib.asynccontextmanager
async def opened(settings: Settings, clock: Clock | None = None, *, writes: bool = True) -> AsyncIterator[Opened]:
    """Open the edges, prove the keys, and close everything in the end. Raises `NotReady`, or `Fault`.

    Unless `writes`, the database stays as it is: if it has no signing key yet, the one in use is gone in the end.
    """
    clock = clock or SystemClock()
    keyring = parse_keyring(settings.keyring)
    missing = await pending(settings.database_url)
    if missing:
        raise NotReady((f"the database lacks {len(missing)} migration(s): run broker migrate",))
    async with contextlib.AsyncExitStack() as stack:
        store = SqlStore(settings.database_url)
        stack.push_async_callback(store.close)
        vault = LocalVault(keyring)
        stack.push_async_callback(vault.close)
        secrets = KeyringSecrets(keyring)
        await require_right_keys(store, vault, secrets, writes=writes)
        algorithm = settings.signing_algorithm
        tools = KeyTools(store=store, vault=vault, clock=clock, generate=generate_signing_key)
        keys = await ensure_signing_key(tools, algorithm=algorithm, writes=writes)
        loaded = await load_signing_keys(keys.records, keys.data_key, vault)
        signer = JwtSigner(settings.issuer, loaded, algorithm=algorithm)
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
        applications = ApplicationEndpoints(transport)
        yield Opened(ports=ports, applications=applications, signer=signer, counters=counters)


def create_app(settings: Settings, clock: Clock | None = None) -> Surface:
    """The ASGI application. Its lifespan opens and closes the edges; serving before it has begun answers nothing."""
    measures = Measures()
    secure = settings.issuer.startswith("https://")

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with opened(settings, clock) as edges:
            for problem in await _unknown_clients(settings):
                _log.warning("policy", detail=problem)
            await note_policy(settings.policy, edges.ports.store, edges.ports.clock)
            feed = Feed(edges.ports.store, edges.ports.clock, measures)
            surface.end_streams = feed.end
            app.state.web = Web(
                ports=edges.ports,
                cookies=Cookies(secure=secure),
                counters=edges.counters,
                measures=measures,
                probe=edges,
                feed=feed,
                trusted_proxies=settings.trusted_proxies,
            )
            signer = edges.signer

            def publish() -> None:
                surface.published = published(settings.issuer, signer.jwks(), signer.algorithms)

            publish()
            current_keys = CurrentKeys(signer, edges.ports.store, edges.ports.vault, publish)
            algorithm, key_age = settings.signing_algorithm, settings.signing_key_days * 24 * 3600
            jobs = jobs_of(
                edges.ports, edges.applications, measures, current_keys, algorithm=algorithm, key_age=key_age
            )
            async with by_the_clock(*jobs):
                try:
                    yield
                finally:
                    feed.end()

    app = Starlette(routes=list(routes()), lifespan=lifespan, exception_handlers={HTTPException: not_routed})
    app.router.redirect_slashes = False  # it answers 307, to whatever host the request names
    surface = Surface(app, measures=measures, published={}, secure=secure)
    return surface


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """What `broker apply` changed or would change, and what is strange about the outcome, in words for the operator."""

    differences: tuple[Difference, ...]
    warnings: tuple[str, ...]


async def apply_file(settings: Settings, file: Path, *, dry_run: bool, clock: Clock | None = None) -> Applied:
    """`broker apply`; a dry run writes nothing. Raises `ManifestProblems` with all that is wrong with the file."""
    problems: list[str] = []
    document = resolve_secrets(read_toml(file, problems), file.parent, os.environ, problems)
    if problems:
        raise ManifestProblems(tuple(problems))
    declared = manifest.parse(document)
    async with opened(settings, clock, writes=not dry_run) as edges:
        differences = await apply(declared, edges.ports, dry_run=dry_run)
    # The file is the whole truth: what it does not declare is not there afterwards.
    unknown = settings.policy.unknown_clients({client.id for client in declared.clients})
    return Applied(differences=differences, warnings=unknown)


async def problems_of(config: Path) -> list[str]:
    """`broker check`: every problem of settings, policy, keys and database; empty when all is well. Writes nothing."""
    try:
        settings = load(config)
    except SettingsProblems as error:
        return [*error.problems, *_keyring_problems(keyring_text(config))]
    try:
        async with opened(settings, writes=False):
            return list(await _unknown_clients(settings))
    except (NotReady, KeyringRefused) as error:
        return list(error.problems)
    except BrokerError as error:
        return [error.detail or error.sentence]


async def _unknown_clients(settings: Settings) -> tuple[str, ...]:
    """Problems of the policy that only the database can tell."""
    return settings.policy.unknown_clients(await declared_clients(settings.database_url))


def _keyring_problems(text: str | None) -> tuple[str, ...]:
    try:
        if text is not None:
            parse_keyring(text)
    except KeyringRefused as error:
        return error.problems
    return ()


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
