"""A deployment made once a worker: settings, policy, Clients, keyring, database, and two Providers that listen.

Each test works on a copy of the database; the Providers are emptied between tests. Nothing else is shared.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from broker.app import apply_file, opened
from broker.crypto.keyring import new_keyring
from broker.demo.provider import PERSONAS, DemoProvider, DemoRegistration, create_provider
from broker.demo.provider.grants import Grants
from broker.settings.load import load
from broker.settings.model import Settings
from broker.storage.migrate import migrate
from tests.servers.asgi import serving
from tests.servers.port import reserve
from tests.world.clock import Clock

BEGINS = 1_800_000_000
"""When every world begins."""
HTTPS, HTTP = "https://id.example", "http://localhost:8000"
"""The two issuers: production's form, and development's. Nothing listens there: browsers call the broker in memory."""
SECRETS = {
    "provider": "canary~provider+secret",
    "reports": "canary-reports-secret",
    "crm": "canary-crm-secret",
    "feed": "canary-feed-secret",
}
"""What proves the broker to its Providers, and two Applications to the broker."""
PROVIDER_APPLICATION = "partner-ops-at-provider"

_SETTINGS = """\
[broker]
issuer = "{issuer}"
database_url = "sqlite:///broker.sqlite"
policy = "policy.toml"
keyring = {{ file = "keyring.json" }}
allow_private_addresses = ["127.0.0.0/8"]

[registrations.google]
provider = "google"
issuer = "{google}"
client_id = "partner-ops-at-provider"
client_secret = {{ file = "provider" }}

[registrations.corp]
provider = "oidc"
label = "Corp"
issuer = "{corp}"
client_id = "partner-ops-at-provider"
client_secret = {{ file = "provider" }}
trusted_email_domains = ["corp.example"]
"""

POLICY = """\
[google.keep]
email = "Contact address for Partner Ops notices"
name = { purpose = "Shown to colleagues in Partner Ops", correctable = true }

[google.release]
email = "Downstream services address the User in their own audit trails"
name = "Applications greet the User"

[google.clients.acme]
keep = ["email", "name"]
release = ["email"]

[corp.keep]
email = "Contact address for Partner Ops notices"

[documents]
ask = false

[purposes.news]
label = "News"
purpose = "To tell what is new"
"""

CLIENTS = """\
[clients.acme]
name = "Acme Inc."
rights = ["invoices:read", "invoices:write", "reports:read"]

[[clients.acme.authorizations]]
user = "ada@acme.example"
rights = ["invoices:read", "reports:read"]

[clients.globex]
name = "Globex Corporation"
rights = ["reports:read", "reports:write"]

[[clients.globex.authorizations]]
user = "ada@acme.example"
rights = ["reports:read"]

[[clients.globex.authorizations]]
user = "grace@globex.example"
rights = ["reports:read", "reports:write"]

[applications.demo-app]
name = "Demo"
type = "public"
redirect_uris = ["https://app.example/callback"]
post_logout_redirect_uris = ["https://app.example/"]
audience = "https://api.example"
first_party = true

[applications.reports]
name = "Reports"
type = "confidential"
secret = { file = "reports" }
redirect_uris = ["https://reports.example/callback?area=eu"]
audience = "https://reports.example"
first_party = true

[applications.feed]
name = "A service that follows revocations"
type = "confidential"
secret = { file = "feed" }
grants = ["client_credentials"]
scopes = ["revocations"]
audience = "https://feed.example"

[applications.crm]
name = "Somebody's CRM"
type = "confidential"
secret = { file = "crm" }
redirect_uris = ["https://crm.example/callback"]
audience = "https://crm.example"

[applications.desk]
name = "Service desk"
type = "public"
redirect_uris = ["https://desk.example/.partner-ops/callback"]
audience = "https://desk.example"
first_party = true
gateway = true

[applications.native]
name = "Native"
type = "public"
redirect_uris = ["http://127.0.0.1/cb", "com.example.native:/cb"]
audience = "https://api.example"
first_party = true

[applications.tv]
name = "Demo on TV"
type = "public"
grants = ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]
audience = "https://api.example"
first_party = true
"""


class Upstream:
    """A Provider that listens. `claims` bends what it says: persona -> claims over all others."""

    def __init__(self, url: str, callbacks: tuple[str, ...]) -> None:
        self.claims: dict[str, Mapping[str, Any]] = {}
        registration = DemoRegistration(
            client_id=PROVIDER_APPLICATION, client_secret=SECRETS["provider"], redirect_uris=callbacks
        )
        self.provider: DemoProvider = create_provider(
            issuer=url, registrations=[registration], extra_claims=lambda persona: self.claims.get(persona, {})
        )

    def forget(self, clock: Clock) -> None:
        """Begin anew, at another clock; the signing key stays, as making one takes longer than most tests."""
        provider = self.provider
        provider.clock = clock
        provider.store = Grants()
        provider.personas[:] = PERSONAS
        provider.requests.clear()
        provider.authorize_requests.clear()
        provider.faults_at.clear()
        provider.fault = None
        provider.consent_automatically("ada")
        self.claims.clear()


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """`settings` are of a database nobody opens any more."""

    folder: Path
    settings: Settings = field(repr=False)
    google: Upstream
    corp: Upstream

    def copy_to(self, folder: Path) -> str:
        """A database of one's own; its URL."""
        for path in self.folder.glob("broker.sqlite*"):
            shutil.copy(path, folder)
        return f"sqlite:///{folder / 'broker.sqlite'}"

    async def fill(self, database_url: str) -> None:
        """The same in an empty database of any kind."""
        await _fill(replace(self.settings, database_url=database_url), self.folder / "clients.toml")


@contextmanager
def upstreams() -> Iterator[tuple[Upstream, Upstream]]:
    """Two Providers that know nothing of each other; each may also stand behind a registration "twin"."""
    with _upstream() as google, _upstream() as corp:
        yield google, corp


@contextmanager
def _upstream() -> Iterator[Upstream]:
    place = reserve()
    names = ("google", "corp", "twin")
    upstream = Upstream(place.url, tuple(f"{issuer}/callback/{name}" for issuer in (HTTPS, HTTP) for name in names))
    with serving(upstream.provider.app, place):
        yield upstream


async def make_template(folder: Path, google: Upstream, corp: Upstream) -> Template:
    """Write the files, migrate, apply, and have the first signing key made."""
    (folder / "keyring.json").write_text(new_keyring())
    (folder / "policy.toml").write_text(POLICY)
    (folder / "clients.toml").write_text(CLIENTS)
    for name, secret in SECRETS.items():
        (folder / name).write_text(secret)
    text = _SETTINGS.format(issuer=HTTPS, google=google.provider.issuer, corp=corp.provider.issuer)
    (folder / "broker.toml").write_text(text)
    settings = load(folder / "broker.toml", {})
    await _fill(settings, folder / "clients.toml")
    return Template(folder=folder, settings=settings, google=google, corp=corp)


async def _fill(settings: Settings, clients: Path) -> None:
    await migrate(settings.database_url)
    async with opened(settings, Clock(BEGINS)):  # the first signing key is made in the worlds' own time
        pass
    await apply_file(settings, clients, dry_run=False)
