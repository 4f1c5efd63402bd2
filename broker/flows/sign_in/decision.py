"""Owns what a proven return changes: whose it is, what may be kept, where the browser goes. A step of `settlement`.

Refuses to write: it hands back the changes, so that a lost race can be decided afresh.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from broker.domain.acceptance import Choice, acceptances
from broker.domain.changes import (
    Accept,
    AddConnection,
    AddDataKey,
    AddIdentity,
    AddSession,
    AddUser,
    BindAuthorization,
    Change,
    EndSession,
    PutChoice,
    Record,
    RenewSession,
    ReplaceConnection,
    ReplaceDataKey,
    SetAccepted,
    SetEraseAt,
    SetUserStatus,
    TakeAttempt,
)
from broker.domain.client_org import rights_by_client
from broker.domain.connection import Connection, KeptAttribute, refreshed_attributes
from broker.domain.connection import renewed as renewed_connection
from broker.domain.erasure import KEEP_PAGE
from broker.domain.errors import Fault, Refusal, SealBroken
from broker.domain.identity import Identity
from broker.domain.ids import ClientOrgId, ConnectionId, IdentityId, SessionId, UserId
from broker.domain.ledger import AuditEvent
from broker.domain.redirect import Onward
from broker.domain.sealing import WrappedKey
from broker.domain.session import Session, new_session, renewed
from broker.domain.user import User, UserStatus, require_active
from broker.flows.broken_seal import told
from broker.flows.found import Arrival, KnownIdentity
from broker.flows.ports import Ports
from broker.flows.sealed import open_attributes, open_tokens, seal
from broker.flows.sealed_event import sealing_address
from broker.flows.sign_in.answer import Given, Return, answer_of
from broker.flows.sign_in.proof import may_be_kept


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What to write, and what to answer the browser with afterwards."""

    changes: tuple[Change, ...]
    session_cookie: str | None = field(repr=False)
    onward: Onward


def require_theirs(back: Return, arrival: Arrival) -> None:
    """Raise `Refusal` unless whoever this account is, or would become, is who may come in with it."""
    known, connecting = arrival.known, back.connecting
    if known is None:
        if arrival.bound_elsewhere:
            raise Refusal(
                "subject_changed",
                "This e-mail address was first used here with another account. Ask your administrator for help.",
            )
        return
    if connecting is not None and connecting.user.id != known.user.id:
        raise Refusal("identity_in_use", "This account already belongs to somebody else here.")
    if not _stays(back, known.user):
        require_active(known.user)  # after that: nobody is told whether somebody else is switched off


def _stays(back: Return, user: User) -> bool:
    """Whether they were about to be erased, and have signed in to keep their account."""
    return user.status is UserStatus.LEAVING and back.attempt.page == KEEP_PAGE


def lacks_acceptance(back: Return, arrival: Arrival, ports: Ports) -> bool:
    """Whether this person has not accepted what is in force."""
    accepted = None
    if arrival.known is not None:
        accepted = arrival.known.user.accepted
    elif back.connecting is not None:
        accepted = back.connecting.user.accepted
    return ports.policy.documents.lacks(accepted)


