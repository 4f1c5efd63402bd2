"""Owns what a proven return changes: whose it is, what may be kept, where the browser goes. A step of `finish`.

Refuses to write: it hands back the changes, so that a lost race can be decided afresh.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from broker.domain.attempt import SignInAttempt
from broker.domain.changes import (
    AddConnection,
    AddDataKey,
    AddIdentity,
    AddSession,
    AddUser,
    BindAuthorization,
    Change,
    EndSession,
    Record,
    ReplaceConnection,
    ReplaceDataKey,
    TakeAttempt,
)
from broker.domain.client_org import rights_by_client
from broker.domain.connection import KeptAttribute, refreshed_attributes, renewed
from broker.domain.errors import Fault, Refusal, SealBroken
from broker.domain.identity import Identity, unambiguous
from broker.domain.ids import ClientOrgId, ConnectionId, IdentityId, KeyedHash, SessionId, UserId
from broker.domain.ledger import AuditEvent
from broker.domain.policy import Keep
from broker.domain.redirect import Onward
from broker.domain.sealing import WrappedKey
from broker.domain.session import new_session
from broker.domain.user import User, UserStatus, require_active
from broker.flows.broken_seal import told
from broker.flows.found import Arrival, KnownIdentity
from broker.flows.ports import Ports
from broker.flows.sealed import open_attributes, open_tokens, seal
from broker.flows.sign_in.answer import Return, answer_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What to write, and what to answer the browser with afterwards."""

    changes: tuple[Change, ...]
    session_cookie: str | None = field(repr=False)
    onward: Onward


def may_be_kept(attempt: SignInAttempt, ports: Ports) -> Mapping[str, Keep]:
    """Attribute -> on which terms, of what was asked of the Provider, for the Client that the trip is for."""
    return ports.policy.keeps(attempt.registration, () if attempt.organization is None else (attempt.organization,))


async def decide(back: Return, arrival: Arrival, ports: Ports) -> Decision:
    """Decide all of it. Raises `Refusal` or `Fault`."""
    now = ports.clock.now()
    attempt, connecting = back.attempt, back.connecting
    changes: list[Change] = [TakeAttempt(attempt_id=attempt.id, expires_at=attempt.expires_at)]
    known, held = arrival.known, arrival.held
    if known is None:
        if arrival.bound_elsewhere:
            raise Refusal(
                "subject_changed",
                "This e-mail address was first used here with another account. Ask your administrator for help.",
            )
        known, new = await _newcomer(back, ports, now)
        changes += new
    elif known.connection is None:
        key, announced = await _announced(known.data_key, ports)
        known = replace(known, data_key=key)
        changes.append(announced)
    if connecting is not None and connecting.user.id != known.user.id:
        raise Refusal("identity_in_use", "This account already belongs to somebody else here.")
    require_active(known.user)  # after that: nobody is told whether somebody else is switched off

    for invitation in (a for a in held.authorizations if a.user_id is None):
        changes.append(BindAuthorization(authorization_id=invitation.id, user_id=known.user.id))
    bound = tuple(replace(a, user_id=known.user.id) for a in held.authorizations)
    rights = rights_by_client(bound, held.clients)

    kept, malformed, broken = await _keep(back, known, tuple(rights), ports, now)
    if known.connection is not None and broken:
        changes.append(Record(event=told(known.connection, now)))
    connection_id = kept.connection.id
    changes.append(kept)

    if connecting is not None:
        session, cookie = connecting.session, None
    else:
        cookie = ports.secrets.token()
        session = new_session(
            id=SessionId(ports.secrets.new_id("ses")),
            secret=ports.secrets.keyed_hash("session", cookie),
            user_id=known.user.id,
            connection_id=connection_id,
            browser=back.browser,
            upstream_sid=_upstream_sid(back, ports),
            now=now,
        )
        if (former := back.signed_in) is not None:  # it must not live on beside the new one
            changes.append(EndSession(session_id=former.session.id, user_id=former.user.id, at=now))
        changes.append(AddSession(session=session))

    answer = answer_of(back, session, rights, ports, now)
    event = AuditEvent(
        at=now,
        action=f"{attempt.purpose}.finish",
        outcome="done",
        # Somebody signed in, also where the Application that waits gets no code for it.
        reason="attribute_malformed" if malformed and not answer.refused else answer.refused,
        request_id=back.request_id,
        user_id=known.user.id,
        application_id=None if back.asked is None else back.asked[1].id,
        registration=attempt.registration,
        # Whoever asks chooses the name: one that the User has nothing to do with could be anything.
        client_org=attempt.organization if attempt.organization in rights else None,
        object_id=connection_id,
    )
    changes += [*answer.changes, Record(event=event)]
    return Decision(changes=tuple(changes), session_cookie=cookie, onward=answer.onward)


