"""Owns the demo's settings, policy and Clients, as the files an operator would write. Refuses real use."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from broker.crypto.keyring import new_keyring

APPLICATION_ID = "demo-app"
PROVIDER_CLIENT_ID = "partner-ops-demo"
AUDIENCE = "https://api.partner-ops.example"


@dataclass(frozen=True, kw_only=True, slots=True)
class Addresses:
    """Where the three parts are served, from the first of three neighbouring ports."""

    port: int

    @property
    def broker(self) -> str:
        """The issuer."""
        return f"http://localhost:{self.port}"

    @property
    def provider(self) -> str:
        """The stand-in for Google."""
        return f"http://localhost:{self.port + 1}"

    @property
    def application(self) -> str:
        """The demo Application, with its downstream service."""
        return f"http://localhost:{self.port + 2}"


def write_files(folder: Path, addresses: Addresses, environment: Mapping[str, str]) -> tuple[Path, Path, str | None]:
    """Write everything into `folder`: (settings, clients, the stand-in's secret or None for the real Google)."""
    real = bool(environment.get("GOOGLE_CLIENT_ID") and environment.get("GOOGLE_CLIENT_SECRET"))
    client_id = environment["GOOGLE_CLIENT_ID"] if real else PROVIDER_CLIENT_ID
    secret = environment["GOOGLE_CLIENT_SECRET"] if real else secrets.token_urlsafe(32)
    (folder / "keyring.json").write_text(new_keyring())
    (folder / "google-secret").write_text(secret)
    for name in ("keyring.json", "google-secret"):
        (folder / name).chmod(0o600)
    (folder / "policy.toml").write_text(_POLICY)
    settings, clients = folder / "broker.toml", folder / "clients.toml"
    stand_in = "" if real else f'issuer = "{addresses.provider}"\n'
    settings.write_text(
        _SETTINGS.format(issuer=addresses.broker, folder=folder, client_id=client_id, stand_in=stand_in)
    )
    clients.write_text(
        _CLIENTS.format(application_id=APPLICATION_ID, application=addresses.application, audience=AUDIENCE)
    )
    return settings, clients, None if real else secret


_SETTINGS = """\
[broker]
issuer = "{issuer}"
database_url = "sqlite:///{folder}/broker.sqlite"
policy = "policy.toml"
keyring = {{ file = "keyring.json" }}
allow_private_addresses = ["127.0.0.0/8", "::1/128"]

[registrations.google]
provider = "google"
client_id = "{client_id}"
client_secret = {{ file = "google-secret" }}
{stand_in}"""

_POLICY = """\
[google.keep]
email = "Contact address for Partner Ops notices"
name = "Shown to colleagues in Partner Ops"

[google.release]
email = "Downstream services address the User in their own audit trails"
name = "Applications greet the User"

[google.clients.acme]
keep = ["email", "name"]
release = ["email"]
"""

_CLIENTS = """\
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

[applications.{application_id}]
name = "Demo"
type = "public"
redirect_uris = ["{application}/callback"]
post_logout_redirect_uris = ["{application}/"]
backchannel_logout_uri = "{application}/backchannel-logout"
audience = "{audience}"
first_party = true
"""
