"""Owns the way back from rows of the outboxes, the feed, the keys that sign and the ledger, as rows.py does for others.

Refuses to guess where in a row its columns begin: it is told.
"""

from __future__ import annotations

import orjson

from broker.domain.ledger import AuditEvent, Entry
from broker.domain.ledger_chain import Link
from broker.domain.logout import LogoutResult, PendingLogout
from broker.domain.outbox import PendingRevocation, RevocationResult
from broker.domain.revocation import Claim, Notice
from broker.domain.signing_key import SigningKey
from broker.flows.found import Told
from broker.storage.rows import Row


def pending_revocation(row: Row, at: int = 0) -> PendingRevocation:
    id_, connection_id, user_id, registration, sealed_token, tries, next_try_at, created_at, result = row[at : at + 9]
    return PendingRevocation(
        id=id_,
        connection_id=connection_id,
        user_id=user_id,
        registration=registration,
        sealed_token=sealed_token,
        tries=tries,
        next_try_at=next_try_at,
        created_at=created_at,
        result=RevocationResult(result),
    )


def pending_logout(row: Row) -> PendingLogout:
    about, application_id, user_id, session_id, tries, next_try_at, created_at, result = row
    return PendingLogout(
        about=about,
        application_id=application_id,
        user_id=user_id,
        session_id=session_id,
        tries=tries,
        next_try_at=next_try_at,
        created_at=created_at,
        result=LogoutResult(result),
    )


def told(row: Row) -> Told:
    id_, claim, value, epoch, before, until, settled = row
    notice = Notice(claim=Claim(claim), value=value, epoch=epoch, before=before, until=until)
    return Told(cursor=id_, settled=bool(settled), notice=notice)


def signing_key(row: Row, at: int = 0) -> SigningKey:
    (
        kid,
        alg,
        active,
        public_jwk,
        sealed_private,
        data_key_id,
        created_at,
        activated_at,
        retired_at,
        revoked_at,
    ) = row[at : at + 10]
    return SigningKey(
        kid=kid,
        alg=alg,
        active=bool(active),
        public_jwk=public_jwk,
        sealed_private=sealed_private,
        data_key_id=data_key_id,
        created_at=created_at,
        activated_at=activated_at,
        retired_at=retired_at,
        revoked_at=revoked_at,
    )


def audit_event(row: Row, at: int = 0) -> AuditEvent:
    (
        _id,
        when,
        action,
        outcome,
        reason,
        request_id,
        user_id,
        application_id,
        registration,
        client_org_id,
        object_id,
        released,
        ground,
        sealed,
    ) = row[at : at + 14]
    return AuditEvent(
        at=when,
        action=action,
        outcome=outcome,
        reason=reason,
        request_id=request_id,
        user_id=user_id,
        application_id=application_id,
        registration=registration,
        client_org=client_org_id,
        object_id=object_id,
        released=tuple(orjson.loads(released)),
        ground=ground,
        sealed=sealed,
    )


def entry(row: Row) -> Entry:
    return Entry(id=row[0], event=audit_event(row))


def link(row: Row) -> Link:
    position, event_id, event_hash, chain_hash = row[:4]
    return Link(position=position, event_id=event_id, event_hash=bytes(event_hash), chain_hash=bytes(chain_hash))