def _upstream_sid(back: Return, ports: Ports) -> KeyedHash | None:
    """By which the Provider can say later that this very session of its own has ended."""
    verified = back.verified
    if verified.sid is None:
        return None
    name = unambiguous(back.attempt.registration, verified.identity.issuer, verified.sid)
    return ports.secrets.keyed_hash("upstream_sid", name)


async def _newcomer(back: Return, ports: Ports, now: int) -> tuple[KnownIdentity, list[Change]]:
    """A new Identity: of a new User, or of the one who is connecting it. Never of one with the same e-mail address."""
    changes: list[Change] = []
    if back.connecting is None:
        user = User(id=UserId(ports.secrets.new_id("usr")), status=UserStatus.ACTIVE, created_at=now)
        key = None
        changes.append(AddUser(user=user))
    else:
        user = back.connecting.user
        key = await ports.store.data_key(user.id)
    if key is None:
        key = await ports.vault.new_key(user.id, now)
        changes.append(AddDataKey(key=key))
    else:
        key, announced = await _announced(key, ports)
        changes.append(announced)
    identity = Identity(
        id=IdentityId(ports.secrets.new_id("idn")),
        hash=back.identity_hash,
        registration=back.attempt.registration,
        user_id=user.id,
        created_at=now,
    )
    changes.append(AddIdentity(identity=identity))
    return KnownIdentity(identity=identity, user=user, data_key=key, connection=None), changes


async def _announced(key: WrappedKey, ports: Ports) -> tuple[WrappedKey, Change]:
    """The same data key in a new wrapping, when a row is to be added under it.

    Whoever replaces the User's key at this moment knows nothing of that row: so one of the two loses, and looks again.
    """
    (same,) = await ports.vault.rewrap([key])
    if same is None:
        raise _does_not_unwrap(key)
    return same, ReplaceDataKey(key=same, expected_id=key.id, expected_wrapped=key.wrapped)


def _does_not_unwrap(key: WrappedKey) -> Fault:
    return Fault("seal_broken", "Something is down on our side.", detail=f"key {key.id}")


async def _keep(
    back: Return,
    known: KnownIdentity,
    clients: tuple[ClientOrgId, ...],
    ports: Ports,
    now: int,
) -> tuple[AddConnection | ReplaceConnection, bool, bool]:
    """Select by the policy, seal, and say how the Connection is to be written; also whether a value was malformed, and
    whether something that was kept does not open.

    The rest of the profile ends here.
    """
    attempt, verified, before = back.attempt, back.verified, known.connection
    kept_before: tuple[KeptAttribute, ...] = ()
    tokens, broken = verified.tokens, False
    if before is not None:
        try:
            kept_before = await open_attributes(before, known.data_key, ports.vault)
            if tokens.refresh_token is None:  # Google sends one with the first consent only; that one lives on
                former = await open_tokens(before, known.data_key, ports.vault)
                tokens = replace(tokens, refresh_token=former.refresh_token if former else None)
        except SealBroken:
            # What cannot be read is replaced by what the Provider has just said.
            kept_before, broken = (), True

    selected = ports.policy.select(attempt.registration, verified.profile, clients)
    kept = refreshed_attributes(
        selected.values,
        kept_before,
        asked=may_be_kept(attempt, ports),
        allowed=ports.policy.keeps(attempt.registration, clients),
        now=now,
    )
    connection = renewed(
        before,
        id=ConnectionId(ports.secrets.new_id("con")),
        user_id=known.user.id,
        identity_id=known.identity.id,
        registration=attempt.registration,
        granted_scopes=verified.granted_scopes,
        now=now,
    )
    try:
        attributes, sealed_tokens = await seal(connection, kept, tokens, known.data_key, ports.vault)
    except SealBroken:
        raise _does_not_unwrap(known.data_key) from None
    connection = replace(connection, sealed_attributes=attributes, sealed_tokens=sealed_tokens)
    if before is None:
        return AddConnection(connection=connection), bool(selected.malformed), broken
    written = ReplaceConnection(connection=connection, expected_generation=before.generation)
    return written, bool(selected.malformed), broken
