"""A broker without its edges' libraries: real keys, seals and signatures, a store in memory, scripted Providers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from broker.crypto.keyring import new_keyring, parse_keyring
from broker.crypto.secrets import KeyringSecrets
from broker.crypto.signing import JwtSigner
from broker.crypto.signing_keys import generate_signing_key, load_signing_keys
from broker.crypto.vault import LocalVault
from broker.domain import manifest, policy_parse
from broker.domain.attempt import Purpose
from broker.domain.authorize_request import AuthorizeRequest, application_id_of, check
from broker.domain.changes import Change, ReplaceConnection
from broker.domain.connection import Connection, KeptAttribute, UpstreamTokens
from broker.domain.ids import ApplicationId, KeyedHash
from broker.domain.ledger import AuditEvent
from broker.flows.authenticated import Credentials
from broker.flows.clients.apply import apply
from broker.flows.found import ConnectionInFull, KnownIdentity, LiveSession
from broker.flows.issued import Tokens
from broker.flows.keys.ensure import ensure_signing_key
from broker.flows.ports import Callback, Ports
from broker.flows.possession import SentProof
from broker.flows.sealed import open_attributes, open_tokens
from broker.flows.sessions.resume import resume
from broker.flows.sign_in.begin import Trip, begin
from broker.flows.sign_in.finish import finish
from broker.flows.sign_in.settlement import Finished
from broker.flows.sign_in.waiting import AcceptanceNeeded
from broker.flows.signing_key import KeyTools
from broker.flows.tokens.redeem import Redemption, redeem
from broker.flows.tokens.refresh import Refreshment, refresh
from tests.fakes.clock import SettableClock
from tests.fakes.raced_store import RacedStore
from tests.fakes.upstream import Person, ScriptedUpstream
from tests.flows.setting import (
    ADA,
    APPLICATIONS,
    CLIENTS,
    CORP,
    GOOGLE,
    ISSUER,
    KNOWN,
    NOW,
    POLICY,
    SECRETS,
    VERIFIER,
    asked,
    facts,
)
from tests.flows.texts import answer_of

KEYRING = parse_keyring(new_keyring())


@dataclass(kw_only=True)
class World:
    """Everything that a test of a flow takes hold of. `clock` stands still until it is moved.

    `address`: where browsers come back from.
    """

    ports: Ports
    store: RacedStore
    upstream: ScriptedUpstream
    clock: SettableClock
    signer: JwtSigner
    address: str = ""
    _told: int = field(default=0)

    @property
    def written(self) -> list[Change]:
        """Every change that was made since `forget`, in order."""
        return [change for changes in self.store.writes for change in changes]

    def forget(self) -> None:
        """Look at what comes from here on."""
        self.store.received.clear()
        self.store.writes.clear()
        self._told = len(self.store.tables.ledger)

    async def forget_leases(self) -> None:
        """As if nobody was at anything: what has to hold must hold without them."""
        self.store.tables.leases.clear()

    def events(self) -> list[AuditEvent]:
        """The ledger's lines since `forget`."""
        return list(self.store.tables.ledger.values())[self._told :]

    def event(self) -> AuditEvent:
        """The only line since `forget`."""
        (event,) = self.events()
        return event

    def event_of(self, action: str) -> AuditEvent:
        """The only line of this action, since the beginning."""
        (event,) = [event for event in self.store.tables.ledger.values() if event.action == action]
        return event

    def with_policy(self, document: Mapping[str, Any]) -> Ports:
        """The same broker after its policy was changed."""
        return replace(self.ports, policy=policy_parse.parse(document, KNOWN))

    def email_hash(self, address: str) -> KeyedHash:
        return self.ports.secrets.keyed_hash("email", address)

    def identity_hash(self, person: Person) -> KeyedHash:
        return self.ports.secrets.keyed_hash("identity", person.identity.key())

    async def declare(self, *, clients: Mapping[str, Any] = CLIENTS, applications: Any = APPLICATIONS) -> None:
        """`broker apply`."""
        document = manifest.parse({"clients": clients, "applications": applications})
        await apply(document, self.ports, dry_run=False)

    async def request(self, application: str = "demo-app", **changes: str | None) -> AuthorizeRequest:
        """An authorize request that has passed every check."""
        parameters = asked(application, **changes)
        found = await self.ports.store.application(application_id_of(parameters))
        assert found is not None
        return check(parameters, found)

    async def begin(
        self,
        person: Person,
        request: AuthorizeRequest | None = None,
        *,
        signed_in: LiveSession | None = None,
        connect: bool = False,
        ports: Ports | None = None,
    ) -> Trip:
        """Send a browser to this person's Provider."""
        purpose = Purpose.CONNECT if connect else Purpose.SIGN_IN
        return await begin(person.registration, purpose, request, signed_in, ports or self.ports)

    async def come_back(
        self,
        trip: Trip,
        by: Person | Callback,
        *,
        signed_in: LiveSession | None = None,
        ports: Ports | None = None,
    ) -> Finished:
        """The browser returns, after this person has allowed it, or with this callback. Nothing is asked of them."""
        outcome = await self.back(trip, by, signed_in=signed_in, ports=ports)
        assert isinstance(outcome, Finished)
        return outcome

    async def back(
        self,
        trip: Trip,
        by: Person | Callback,
        *,
        signed_in: LiveSession | None = None,
        ports: Ports | None = None,
    ) -> Finished | AcceptanceNeeded:
        """The same, whatever comes of it."""
        callback = self.upstream.allow(trip.url, by) if isinstance(by, Person) else by
        return await finish(
            callback,
            trip.cookie,
            signed_in,
            ports or self.ports,
            browser="Firefox on Linux",
            address=self.address,
            request_id="req-finish",
        )

    async def sign_in(
        self,
        person: Person,
        request: AuthorizeRequest | None = None,
        *,
        signed_in: LiveSession | None = None,
        ports: Ports | None = None,
    ) -> Finished:
        """There and back."""
        trip = await self.begin(person, request, signed_in=signed_in, ports=ports)
        return await self.come_back(trip, person, signed_in=signed_in, ports=ports)

    async def connect(self, person: Person, signed_in: LiveSession) -> Finished:
        """There and back, to connect a further account."""
        trip = await self.begin(person, signed_in=signed_in, connect=True)
        return await self.come_back(trip, person, signed_in=signed_in)

    async def session_of(self, finished: Finished) -> LiveSession:
        """Who is signed in by the cookie that was set."""
        found = await resume(finished.session_cookie, self.ports)
        assert found is not None
        return found

    async def signed_in(self, person: Person) -> LiveSession:
        """Somebody who has just signed in."""
        return await self.session_of(await self.sign_in(person))

    async def code(self, person: Person = ADA, application: str = "demo-app", **changes: str | None) -> str:
        """The code that a first-party Application gets when this person signs in for it."""
        finished = await self.sign_in(person, await self.request(application, **changes))
        return answer_of(finished.url)["code"]

    async def redeem(
        self, code: str, application: str = "demo-app", *, proof: SentProof | None = None, **changes: Any
    ) -> Tokens:
        """As the Application would that the code was made for."""
        credentials = Credentials(application_id=ApplicationId(application), secret=SECRETS.get(application))
        if "secret" in changes:
            credentials = replace(credentials, secret=changes.pop("secret"))
        if "application_id" in changes:
            credentials = replace(credentials, application_id=changes.pop("application_id"))
        redemption = Redemption(
            code=code, redirect_uri=f"https://{application}.example/callback", code_verifier=VERIFIER
        )
        return await redeem(credentials, replace(redemption, **changes), proof, self.ports, request_id="req-redeem")

    async def refreshable(
        self,
        person: Person = ADA,
        application: str = "demo-app",
        *,
        proof: SentProof | None = None,
        **changes: str | None,
    ) -> str:
        """The refresh token that an Application has from this person's sign-in."""
        changes = {"scope": "openid email profile offline_access", **changes}
        tokens = await self.redeem(await self.code(person, application, **changes), application, proof=proof)
        assert tokens.refresh_token is not None
        return tokens.refresh_token

    async def refresh(
        self,
        token: str,
        application: str = "demo-app",
        *,
        secret: str | None = "",
        scope: str | None = None,
        proof: SentProof | None = None,
    ) -> Tokens:
        """As the Application would that it was issued to, or with another secret."""
        known = SECRETS.get(application) if secret == "" else secret
        credentials = Credentials(application_id=ApplicationId(application), secret=known)
        asked = Refreshment(token=token, scope=scope)
        return await refresh(credentials, asked, proof, self.ports, request_id="req-refresh")

    def credentials(self, application: str = "demo-app", *, secret: str | None = "") -> Credentials:
        """This Application's, or with another secret."""
        known = SECRETS.get(application) if secret == "" else secret
        return Credentials(application_id=ApplicationId(application), secret=known)

    async def known(self, person: Person) -> KnownIdentity | None:
        """What is known of this very account."""
        arrival = await self.ports.store.arrival(person.registration, self.identity_hash(person), None, None)
        return arrival.known

    async def connections(self, person: Person = ADA) -> Sequence[ConnectionInFull]:
        """Those of the User whom this person is."""
        known = await self.known(person)
        return () if known is None else await self.ports.store.connections_of(known.user.id)

    async def connection(self, person: Person = ADA) -> ConnectionInFull:
        """The Connection to this very account."""
        known = await self.known(person)
        assert known is not None and known.connection is not None
        found = await self.ports.store.connection(known.connection.id)
        assert found is not None
        return found

    async def kept(self, person: Person = ADA) -> tuple[KeptAttribute, ...]:
        """The attributes, opened."""
        found = await self.connection(person)
        return await open_attributes(found.connection, found.data_key, self.ports.vault)

    async def tokens(self, person: Person = ADA) -> UpstreamTokens | None:
        """The Provider's tokens, opened."""
        found = await self.connection(person)
        return await open_tokens(found.connection, found.data_key, self.ports.vault)

    async def damage(self, person: Person = ADA, **columns: Any) -> Connection:
        """Change a row behind the broker's back, as a thief or a broken disk would."""
        before = (await self.connection(person)).connection
        damaged = replace(before, **columns)
        await self.store.write(ReplaceConnection(connection=damaged, expected_generation=before.generation))
        self.forget()
        return damaged


async def open_world() -> World:
    """Keys made, Clients and Applications declared, nobody there yet."""
    store, clock = RacedStore(), SettableClock(NOW)
    vault = LocalVault(KEYRING)
    tools = KeyTools(store=store, vault=vault, clock=clock, generate=generate_signing_key)
    keys = await ensure_signing_key(tools, algorithm="ES256", writes=True)
    signer = JwtSigner(ISSUER, await load_signing_keys(keys.records, keys.data_key, vault))
    upstream = ScriptedUpstream(facts(GOOGLE), facts(CORP))
    ports = Ports(
        issuer=ISSUER,
        store=store,
        vault=vault,
        secrets=KeyringSecrets(KEYRING),
        signer=signer,
        upstream=upstream,
        clock=clock,
        policy=policy_parse.parse(POLICY, KNOWN),
    )
    world = World(ports=ports, store=store, upstream=upstream, clock=clock, signer=signer)
    await world.declare()
    world.forget()
    return world
