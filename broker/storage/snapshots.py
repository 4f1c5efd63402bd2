"""Owns the composed answers: what one joined row, or a few, say about several nouns at once.

Refuses to ask again: whatever is here came with one statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, groupby

import orjson
from sqlalchemy import Table

from broker.domain.client_org import Authorization, ClientOrg
from broker.domain.ids import ClientOrgId
from broker.flows.found import (
    Access,
    Arrival,
    AttemptInFull,
    Catalogue,
    ConnectionInFull,
    DeviceInFull,
    GrantInContext,
    GrantInFull,
    HeldAuthorizations,
    KnownIdentity,
    LiveSession,
)
from broker.storage import rows, system_rows, tables
from broker.storage.rows import Row


def _ends(*joined: Table) -> tuple[int, ...]:
    """Where, in a row of whole tables side by side, each one ends and the next begins."""
    return tuple(accumulate(len(table.columns) for table in joined))


(_SESSION_ENDS,) = _ends(tables.sessions)
(_DEVICE_ENDS,) = _ends(tables.device_requests)
_AFTER_IDENTITY = _ends(tables.identities, tables.users, tables.data_keys, tables.connections)
_AFTER_GRANT = _ends(
    tables.grants, tables.applications, tables.users, tables.sessions, tables.connections, tables.data_keys
)
_AFTER_APPLICATION = _ends(tables.applications, tables.users, tables.consents)
_AFTER_CONNECTION = _ends(tables.connections, tables.data_keys, tables.pending_revocations)
(_AUTHORIZATION_ENDS,) = _ends(tables.authorizations)


def live_session(row: Row) -> LiveSession:
    """Of `reads.SESSION`."""
    return LiveSession(session=rows.session(row), user=rows.user(row, _SESSION_ENDS))


def attempt(row: Row) -> AttemptInFull:
    """Of `reads.ATTEMPT`."""
    return AttemptInFull(taken=bool(row[0]), application=None if row[1] is None else rows.application(row, 1))


def arrival(row: Row) -> Arrival:
    """Of `reads.ARRIVAL`."""
    user, data_key, connection, held = _AFTER_IDENTITY
    known = None
    if row[data_key] is not None:  # nobody without a key is known
        known = KnownIdentity(
            identity=rows.identity(row),
            user=rows.user(row, user),
            data_key=rows.data_key(row, data_key),
            connection=None if row[connection] is None else rows.connection(row, connection),
        )
    bound, agreed, invited, bound_elsewhere = row[held:]
    return Arrival(
        known=known,
        held=held_authorizations([*orjson.loads(bound or "[]"), *orjson.loads(invited or "[]")]),
        bound_elsewhere=bool(bound_elsewhere),
        agreed=_agreed(agreed),
    )


def grant_in_full(row: Row) -> GrantInFull:
    """Of `reads.GRANT` and `reads.GRANT_BY_CODE`."""
    application, user, session, connection, data_key, held = _AFTER_GRANT
    return GrantInFull(
        grant=rows.grant(row),
        application=rows.application(row, application),
        user=rows.user(row, user),
        session=rows.session(row, session),
        connection=rows.connection(row, connection),
        data_key=rows.data_key(row, data_key),
        held=held_authorizations(orjson.loads(row[held] or "[]")),
        agreed=_agreed(row[held + 1]),
    )


def device_in_full(row: Row) -> DeviceInFull:
    """Of `reads.DEVICE_BY_DEVICE_CODE` and `reads.DEVICE_BY_USER_CODE`."""
    return DeviceInFull(request=rows.device_request(row), application=rows.application(row, _DEVICE_ENDS))


def access(row: Row) -> Access:
    """Of `reads.ACCESS_OF`."""
    user_at, consent_at, given_at = _AFTER_APPLICATION
    application, user = rows.application(row), rows.user(row, user_at)
    held = held_authorizations(orjson.loads(row[given_at + 1] or "[]"))
    found = (
        GrantInContext(
            grant=rows.grant(both),
            application=application,
            user=user,
            session=rows.session(both, _AFTER_GRANT[0]),
            held=held,
        )
        for both in orjson.loads(row[given_at] or "[]")
    )
    return Access(
        application=application,
        consent=None if row[consent_at] is None else rows.consent(row, consent_at),
        held=held,
        grants=tuple(sorted(found, key=lambda one: (one.grant.created_at, one.grant.id))),
    )


def held_authorizations(found: Iterable[Row]) -> HeldAuthorizations:
    """Of `reads.HELD_AUTHORIZATIONS`."""
    authorizations: list[Authorization] = []
    clients: dict[ClientOrgId, ClientOrg] = {}
    for row in found:
        authorization = rows.authorization(row)
        authorizations.append(authorization)
        if authorization.client_org not in clients:
            clients[authorization.client_org] = rows.client_org(row, _AUTHORIZATION_ENDS)
    return HeldAuthorizations(authorizations=_in_order(authorizations), clients=clients)


def connections_in_full(found: Sequence[Row]) -> tuple[ConnectionInFull, ...]:
    """Of `reads.CONNECTION` and its likes: a row for each revocation, or one for none."""
    return tuple(_connection_in_full(list(same)) for _, same in groupby(found, key=lambda row: row[0]))


def _connection_in_full(same: Sequence[Row]) -> ConnectionInFull:
    data_key, revocation, clients = _AFTER_CONNECTION
    return ConnectionInFull(
        connection=rows.connection(same[0]),
        data_key=rows.data_key(same[0], data_key),
        revocations=tuple(
            system_rows.pending_revocation(row, revocation) for row in same if row[revocation] is not None
        ),
        clients=tuple(sorted({ClientOrgId(client_org) for (client_org,) in orjson.loads(same[0][clients] or "[]")})),
        agreed=_agreed(same[0][clients + 1]),
    )


def catalogue(found: Sequence[Row]) -> Catalogue:
    """Of `reads.CATALOGUE`: rows of (table, a JSON array of its columns)."""
    of: dict[str, list[Row]] = {"client_orgs": [], "applications": [], "authorizations": []}
    for table, columns in found:
        of[table].append(orjson.loads(columns))
    clients = map(rows.client_org, of["client_orgs"])
    applications = map(rows.application, of["applications"])
    return Catalogue(
        clients={client.id: client for client in clients},
        applications={application.id: application for application in applications},
        authorizations=_in_order(map(rows.authorization, of["authorizations"])),
    )


def _agreed(subjects: str | None) -> frozenset[str]:
    return frozenset(subject for (subject,) in orjson.loads(subjects or "[]"))


def _in_order(authorizations: Iterable[Authorization]) -> tuple[Authorization, ...]:
    return tuple(sorted(authorizations, key=lambda authorization: (authorization.client_org, authorization.id)))
