"""Owns the view models, one a page: what the page is told, as plain strings, integers and nested dataclasses.

Refuses the types of storage and domain, so that a page can show only what it was handed.

Times are seconds since the epoch, UTC. Values of people's data, and fields that forms carry, have no repr.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from broker.web.pages.agreed_views import AcceptView, ChoicesView
from broker.web.pages.data import CorrectView, DataView
from broker.web.pages.parts import (
    ApplicationCard,
    ClientRights,
    ConnectionCard,
    ConnectOffer,
    ConsentClient,
    EndedConnection,
    Hidden,
    Link,
    Notice,
    OldKeyWarning,
    ProviderChoice,
    ProviderMark,
    SessionRow,
    SignInNotice,
    Staying,
    WantedAttribute,
)
from broker.web.pages.privacy_views import ErasedView, EraseView, PrivacyView, TermsView
from broker.web.pages.shell import Shell


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInView:
    """`/sign-in`. `invited_by` is the name of the Client which sent the invitation, where it is known."""

    shell: Shell
    application: str | None
    providers: tuple[ProviderChoice, ...]
    hidden: Hidden = field(default=(), repr=False)
    notice: SignInNotice | None = None
    invited_by: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountView:
    """`/account`. `invite_to` is the User's verified e-mail address, for the sentence shown when there is no Client."""

    shell: Shell
    clients: tuple[ClientRights, ...]
    invite_to: str | None = field(default=None, repr=False)
    connection_count: int | None = None
    session_count: int | None = None
    application_count: int | None = None
    needs_attention: bool = False
    notice: Notice | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionsView:
    """`/account/connections`."""

    shell: Shell
    connections: tuple[ConnectionCard, ...]
    ended: tuple[EndedConnection, ...] = ()
    offers: tuple[ConnectOffer, ...] = ()
    notice: Notice | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DisconnectView:
    """`/account/connections/{id}/disconnect`. `reach` is a sentence on how far the Provider's revocation goes.

    `last_way_in` takes the deed away and shows `offers` to be connected first.
    """

    shell: Shell
    connection_id: str
    provider: ProviderMark
    provider_name: str
    account: str | None = field(repr=False)
    stops: tuple[str, ...]
    deleted: tuple[str, ...]
    reach: str
    stays: tuple[Staying, ...] = ()
    hidden: Hidden = field(default=(), repr=False)
    last_way_in: bool = False
    offers: tuple[ConnectOffer, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionsView:
    """`/account/sessions`."""

    shell: Shell
    sessions: tuple[SessionRow, ...]
    notice: Notice | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EndAllView:
    """`/account/sessions/end-all`: asks before signing out everywhere. `stops`: sentences."""

    shell: Shell
    stops: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplicationsView:
    """`/account/applications`."""

    shell: Shell
    applications: tuple[ApplicationCard, ...]
    warnings: tuple[OldKeyWarning, ...] = ()
    notice: Notice | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveAccessView:
    """`/account/applications/{id}/remove`: asks first. `stops`: sentences; `afterwards`: how it could come back."""

    shell: Shell
    application_id: str
    application: str
    stops: tuple[str, ...]
    afterwards: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SignOutView:
    """Asks before signing out: `action` is POSTed to, with `hidden`. `cancel` leads back."""

    shell: Shell
    action: str
    hidden: Hidden = field(default=(), repr=False)
    application: str | None = None
    cancel: Link | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedOutView:
    """Says that it is done; `back` leads to the Application one came from. `notice`: what else came of it."""

    shell: Shell
    back: Link | None = None
    notice: Notice | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorView:
    """What happened and what to do. `status` is for the answer's first line; people never see the number."""

    shell: Shell
    status: int
    title: str
    happened: str
    to_do: str
    action: Link | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FormPostView:
    """An answer on its way to an Application: `fields` are posted to `action`, by a script or by the person."""

    shell: Shell
    action: str
    fields: Hidden = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentView:
    """A third-party Application asks. Both answers POST to `action`: `decision` is "allow" or "deny".

    With `may_choose`, one `client_org` field comes per ticked Client. `narrowed`: the Application asked for these
    Clients alone. `already` names, in words, what was allowed before. `error` is a sentence about the choice.
    """

    shell: Shell
    action: str
    application: str
    attributes: tuple[WantedAttribute, ...]
    clients: tuple[ConsentClient, ...]
    hidden: Hidden = field(default=(), repr=False)
    may_choose: bool = False
    narrowed: bool = False
    while_away: bool = False
    already: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceCodeView:
    """`/device`: asks for the code that a device shows. `wrong`: no device waits with what was `typed`."""

    shell: Shell
    action: str
    typed: str = field(default="", repr=False)
    wrong: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceConfirmView:
    """An Application on a device asks. Both answers POST to `action`: `decision` is "allow" or "deny".

    `narrowed`: it asked for these Clients alone. `while_away`: it may go on without the person.
    """

    shell: Shell
    action: str
    user_code: str = field(repr=False)
    application: str
    third_party: bool
    attributes: tuple[WantedAttribute, ...]
    clients: tuple[ConsentClient, ...]
    narrowed: bool = False
    while_away: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceAnsweredView:
    """Says what was answered, and that one can go back to the device."""

    shell: Shell
    application: str
    allowed: bool


View: TypeAlias = (
    SignInView
    | AcceptView
    | ChoicesView
    | AccountView
    | ConnectionsView
    | DisconnectView
    | SessionsView
    | EndAllView
    | ApplicationsView
    | RemoveAccessView
    | DataView
    | EraseView
    | ErasedView
    | CorrectView
    | SignOutView
    | SignedOutView
    | ErrorView
    | FormPostView
    | ConsentView
    | DeviceCodeView
    | DeviceConfirmView
    | DeviceAnsweredView
    | PrivacyView
    | TermsView
)
