"""Owns the way back from rows to the domain's nouns. A row is read by position, in the order of tables.py.

Refuses to guess: each function is told where in a row, which may hold several nouns, its own columns begin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from broker.domain.acceptance import Acceptance, Accepted, Choice
from broker.domain.application import Application, ApplicationType, GrantType
from broker.domain.client_org import Authorization, ClientOrg
from broker.domain.connection import Connection, ConnectionStatus
from broker.domain.consent import Consent
from broker.domain.device_request import Decision, DeviceRequest
from broker.domain.grant import Grant
from broker.domain.identity import Identity
from broker.domain.sealing import WrappedKey
from broker.domain.session import Session
from broker.domain.user import User, UserStatus

Row = Sequence[Any]


def user(row: Row, at: int = 0) -> User:
    id_, status, created_at, epoch, accepted = row[at : at + 5]
    return User(id=id_, status=UserStatus(status), created_at=created_at, epoch=epoch, accepted=accepted)


def acceptance(row: Row) -> Acceptance:
    user_id, document, version, accepted_at = row
    return Acceptance(user_id=user_id, document=Accepted(document), version=version, at=accepted_at)


def choice(row: Row) -> Choice:
    user_id, subject, agreed, said_at = row
    return Choice(user_id=user_id, subject=subject, agreed=bool(agreed), at=said_at)


def identity(row: Row, at: int = 0) -> Identity:
    id_, hash_, registration, user_id, created_at = row[at : at + 5]
    return Identity(id=id_, hash=hash_, registration=registration, user_id=user_id, created_at=created_at)


def data_key(row: Row, at: int = 0) -> WrappedKey:
    id_, owner, kek_id, wrapped, created_at = row[at : at + 5]
    return WrappedKey(id=id_, owner=owner, kek_id=kek_id, wrapped=wrapped, created_at=created_at)


def connection(row: Row, at: int = 0) -> Connection:
    (
        id_,
        user_id,
        identity_id,
        registration,
        status,
        sealed_attributes,
        sealed_tokens,
        granted_scopes,
        generation,
        created_at,
        last_used_at,
        revoked_at,
    ) = row[at : at + 12]
    return Connection(
        id=id_,
        user_id=user_id,
        identity_id=identity_id,
        registration=registration,
        status=ConnectionStatus(status),
        sealed_attributes=sealed_attributes,
        sealed_tokens=sealed_tokens,
        granted_scopes=frozenset(orjson.loads(granted_scopes)),
        generation=generation,
        created_at=created_at,
        last_used_at=last_used_at,
        revoked_at=revoked_at,
    )


def session(row: Row, at: int = 0) -> Session:
    id_, secret, user_id, connection_id, browser, auth_time, last_seen_at, ended_at, upstream_sid = row[at : at + 9]
    return Session(
        id=id_,
        secret=secret,
        user_id=user_id,
        connection_id=connection_id,
        browser=browser,
        auth_time=auth_time,
        last_seen_at=last_seen_at,
        ended_at=ended_at,
        upstream_sid=upstream_sid,
    )


def application(row: Row, at: int = 0) -> Application:
    (
        id_,
        name,
        type_,
        secrets,
        grants,
        redirect_uris,
        post_logout_redirect_uris,
        audience,
        first_party,
        requires_authorization,
        signing_algorithm,
        scopes,
        public_keys,
        exchange_audiences,
        gateway,
        requires_pushed_requests,
        backchannel_logout_uri,
        dpop,
    ) = row[at : at + 18]
    return Application(
        id=id_,
        name=name,
        type=ApplicationType(type_),
        secrets=tuple(orjson.loads(secrets)),
        grants=frozenset(map(GrantType, orjson.loads(grants))),
        redirect_uris=tuple(orjson.loads(redirect_uris)),
        post_logout_redirect_uris=tuple(orjson.loads(post_logout_redirect_uris)),
        audience=audience,
        first_party=bool(first_party),
        requires_authorization=bool(requires_authorization),
        signing_algorithm=signing_algorithm,
        scopes=frozenset(orjson.loads(scopes)),
        public_keys=tuple(orjson.loads(public_keys)),
        exchange_audiences=frozenset(orjson.loads(exchange_audiences)),
        gateway=bool(gateway),
        requires_pushed_requests=bool(requires_pushed_requests),
        backchannel_logout_uri=backchannel_logout_uri,
        dpop=bool(dpop),
    )


def grant(row: Row, at: int = 0) -> Grant:
    (
        id_,
        code,
        application_id,
        user_id,
        session_id,
        redirect_uri,
        scopes,
        organization,
        nonce,
        code_challenge,
        auth_time,
        created_at,
        kept_until,
        redeemed_at,
        revoked_at,
        generation,
        refreshed_at,
        revoked_for,
        dismissed_at,
        dpop_jkt,
        released,
    ) = row[at : at + 21]
    return Grant(
        id=id_,
        code=code,
        application_id=application_id,
        user_id=user_id,
        session_id=session_id,
        redirect_uri=redirect_uri,
        scopes=tuple(orjson.loads(scopes)),
        organization=organization,
        nonce=nonce,
        code_challenge=code_challenge,
        auth_time=auth_time,
        created_at=created_at,
        kept_until=kept_until,
        redeemed_at=redeemed_at,
        revoked_at=revoked_at,
        generation=generation,
        refreshed_at=refreshed_at,
        revoked_for=revoked_for,
        dismissed_at=dismissed_at,
        dpop_jkt=dpop_jkt,
        released=tuple(orjson.loads(released)),
    )


def device_request(row: Row, at: int = 0) -> DeviceRequest:
    (
        id_,
        device_code,
        user_code,
        application_id,
        scopes,
        organization,
        created_at,
        expires_at,
        decision,
        last_polled_at,
        interval,
    ) = row[at : at + 11]
    return DeviceRequest(
        id=id_,
        device_code=device_code,
        user_code=user_code,
        application_id=application_id,
        scopes=tuple(orjson.loads(scopes)),
        organization=organization,
        created_at=created_at,
        expires_at=expires_at,
        decision=Decision(decision),
        last_polled_at=last_polled_at,
        interval=interval,
    )


def consent(row: Row, at: int = 0) -> Consent:
    user_id, application_id, scopes, given_at = row[at : at + 4]
    return Consent(
        user_id=user_id, application_id=application_id, scopes=tuple(orjson.loads(scopes)), given_at=given_at
    )


def client_org(row: Row, at: int = 0) -> ClientOrg:
    id_, name, rights = row[at : at + 3]
    return ClientOrg(id=id_, name=name, rights=frozenset(orjson.loads(rights)))


def authorization(row: Row, at: int = 0) -> Authorization:
    id_, client_org_id, invited_email, user_id, rights, created_at = row[at : at + 6]
    return Authorization(
        id=id_,
        client_org=client_org_id,
        invited_email=invited_email,
        user_id=user_id,
        rights=frozenset(orjson.loads(rights)),
        created_at=created_at,
    )
