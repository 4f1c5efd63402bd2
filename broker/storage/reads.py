"""Owns the queries: each read of the `Store` as one statement, its columns whole nouns in the order of rows.py.

Refuses values: parameters have names, and what a query compares with is always a parameter.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from broker.storage.driver_sql import json_array, json_rows, settled_below
from broker.storage.tables import (
    PENDING,
    acceptances,
    applications,
    authorizations,
    choices,
    client_orgs,
    connections,
    consents,
    data_keys,
    device_requests,
    grants,
    identities,
    key_checks,
    leases,
    pending_logouts,
    pending_revocations,
    revocations,
    sessions,
    signing_keys,
    taken_attempts,
    users,
)

PING = select(exists().select_from(leases))

APPLICATION = select(applications).where(applications.c.id == bindparam("id"))

SESSION = (
    select(sessions, users)
    .join(users, users.c.id == sessions.c.user_id)
    .where(sessions.c.secret == bindparam("secret"))
)
SESSIONS_OF = (
    select(sessions)
    .where(
        sessions.c.user_id == bindparam("user_id"),
        sessions.c.ended_at.is_(None),
        sessions.c.last_seen_at >= bindparam("since"),
    )
    .order_by(sessions.c.auth_time.desc(), sessions.c.id)
)

USER_OF_UPSTREAM = (
    select(sessions.c.user_id).where(sessions.c.upstream_sid == bindparam("upstream_sid")).limit(literal_column("1"))
)

_alone: Select[Any] = select(literal_column("1"))
ATTEMPT = (
    select(exists().where(taken_attempts.c.id == bindparam("id")), applications)
    .select_from(_alone.subquery("attempt"))
    .outerjoin(applications, applications.c.id == bindparam("application_id"))
)

DATA_KEY = select(data_keys).where(data_keys.c.owner == bindparam("owner"))
# From one KEK to the next along the index, as there are few KEKs and many keys.
_first_kek = select(func.min(data_keys.c.kek_id).label("id")).cte("kek", recursive=True)
_next_kek = select(func.min(data_keys.c.kek_id)).where(data_keys.c.kek_id > _first_kek.c.id).scalar_subquery()
_kek = _first_kek.union_all(select(_next_kek).where(_first_kek.c.id.is_not(None)))
_of_kek = data_keys.alias("of_kek")
_from_kek_on = (
    select(_of_kek.c.id)
    .where(_of_kek.c.kek_id >= _kek.c.id)
    .order_by(_of_kek.c.kek_id, _of_kek.c.id)
    .limit(literal_column("1"))
)
# Three rows, as one alone may be damaged. Where a KEK has fewer, the next one's do not fit its name and drop out.
_picked = union_all(
    select(data_keys.c.kek_id, data_keys.c.id).where(data_keys.c.owner == bindparam("preferred")),
    *(select(_kek.c.id, _from_kek_on.offset(literal_column(row)).scalar_subquery()) for row in ("0", "1", "2")),
).cte("picked")
DATA_KEYS_BY_KEK = (
    select(data_keys)
    .where(tuple_(data_keys.c.kek_id, data_keys.c.id).in_(select(_picked.c.kek_id, _picked.c.id)))
    .order_by(data_keys.c.kek_id, data_keys.c.owner != bindparam("preferred"), data_keys.c.id)
)
KEKS_IN_USE = select(_kek.c.id).where(_kek.c.id.is_not(None)).order_by(_kek.c.id)
DATA_KEY_COUNTS = select(data_keys.c.kek_id, func.count()).group_by(data_keys.c.kek_id).order_by(data_keys.c.kek_id)
DATA_KEYS_UNDER = (
    select(data_keys)
    .where(data_keys.c.kek_id == bindparam("kek_id"), data_keys.c.id > bindparam("after"))
    .order_by(data_keys.c.id)
    .limit(bindparam("limit"))
)
KEY_CHECK = select(key_checks.c.value).where(key_checks.c.name == bindparam("name"))
SIGNING_ALGORITHMS = (
    select(applications.c.signing_algorithm)
    .where(applications.c.signing_algorithm.is_not(None))
    .distinct()
    .order_by(applications.c.signing_algorithm)
)
SIGNING_KEYS = select(signing_keys).order_by(signing_keys.c.created_at, signing_keys.c.kid)

HELD_AUTHORIZATIONS = (
    select(authorizations, client_orgs)
    .join(client_orgs, client_orgs.c.id == authorizations.c.client_org)
    .where(authorizations.c.user_id == bindparam("user_id"))
)
_as_json = select(json_rows(json_array(*authorizations.c, *client_orgs.c))).join_from(
    authorizations, client_orgs, client_orgs.c.id == authorizations.c.client_org
)
_agreed: Select[Any] = select(json_rows(json_array(choices.c.subject))).where(choices.c.agreed == literal_column("1"))
_invited_by = authorizations.c.invited_email == bindparam("email")
_other = identities.alias("other")
# One snapshot: between two, an invitation could be taken by somebody else with this address and be missed by both.
ARRIVAL = (
    select(
        identities,
        users,
        data_keys,
        connections,
        _as_json.where(authorizations.c.user_id == func.coalesce(identities.c.user_id, bindparam("connecting")))
        .correlate(identities)
        .scalar_subquery(),
        _agreed.where(choices.c.user_id == func.coalesce(identities.c.user_id, bindparam("connecting")))
        .correlate(identities)
        .scalar_subquery(),
        _as_json.where(authorizations.c.user_id.is_(None), _invited_by).scalar_subquery(),
        exists().where(
            _invited_by,
            _other.c.user_id == authorizations.c.user_id,
            _other.c.registration == bindparam("registration"),
            _other.c.hash != bindparam("hash"),
        ),
    )
    .select_from(_alone.subquery("arrival"))
    .outerjoin(identities, identities.c.hash == bindparam("hash"))
    .outerjoin(users, users.c.id == identities.c.user_id)
    .outerjoin(data_keys, data_keys.c.owner == identities.c.user_id)
    .outerjoin(connections, connections.c.identity_id == identities.c.id)
)

_bound = _as_json.where(authorizations.c.user_id == grants.c.user_id).correlate(grants).scalar_subquery()
_agreed_with = _agreed.where(choices.c.user_id == grants.c.user_id).correlate(grants).scalar_subquery()
GRANT_IN_FULL = (
    select(grants, applications, users, sessions, connections, data_keys, _bound, _agreed_with)
    .join(applications, applications.c.id == grants.c.application_id)
    .join(users, users.c.id == grants.c.user_id)
    .join(sessions, sessions.c.id == grants.c.session_id)
    .join(connections, connections.c.id == sessions.c.connection_id)
    .join(data_keys, data_keys.c.owner == grants.c.user_id)
)
GRANT = GRANT_IN_FULL.where(grants.c.id == bindparam("id"))
GRANT_BY_CODE = GRANT_IN_FULL.where(grants.c.code == bindparam("code"))

_DEVICE = select(device_requests, applications).join(
    applications, applications.c.id == device_requests.c.application_id
)
DEVICE_BY_DEVICE_CODE = _DEVICE.where(device_requests.c.device_code == bindparam("code"))
DEVICE_BY_USER_CODE = _DEVICE.where(device_requests.c.user_code == bindparam("code"))

USER = select(users).where(users.c.id == bindparam("id"))
_sessions_grants = grants.join(sessions, sessions.c.id == grants.c.session_id)
_given = (
    select(json_rows(json_array(*grants.c, *sessions.c)))
    .select_from(_sessions_grants)
    .where(sessions.c.user_id == bindparam("user_id"), grants.c.application_id == applications.c.id)
    .correlate(applications)
    .scalar_subquery()
)
_has_a_grant = (
    select(grants.c.application_id).select_from(_sessions_grants).where(sessions.c.user_id == bindparam("user_id"))
)
_holds = _as_json.where(authorizations.c.user_id == bindparam("user_id")).scalar_subquery()
ACCESS_OF = (
    select(applications, users, consents, _given, _holds)
    .select_from(users.join(applications, true()))
    .outerjoin(consents, and_(consents.c.application_id == applications.c.id, consents.c.user_id == users.c.id))
    .where(
        users.c.id == bindparam("user_id"),
        or_(applications.c.id.in_(_has_a_grant), consents.c.application_id.is_not(None)),
    )
    .order_by(applications.c.id)
)
USERS_OF_EMAIL = (
    select(authorizations.c.user_id)
    .where(authorizations.c.invited_email == bindparam("email"), authorizations.c.user_id.is_not(None))
    .distinct()
    .order_by(authorizations.c.user_id)
)

CONSENT = select(consents).where(
    consents.c.user_id == bindparam("user_id"), consents.c.application_id == bindparam("application_id")
)

CHOICES_OF = select(choices).where(choices.c.user_id == bindparam("user_id")).order_by(choices.c.subject)
ACCEPTANCES_OF = (
    select(acceptances)
    .where(acceptances.c.user_id == bindparam("user_id"))
    .order_by(acceptances.c.at, acceptances.c.document)
)

_acts_for = (
    select(json_rows(json_array(authorizations.c.client_org)))
    .where(authorizations.c.user_id == connections.c.user_id)
    .correlate(connections)
    .scalar_subquery()
)
_agrees = _agreed.where(choices.c.user_id == connections.c.user_id).correlate(connections).scalar_subquery()
_CONNECTION_IN_FULL = (
    select(connections, data_keys, pending_revocations, _acts_for, _agrees)
    .join(data_keys, data_keys.c.owner == connections.c.user_id)
    .outerjoin(pending_revocations, pending_revocations.c.connection_id == connections.c.id)
    .order_by(connections.c.created_at, connections.c.id, pending_revocations.c.created_at, pending_revocations.c.id)
)
CONNECTION = _CONNECTION_IN_FULL.where(connections.c.id == bindparam("id"))
CONNECTIONS_OF = _CONNECTION_IN_FULL.where(connections.c.user_id == bindparam("user_id"))
FROM_ID_ON = (
    select(connections.c.id)
    .join(data_keys, data_keys.c.owner == connections.c.user_id)
    .where(connections.c.id > bindparam("after"))
    .order_by(connections.c.id)
    .limit(bindparam("limit"))
)
BY_ID = _CONNECTION_IN_FULL.order_by(None).order_by(
    connections.c.id, pending_revocations.c.created_at, pending_revocations.c.id
)
CONNECTIONS_AFTER = BY_ID.where(connections.c.id.in_(FROM_ID_ON))
_keeping = FROM_ID_ON.where(connections.c.sealed_attributes.is_not(None))
CONNECTIONS_KEEPING = BY_ID.where(connections.c.id.in_(_keeping))

PENDING_REVOCATION = select(pending_revocations).where(pending_revocations.c.id == bindparam("id"))
DUE_REVOCATIONS = (
    select(pending_revocations)
    .where(pending_revocations.c.result == PENDING, pending_revocations.c.next_try_at <= bindparam("now"))
    .order_by(pending_revocations.c.next_try_at, pending_revocations.c.id)
    .limit(bindparam("limit"))
)

_due_logouts = and_(pending_logouts.c.result == PENDING, pending_logouts.c.next_try_at <= bindparam("now"))
APPLICATIONS_TO_TELL = (
    select(pending_logouts.c.application_id).where(_due_logouts).distinct().order_by(pending_logouts.c.application_id)
)
DUE_LOGOUTS = (
    select(pending_logouts)
    .where(_due_logouts, pending_logouts.c.application_id == bindparam("application_id"))
    .order_by(pending_logouts.c.next_try_at, pending_logouts.c.about)
    .limit(bindparam("limit"))
)

_told = select(revocations, revocations.c.id < settled_below()).order_by(revocations.c.id)
REVOCATIONS = _told.where(revocations.c.id >= bindparam("first")).limit(bindparam("limit"))
REVOCATIONS_IN_FORCE = _told.where(revocations.c.until > bindparam("now"))
LAST_REVOCATION = select(func.max(revocations.c.id)).where(revocations.c.id < settled_below())

_latest_first = func.row_number().over(
    partition_by=grants.c.session_id, order_by=(grants.c.created_at.desc(), grants.c.id.desc())
)
_used = (
    select(grants.c.session_id, applications.c.name, _latest_first.label("place"))
    .join(applications, applications.c.id == grants.c.application_id)
    .join(sessions, sessions.c.id == grants.c.session_id)
    .where(sessions.c.user_id == bindparam("user_id"))
    .subquery()
)
APPLICATIONS_USED = select(_used.c.session_id, _used.c.name).where(_used.c.place == literal_column("1"))

CATALOGUE: CompoundSelect[str, str] = union_all(
    select(literal_column("'client_orgs'"), json_array(*client_orgs.c)),
    select(literal_column("'applications'"), json_array(*applications.c)),
    select(literal_column("'authorizations'"), json_array(*authorizations.c)),
)
