"""A deployment as files and a database, with as many Users as a test wants: what an operator's commands work on.

No server and no Provider: what is kept is sealed by the product's own steps, and opened by them.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from broker.crypto.keyring import Keyring, new_kek, new_keyring, parse_keyring
from broker.crypto.vault import LocalVault
from broker.domain.changes import AddConnection, AddDataKey, AddIdentity, AddUser, Change
from broker.domain.connection import Connection, ConnectionStatus, KeptAttribute, UpstreamTokens
from broker.domain.errors import BrokerError
from broker.domain.identity import Identity
from broker.domain.ids import ConnectionId, IdentityId, KeyedHash, RegistrationId, UserId
from broker.domain.user import User, UserStatus
from broker.flows.sealed import open_attributes, open_tokens, seal
from broker.flows.store import Store
from broker.storage.migrate import migrate
from broker.storage.store import SqlStore

NOW = 1_800_000_000
OLD, NEW = "local:main:1", "local:main:2"
GOOGLE = RegistrationId("google")
Named = Callable[..., str]
_SETTINGS = """\
[broker]
issuer = "https://id.example"
database_url = "{url}"
policy = "policy.toml"
keyring = {{ file = "keyring.json" }}

[registrations.google]
provider = "google"
client_id = "broker"
client_secret = {{ file = "secret" }}
"""
_POLICY = '[google.keep]\nemail = "Contact address"\n[documents]\nask = false\n'


@dataclass(kw_only=True)
class Deployment:
    """`config` is what commands are given. `entries` are the KEKs that there are, as they stand in a keyring."""

    folder: Path
    url: str
    document: dict[str, Any] = field(repr=False)
    entries: dict[str, Any] = field(repr=False)
    users: list[UserId] = field(default_factory=list)

    @property
    def config(self) -> Path:
        """The settings file."""
        return self.folder / "broker.toml"

    def keyring(self, *keks: str) -> Keyring:
        """The keyring with these KEKs, the first to wrap with."""
        return parse_keyring(self.text(*keks))

    def text(self, *keks: str) -> str:
        """Its document."""
        return json.dumps(self.document | {"keks": [self.entries[kek] for kek in keks]})

    def use(self, *keks: str) -> None:
        """What an operator writes into the keyring's file."""
        (self.folder / "keyring.json").write_text(self.text(*keks))

    async def add_users(self, number: int, *keks: str, named: Named = "{prefix}_{number}".format) -> None:
        """So many who have signed in with Google, at a process with these KEKs. `named` makes their ids."""
        vault = LocalVault(self.keyring(*keks))
        async with SqlStore(self.url) as store:
            changes: list[Change] = []
            newcomers = range(len(self.users), len(self.users) + number)
            for one in newcomers:
                changes += await _newcomer(one, vault, named)
                if len(changes) >= 400:
                    await store.write(*changes)
                    changes.clear()
            await store.write(*changes)
        self.users += [UserId(named(prefix="usr", number=one)) for one in newcomers]

    def copy_to(self, folder: Path) -> Deployment:
        """The same on a database of its own, as it is now; of SQLite alone."""
        folder.mkdir()
        for name in ("keyring.json", "policy.toml", "secret", "broker.sqlite"):
            shutil.copy(self.folder / name, folder)
        copy = replace(self, folder=folder, url=f"sqlite:///{folder / 'broker.sqlite'}")
        copy.config.write_text(self.config.read_text().replace(self.url, copy.url))
        return copy

    async def keks(self) -> dict[str, int]:
        """How many data keys each KEK wraps."""
        async with SqlStore(self.url) as store:
            return dict(await store.data_key_counts())

    async def unreadable(self, *keks: str) -> list[UserId]:
        """Those of whom anything does not open with these KEKs, or opens to anything else than what was sealed."""
        vault = LocalVault(self.keyring(*keks))
        async with SqlStore(self.url) as store:
            return [user_id for user_id in self.users if not await reads(store, vault, user_id)]


async def deploy(folder: Path, url: str | None = None) -> Deployment:
    """Nobody there yet; the old KEK is in use, the new one made."""
    url = url or f"sqlite:///{folder / 'broker.sqlite'}"
    await migrate(url)
    document = json.loads(new_keyring())
    entries = {OLD: document["keks"][0], NEW: json.loads(new_kek(NEW))}
    deployment = Deployment(folder=folder, url=url, document=document, entries=entries)
    deployment.config.write_text(_SETTINGS.format(url=url))
    (folder / "policy.toml").write_text(_POLICY)
    (folder / "secret").write_text("provider-secret")
    deployment.use(OLD)
    return deployment


async def reads(store: Store, vault: LocalVault, user_id: UserId) -> bool:
    """Whether everything of this User opens to what was sealed."""
    try:
        (found,) = await store.connections_of(user_id)
        (kept,) = await open_attributes(found.connection, found.data_key, vault)
        tokens = await open_tokens(found.connection, found.data_key, vault)
    except BrokerError:
        return False
    return kept.value == f"{user_id}@acme.example" and tokens is not None and tokens.access_token.endswith(user_id)


def as_the_broker_does(prefix: str, number: int) -> str:
    """An id of the length and the alphabet of the broker's own."""
    return f"{prefix}_{base64.b32encode(number.to_bytes(16)).decode().rstrip('=').lower()}"


async def _newcomer(number: int, vault: LocalVault, named: Named) -> Sequence[Change]:
    user_id = UserId(named(prefix="usr", number=number))
    identity_id = IdentityId(named(prefix="idn", number=number))
    key = await vault.new_key(user_id, NOW)
    connection = Connection(
        id=ConnectionId(named(prefix="con", number=number)),
        user_id=user_id,
        identity_id=identity_id,
        registration=GOOGLE,
        status=ConnectionStatus.ACTIVE,
        sealed_attributes=None,
        sealed_tokens=None,
        granted_scopes=frozenset({"openid", "email"}),
        generation=1,
        created_at=NOW,
        last_used_at=NOW,
        revoked_at=None,
    )
    kept = (KeptAttribute(name="email", value=f"{user_id}@acme.example", since=NOW),)
    tokens = UpstreamTokens(access_token=f"access of {user_id}", refresh_token=None, expires_at=None)
    attributes, sealed_tokens = await seal(connection, kept, tokens, key, vault)
    identity = Identity(
        id=identity_id, hash=KeyedHash(f"{number:064x}"), registration=GOOGLE, user_id=user_id, created_at=NOW
    )
    return (
        AddUser(user=User(id=user_id, status=UserStatus.ACTIVE, created_at=NOW)),
        AddDataKey(key=key),
        AddIdentity(identity=identity),
        AddConnection(connection=replace(connection, sealed_attributes=attributes, sealed_tokens=sealed_tokens)),
    )