async def decide(back: Return, arrival: Arrival, ports: Ports) -> Decision:
    """Decide all of it, of somebody whom `require_theirs` lets by. Raises `Refusal` or `Fault`."""
    now = ports.clock.now()
    attempt, connecting = back.attempt, back.connecting
    changes: list[Change] = [TakeAttempt(attempt_id=attempt.id, expires_at=attempt.expires_at)]
    known, held = arrival.known, arrival.held
    if known is None:
        known, new = await _newcomer(back, ports, now)
        changes += new
    elif known.connection is None:
        key, announced = await _announced(known.data_key, ports)
        known = replace(known, data_key=key)
        changes.append(announced)
    if _stays(back, known.user):
        changes.append(SetUserStatus(user_id=known.user.id, status=UserStatus.ACTIVE, at=now))
        changes.append(SetEraseAt(user_id=known.user.id, erase_at=None))
    agreed = arrival.agreed
    if back.given is not None:
        changes += _accepted(back.given, lacks_acceptance(back, arrival, ports), known.user, agreed, ports, now)
        agreed |= back.given.agreed

    for invitation in (a for a in held.authorizations if a.user_id is None):
        changes.append(BindAuthorization(authorization_id=invitation.id, user_id=known.user.id))
    bound = tuple(replace(a, user_id=known.user.id) for a in held.authorizations)
    rights = rights_by_client(bound, held.clients)

    kept, malformed, broken = await _keep(back, known, tuple(rights), agreed, ports, now)
    if known.connection is not None and broken:
        changes.append(Record(event=told(known.connection, now)))
    connection_id = kept.connection.id
    changes.append(kept)

    if connecting is not None:
        session, cookie = connecting.session, None
    else:
        cookie = ports.secrets.token()
        session, arranged = _session(back, kept.connection, cookie, ports, now)
        changes += arranged

    answer = answer_of(back, session, rights, ports, now)
    event = AuditEvent(
        at=now,
        action=f"{attempt.purpose}.finish" if back.given is None else f"{attempt.purpose}.accept",
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
    event = await sealing_address(event, back.address, known.data_key, ports.vault)
    changes += [*answer.changes, Record(event=event)]
    return Decision(changes=tuple(changes), session_cookie=cookie, onward=answer.onward)


def _accepted(given: Given, anew: bool, user: User, agreed: frozenset[str], ports: Ports, now: int) -> list[Change]:
    """A line for each document, `anew`, and each subject that was not agreed to before."""
    documents = ports.policy.documents
    changes: list[Change] = []
    if anew:
        changes += [Accept(acceptance=acceptance) for acceptance in acceptances(documents, user.id, now)]
        if user.accepted != documents.digest:
            changes.append(SetAccepted(user_id=user.id, accepted=documents.digest))
    for subject in sorted(given.agreed - agreed):
        changes.append(PutChoice(choice=Choice(user_id=user.id, subject=subject, agreed=True, at=now)))
    return changes


def _session(
    back: Return, connection: Connection, cookie: str, ports: Ports, now: int
) -> tuple[Session, tuple[Change, ...]]:
    """The Session that this browser has from now on: its own, renewed, where the same person has come by the same
    account, so that what Applications may do while they are away goes on; else a new one, and the former one ends.
    """
    secret, upstream_sid = ports.secrets.keyed_hash("session", cookie), back.proof.upstream_sid
    former = None if back.signed_in is None else back.signed_in.session
    if former is not None and former.connection_id == connection.id:
        session = renewed(former, secret=secret, browser=back.browser, upstream_sid=upstream_sid, now=now)
        return session, (RenewSession(session=session, expected_secret=former.secret),)
    session = new_session(
        id=SessionId(ports.secrets.new_id("ses")),
        secret=secret,
        user_id=connection.user_id,
        connection_id=connection.id,
        browser=back.browser,
        upstream_sid=upstream_sid,
        now=now,
    )
    asked_again = back.given is not None and former is not None and former.user_id == connection.user_id
    if former is None or asked_again:
        return session, (AddSession(session=session),)
    # It must not live on beside the new one, unless its User was asked to sign in again.
    return session, (EndSession(session_id=former.id, user_id=former.user_id, at=now), AddSession(session=session))


async def _newcomer(back: Return, ports: Ports, now: int) -> tuple[KnownIdentity, list[Change]]:
    """A new Identity: of a new User, or of the one who is connecting it. Never of one with the same e-mail address."""
    changes: list[Change] = []
    if back.connecting is None:
        user = User(
            id=UserId(ports.secrets.new_id("usr")),
            status=UserStatus.ACTIVE,
            created_at=now,
            accepted=None if back.given is None else ports.policy.documents.digest or None,
        )
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
        hash=back.proof.identity_hash,
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
    agreed: frozenset[str],
    ports: Ports,
    now: int,
) -> tuple[AddConnection | ReplaceConnection, bool, bool]:
    """Select by the policy, seal, and say how the Connection is to be written; also whether a value was malformed, and
    whether something that was kept does not open.

    The rest of the profile ends here.
    """
    attempt, proof, before = back.attempt, back.proof, known.connection
    kept_before: tuple[KeptAttribute, ...] = ()
    tokens, broken = proof.tokens, False
    if before is not None:
        try:
            kept_before = await open_attributes(before, known.data_key, ports.vault)
            if tokens.refresh_token is None:  # Google sends one with the first consent only; that one lives on
                former = await open_tokens(before, known.data_key, ports.vault)
                tokens = replace(tokens, refresh_token=former.refresh_token if former else None)
        except SealBroken:
            # What cannot be read is replaced by what the Provider has just said.
            kept_before, broken = (), True

    selected = ports.policy.select(attempt.registration, proof.profile, clients, agreed)
    malformed = proof.malformed or bool(selected.malformed)
    kept = refreshed_attributes(
        selected.values,
        kept_before,
        asked=may_be_kept(attempt, ports),
        allowed=ports.policy.keeps(attempt.registration, clients, agreed),
        now=now,
    )
    connection = renewed_connection(
        before,
        id=ConnectionId(ports.secrets.new_id("con")),
        user_id=known.user.id,
        identity_id=known.identity.id,
        registration=attempt.registration,
        granted_scopes=proof.granted_scopes,
        now=now,
    )
    try:
        attributes, sealed_tokens = await seal(connection, kept, tokens, known.data_key, ports.vault)
    except SealBroken:
        raise _does_not_unwrap(known.data_key) from None
    connection = replace(connection, sealed_attributes=attributes, sealed_tokens=sealed_tokens)
    if before is None:
        return AddConnection(connection=connection), malformed, broken
    written = ReplaceConnection(connection=connection, expected_generation=before.generation)
    return written, malformed, broken
