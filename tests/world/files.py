"""A world's settings, policy, Clients and keyring, as the files an operator would write.

The same as the demo's, but for addresses, and for what a test adds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from broker.crypto.keyring import new_keyring

APPLICATION_ID = "demo-app"
AUDIENCE = "https://api.partner-ops.example"
PROVIDER_CLIENT_SECRET = "a-secret-which-the-demo-Provider-knows"

POLICY = """\
[google.keep]
email = "Contact address for Partner Ops notices"
name = "Shown to colleagues in Partner Ops"

[google.release]
email = "Downstream services address the User in their own audit trails"
name = "Applications greet the User"

[google.clients.acme]
keep = ["email", "name"]
release = ["email"]

[documents]
ask = false
"""

GATE = """\
[purposes.news]
label = "News"
purpose = "To tell what is new in Partner Ops, once a month at most"

[purposes.statistics]
label = "Statistics"
purpose = "To see which pages help and which do not"

[google.keep]
email = "Contact address for Partner Ops notices"
name = { purpose = "Shown to colleagues in Partner Ops", optional = true }
locale = { purpose = "News in one's own language", optional = "news" }

[google.release]
email = "Downstream services address the User in their own audit trails"
name = "Applications greet the User"
"""
"""The policy of a world that asks newcomers to accept its documents, and about what is optional."""

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
"""

_SETTINGS = """\
[broker]
issuer = "{issuer}"
database_url = "{database_url}"
policy = "policy.toml"
keyring = {{ file = "keyring.json" }}
allow_private_addresses = ["127.0.0.0/8", "::1/128"]
"""

_REGISTRATION = """
[registrations.{name}]
provider = "{provider}"
issuer = "{issuer}"
client_id = "{client_id}"
client_secret = {{ file = "provider-secret" }}
"""

_APPLICATION = """
[applications.{id}]
name = "Demo"
type = "public"
redirect_uris = ["{url}/callback"]
post_logout_redirect_uris = ["{url}/"]
audience = "{audience}"
first_party = true
"""


def provider_client_id(registration: str) -> str:
    """The `client_id` by which the demo Provider knows a registration."""
    return f"partner-ops-{registration}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """Where the parts are, and what a test wants otherwise.

    `registrations`: name -> page of facts ("google", "oidc"), each at the demo Provider. `settings` is put behind
    broker.toml. `clients` is the whole of clients.toml but for the demo Application, which is always there.
    """

    issuer: str
    provider: str
    application: str
    database_url: str = field(repr=False)
    redis_url: str | None = field(default=None, repr=False)
    registrations: Mapping[str, str]
    settings: str
    policy: str
    clients: str

    def write(self, folder: Path) -> Path:
        """Write them; the settings file's path."""
        (folder / "keyring.json").write_text(new_keyring())
        (folder / "provider-secret").write_text(PROVIDER_CLIENT_SECRET)
        (folder / "policy.toml").write_text(self.policy)
        self.declare(folder)
        settings = _SETTINGS.format(issuer=self.issuer, database_url=self.database_url)
        if self.redis_url is not None:
            settings += f'redis_url = "{self.redis_url}"\n'
        for name, provider in self.registrations.items():
            settings += _REGISTRATION.format(
                name=name, provider=provider, issuer=self.provider, client_id=provider_client_id(name)
            )
        (folder / "broker.toml").write_text(settings + self.settings)
        return folder / "broker.toml"

    def declare(self, folder: Path, more: str = "") -> Path:
        """Write clients.toml, with `more` Clients, Applications or Authorizations behind it; its path."""
        application = _APPLICATION.format(id=APPLICATION_ID, url=self.application, audience=AUDIENCE)
        (folder / "clients.toml").write_text(self.clients + application + more)
        return folder / "clients.toml"
