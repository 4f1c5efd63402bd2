"""Owns making what an operator declared true: compares, and writes exactly the differences, all or none.

Refuses to touch what is the same already, so that applying twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from broker.domain.application import Application
from broker.domain.changes import (
    AddAuthorization,
    Change,
    PutApplication,
    PutClientOrg,
    Record,
    RemoveApplication,
    RemoveAuthorization,
    RemoveClientOrg,
    SetRights,
)
from broker.domain.client_org import Authorization
from broker.domain.errors import Conflict, Fault
from broker.domain.ids import AuthorizationId, KeyedHash
from broker.domain.ledger import AuditEvent
from broker.domain.manifest import Declared, Manifest
from broker.flows.found import Catalogue
from broker.flows.ports import Ports

_TRIES = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One change as a line: `sign` is "+", "~" or "-"; `what`, `detail` hold no secret, `object_id` nobody's data."""

    sign: str
    what: str
    detail: str
    object_id: str
    change: Change

    def __str__(self) -> str:
        return f"{self.sign} {self.what}" + (f"  {self.detail}" if self.detail else "")


async def apply(manifest: Manifest, ports: Ports, *, dry_run: bool) -> tuple[Difference, ...]:
    """Write the differences between the manifest and what is stored, unless `dry_run`, and return them.

    Raises `Fault` when somebody else goes on changing the same things.
    """
    for _ in range(_TRIES):
        stored, now = await ports.store.catalogue(), ports.clock.now()
        differences = (
            *_clients(manifest, stored, now),
            *_applications(manifest, stored, ports, now),
            *_authorizations(manifest, stored, ports, now),
        )
        if dry_run or not differences:
            return differences
        try:
            await ports.store.write(*(d.change for d in differences), *_records(differences, now))
        except Conflict:
            continue  # somebody else applies at this moment: compare with what is there now
        return differences
    raise Fault("contention", "Somebody else is changing the same things at this moment. Please try again.")


def _records(differences: tuple[Difference, ...], now: int) -> Iterator[Record]:
    for d in differences:
        action = f"apply.{type(d.change).__name__}"
        yield Record(event=AuditEvent(at=now, action=action, outcome="done", object_id=d.object_id))


def _clients(manifest: Manifest, stored: Catalogue, now: int) -> Iterator[Difference]:
    for client in manifest.clients:
        before = stored.clients.get(client.id)
        if before != client:
            rights = frozenset[str]() if before is None else before.rights
            yield Difference(
                sign="+" if before is None else "~",
                what=f"client {client.id}",
                detail=f"{client.name!r} {_changed(rights, client.rights)}".strip(),
                object_id=client.id,
                change=PutClientOrg(client_org=client, at=now),
            )
    for gone in sorted(stored.clients.keys() - {client.id for client in manifest.clients}):
        yield Difference(
            sign="-",
            what=f"client {gone}",
            detail="with every Authorization it gave",
            object_id=gone,
            change=RemoveClientOrg(client_org_id=gone, at=now),
        )


def _applications(manifest: Manifest, stored: Catalogue, ports: Ports, now: int) -> Iterator[Difference]:
    for declared in manifest.applications:
        application = _hashed(declared, ports)
        before = stored.applications.get(application.id)
        if before == application:
            continue
        names = [
            n for n in Application.__slots__ if before is not None and getattr(before, n) != getattr(application, n)
        ]
        yield Difference(
            sign="+" if before is None else "~",
            what=f"application {application.id}",
            detail=f"{application.name!r}" if before is None else f"changed: {', '.join(names)}",
            object_id=application.id,
            change=PutApplication(application=application),
        )
    for gone in sorted(stored.applications.keys() - {a.id for a in manifest.applications}):
        yield Difference(
            sign="-",
            what=f"application {gone}",
            detail="with its grants and consents",
            object_id=gone,
            change=RemoveApplication(application_id=gone, at=now),
        )


def _authorizations(manifest: Manifest, stored: Catalogue, ports: Ports, now: int) -> Iterator[Difference]:
    before = {(a.client_org, a.invited_email): a for a in stored.authorizations}
    declared: set[tuple[str, KeyedHash]] = set()
    for invited in manifest.authorizations:
        email = ports.secrets.keyed_hash("email", invited.email)
        declared.add((invited.client_org, email))
        what = f"authorization {invited.client_org} -> {invited.email}"
        former = before.get((invited.client_org, email))
        if former is None:
            new = Authorization(
                id=AuthorizationId(ports.secrets.new_id("azn")),
                client_org=invited.client_org,
                invited_email=email,
                user_id=None,
                rights=invited.rights,
                created_at=now,
            )
            yield Difference(
                sign="+",
                what=what,
                detail=_changed(frozenset(), new.rights),
                object_id=new.id,
                change=AddAuthorization(authorization=new),
            )
        elif former.rights != invited.rights:
            yield Difference(
                sign="~",
                what=what,
                detail=_changed(former.rights, invited.rights),
                object_id=former.id,
                change=SetRights(authorization_id=former.id, rights=invited.rights, at=now),
            )
    kept_clients = {client.id for client in manifest.clients}
    for key, gone in before.items():
        if key not in declared and gone.client_org in kept_clients:
            holder = gone.user_id or "an invitation nobody has taken"
            yield Difference(
                sign="-",
                what=f"authorization {gone.client_org} -> {holder}",
                detail=_changed(gone.rights, frozenset()),
                object_id=gone.id,
                change=RemoveAuthorization(authorization_id=gone.id, at=now),
            )


def _hashed(declared: Declared, ports: Ports) -> Application:
    secrets = tuple(ports.secrets.keyed_hash("application_secret", secret) for secret in declared.secrets)
    fields = {name: getattr(declared, name) for name in Declared.__slots__ if name != "secrets"}
    return Application(**fields, secrets=secrets)


def _changed(before: frozenset[str], after: frozenset[str]) -> str:
    return " ".join(
        [*(f"+{right}" for right in sorted(after - before)), *(f"-{right}" for right in sorted(before - after))]
    )
