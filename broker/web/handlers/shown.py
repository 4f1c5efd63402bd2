"""Owns how a Connection is said on a page, and what an Application would see of it and act for.

Refuses tokens: it is handed only what a User may see.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from starlette.requests import Request

from broker.domain import scope
from broker.domain.client_org import rights_by_client
from broker.domain.connection import ConnectionStatus
from broker.domain.ids import ClientOrgId, RegistrationId
from broker.domain.optional import Option
from broker.domain.outbox import PendingRevocation, RevocationResult
from broker.flows.connections.show import ShownConnection
from broker.flows.found import HeldAuthorizations, LiveSession
from broker.flows.ports import RegistrationFacts
from broker.web import context
from broker.web.pages import outcomes, words
from broker.web.pages.parts import (
    Attention,
    ConnectionCard,
    ConnectOffer,
    ConsentClient,
    EndedConnection,
    KeptRow,
    Link,
    Notice,
    OptionRow,
    ProviderMark,
    Reach,
    WantedAttribute,
)
from broker.web.pages.views import ConnectionsView

_REACHES: Mapping[RevocationResult, Reach] = MappingProxyType(
    {
        RevocationResult.REVOKED: "told",
        RevocationResult.ALREADY_DEAD: "elsewhere",
        RevocationResult.PENDING: "pending",
        RevocationResult.UNSUPPORTED: "local",
        RevocationResult.GIVEN_UP: "untold",
    }
)
MARKS: dict[str, ProviderMark] = {"google": "google", "microsoft": "microsoft", "github": "github"}


def connections_view(
    request: Request,
    session: LiveSession,
    shown: tuple[ShownConnection, ...],
    *,
    used_by: str | None,
    notice: Notice | None = None,
) -> ConnectionsView:
    registrations = context.web_of(request).ports.upstream.registrations
    live = [c for c in shown if c.status is not ConnectionStatus.REVOKED]
    connected = {c.connection.registration for c in live}
    return ConnectionsView(
        shell=context.shell(request, session, name=name_of(shown)),
        connections=tuple(
            _card(request, c, used_by if c.connection.id == session.session.connection_id else None) for c in live
        ),
        ended=tuple(
            EndedConnection(
                provider=mark_of(facts),
                provider_name=facts.label,
                account=None,
                ended_at=c.connection.revoked_at or 0,
                reach=reach_of(c),
                settings=settings_of(facts),
                next_try_at=next_try_of(c),
            )
            for c in shown
            if c.status is ConnectionStatus.REVOKED
            for facts in (facts_of(request, c),)
        ),
        offers=tuple(
            ConnectOffer(registration_id=facts.id, provider=mark_of(facts), label=facts.label)
            for facts in registrations.values()
            if facts.id not in connected or len(registrations) == 1
        ),
        notice=notice,
    )


def _card(request: Request, shown: ShownConnection, used_by: str | None) -> ConnectionCard:
    facts = facts_of(request, shown)
    attention = None
    if shown.status is ConnectionStatus.NEEDS_REAUTH:
        if shown.connection.sealed_tokens is None:
            why = f"We have no access at {facts.label} any more. {outcomes.whether_told(facts.label, reach_of(shown))}"
            why += " Sign in with it again to renew it."
        else:
            why = f"{facts.label} does not accept what we hold any more. Sign in with it again to go on."
        attention = Attention(why=why, registration_id=facts.id)
    return ConnectionCard(
        connection_id=shown.connection.id,
        provider=mark_of(facts),
        provider_name=facts.label,
        account=account_of(shown),
        state="active" if attention is None else "needs_attention",
        kept=rows_of(request, shown),
        scopes=words.scopes(sorted(shown.connection.granted_scopes)),
        connected_at=shown.connection.created_at,
        last_used_at=shown.connection.last_used_at,
        last_used_by=used_by,
        attention=attention,
    )


def rows_of(request: Request, shown: ShownConnection) -> tuple[KeptRow, ...]:
    keeps = context.web_of(request).ports.policy.keeps(shown.connection.registration)
    return tuple(
        KeptRow(
            attribute=words.attribute(a.name),
            value=a.value,
            purpose=keeps[a.name].purpose,
            since=a.since,
        )
        for a in shown.attributes
    )


def wanted_of(
    request: Request,
    session: LiveSession,
    shown: tuple[ShownConnection, ...],
    clients: tuple[ClientOrgId, ...],
    scopes: tuple[str, ...],
) -> tuple[WantedAttribute, ...]:
    """What an Application would see, of the account that the person is signed in with."""
    used = next((c for c in shown if c.connection.id == session.session.connection_id), None)
    return () if used is None else released_of(request, used, scopes, clients)


def released_of(
    request: Request, shown: ShownConnection, scopes: tuple[str, ...], clients: tuple[ClientOrgId, ...]
) -> tuple[WantedAttribute, ...]:
    """What an Application with these scopes is told of a Connection, where it speaks of these Clients."""
    values = {a.name: a.value for a in shown.attributes}
    releases = context.web_of(request).ports.policy.releases(shown.connection.registration, clients)
    return tuple(
        WantedAttribute(attribute=words.attribute(name), value=values[name], purpose=release.purpose)
        for name, release in releases.items()
        if name in values and scope.covers(scopes, name)
    )


def clients_of(held: HeldAuthorizations, clients: tuple[ClientOrgId, ...]) -> tuple[ConsentClient, ...]:
    """The Clients that an Application could act for, and what the person may do for each."""
    rights = rights_by_client(held.authorizations, held.clients)
    return tuple(
        ConsentClient(
            client_org=client_org,
            name=held.clients[client_org].name,
            rights=tuple(words.right(right) for right in rights[client_org]),
            chosen=True,
        )
        for client_org in clients
    )


def option_rows(
    request: Request,
    found: Collection[Option],
    since: Mapping[str, int] = MappingProxyType({}),
    ends: Mapping[str, Collection[RegistrationId]] = MappingProxyType({}),
) -> tuple[OptionRow, ...]:
    """What may be agreed to, `since` when it is, and at which Providers something `ends` when it is taken back."""
    registrations = context.web_of(request).ports.upstream.registrations
    return tuple(
        _option_row(
            option, registrations, since.get(option.subject), [registrations[r] for r in ends.get(option.subject, ())]
        )
        for option in found
    )


def _option_row(
    option: Option,
    registrations: Mapping[RegistrationId, RegistrationFacts],
    since: int | None,
    ends: Collection[RegistrationFacts],
) -> OptionRow:
    places: dict[str, list[str]] = {}
    for attribute in option.attributes:
        facts = registrations.get(attribute.registration)
        places.setdefault(attribute.registration if facts is None else facts.label, []).append(attribute.name)
    kept = words.listed([f"your {words.attributes(names)} from {place}" for place, names in places.items()])
    if option.purpose is not None:
        label, purpose = option.purpose.label, option.purpose.purpose
    else:  # it is optional by itself
        label, purpose = words.attribute(option.attributes[0].name), option.attributes[0].keep.purpose
    return OptionRow(
        subject=option.subject,
        label=label,
        purpose=purpose,
        comes_with=f"Then we also keep {kept}." if kept else "",
        since=since,
        ends=tuple(f"Taking it back ends our access at {facts.label} too. {facts.reach}" for facts in ends),
    )


def reach_of(shown: ShownConnection) -> Reach:
    told = _told(shown)
    return "local" if told is None else _REACHES[told.result]


def next_try_of(shown: ShownConnection) -> int | None:
    """When the Provider, which could not be reached, is told again."""
    told = _told(shown)
    return told.next_try_at if told is not None and told.result is RevocationResult.PENDING else None


def _told(shown: ShownConnection) -> PendingRevocation | None:
    ended = shown.connection.revoked_at or 0
    told = [r for r in shown.revocations if r.created_at >= ended]  # of this ending, not of one before it
    return told[-1] if told else None


def settings_of(facts: RegistrationFacts) -> Link | None:
    page = facts.permissions_page
    return None if page is None else Link(label=f"See your permissions at {facts.label}", href=page)


def facts_of(request: Request, shown: ShownConnection) -> RegistrationFacts:
    return facts_about(request, shown.connection.registration)


def facts_about(request: Request, registration: RegistrationId) -> RegistrationFacts:
    """What pages may say of a registration, also of one that is not set up any more."""
    known = context.web_of(request).ports.upstream.registrations.get(registration)
    return known or RegistrationFacts(
        id=registration,
        provider="oidc",
        label=registration,
        attributes=frozenset(),
        can_revoke=False,
        reach="This service is not set up here any more, so it cannot be told.",
        permissions_page=None,
    )


def mark_of(facts: RegistrationFacts) -> ProviderMark:
    return MARKS.get(facts.provider, "oidc")


def account_of(shown: ShownConnection) -> str | None:
    """How the Provider calls the account: what its User corrected would not tell which one it is."""
    told = {a.name: a.value for a in shown.attributes if not a.corrected}
    return told.get("email") or told.get("name")


def verified_address(shown: tuple[ShownConnection, ...]) -> str | None:
    """The e-mail address by which one can be invited: a Provider's word, never the User's own."""
    return next((a.value for c in shown for a in c.attributes if a.name == "email" and not a.corrected), None)


def kept_value(shown: tuple[ShownConnection, ...], name: str) -> str | None:
    return next((a.value for c in shown for a in c.attributes if a.name == name), None)


def name_of(shown: tuple[ShownConnection, ...]) -> str:
    """How the User knows themselves; "" where nothing is kept that says it."""
    return kept_value(shown, "name") or kept_value(shown, "email") or ""
