"""Our broker set up as an operator does it: settings, keyring, policy, one Client, two Applications; migrated, applied.

Refuses settings that differ from those shipped, where a loopback address does not ask for them.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.upstream import APPLICATION_ID as UPSTREAM_APPLICATION_ID
from benchmarks.upstream import APPLICATION_SECRET as UPSTREAM_APPLICATION_SECRET
from benchmarks.upstream import EMAIL_DOMAIN, email
from benchmarks.wire import LOOPBACK
from benchmarks.worker import APPLICATION_ID, APPLICATION_SECRET, AUDIENCE, PUBLIC_APPLICATION_ID, REDIRECT_URI
from tests.servers.port import free_port
from tests.servers.process import NotReady

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """What processes of the broker are started with. `url` is the issuer; the first process answers there."""

    url: str
    arguments: Sequence[str]


@contextmanager
def deployed(database_url: str | None, upstream_url: str, people: int) -> Iterator[Deployment]:
    """A new deployment. `database_url` None: SQLite beside its settings. Raises `NotReady`."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/var/tmp") as name:
        folder, url = Path(name), f"http://{LOOPBACK}:{free_port()}"
        _write_settings(folder, url, database_url, upstream_url, people)
        settings = ["--config", str(folder / "broker.toml")]
        _run(["migrate", *settings])
        _run(["apply", str(folder / "clients.toml"), *settings])
        yield Deployment(url=url, arguments=settings)


def _run(arguments: Sequence[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "broker", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise NotReady(f"broker {arguments[0]}: {done.stderr}")
    return done.stdout


def _write_settings(folder: Path, url: str, database_url: str | None, upstream_url: str, people: int) -> None:
    """As a small real deployment has them: one Client whose people are invited, one first-party Application."""
    (folder / "keyring.json").write_text(_run(["keys", "new"]))
    (folder / "upstream_secret").write_text(UPSTREAM_APPLICATION_SECRET)
    (folder / "application_secret").write_text(APPLICATION_SECRET)
    (folder / "broker.toml").write_text(
        f"""[broker]
issuer = "{url}"
database_url = "{database_url or "sqlite:///broker.sqlite"}"
policy = "policy.toml"
keyring = {{ file = "{folder / "keyring.json"}" }}
allow_private_addresses = ["127.0.0.0/8", "::1/128"]

[registrations.upstream]
provider = "oidc"
issuer = "{upstream_url}"
client_id = "{UPSTREAM_APPLICATION_ID}"
client_secret = {{ file = "{folder / "upstream_secret"}" }}
trusted_email_domains = ["{EMAIL_DOMAIN}"]
"""
    )
    (folder / "policy.toml").write_text(
        """[upstream.keep]
email = "Where notices go"
name = "What colleagues read"

[upstream.release]
email = "How services address the User"

[documents]
ask = false
"""
    )
    invitations = "".join(
        f'[[clients.acme.authorizations]]\nuser = "{email(person)}"\nrights = ["reports:read"]\n\n'
        for person in range(people)
    )
    (folder / "clients.toml").write_text(
        f"""[clients.acme]
name = "Acme Inc."
rights = ["reports:read", "reports:write"]

{invitations}[applications.{APPLICATION_ID}]
name = "Bench"
type = "confidential"
secret = {{ file = "{folder / "application_secret"}" }}
grants = ["authorization_code", "refresh_token", "client_credentials"]
redirect_uris = ["{REDIRECT_URI}"]
audience = "{AUDIENCE}"
first_party = true

[applications.{PUBLIC_APPLICATION_ID}]
name = "Bench, public"
type = "public"
redirect_uris = ["{REDIRECT_URI}"]
audience = "{AUDIENCE}"
first_party = true
"""
    )
