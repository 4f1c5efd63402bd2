"""Owns what the view models are made of: rows, cards, choices, notices.

Refuses the types of storage and domain, so that a page can show only what it was handed.

Times are seconds since the epoch, UTC. Values of people's data have no repr.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

ProviderMark: TypeAlias = Literal["google", "microsoft", "github", "oidc"]
"""Whose brand rules a button follows and whose mark is shown; "oidc" is any other."""
SignInNotice: TypeAlias = Literal["session_expired", "invited", "connect", "again", "documents"]
"""Why the sign-in page is seen: a Session ended, an invitation, another account, an Application asked anew, or there
are new documents to accept."""
ConnectionState: TypeAlias = Literal["active", "needs_attention", "pending", "disconnected"]
"""Health of a Connection; "pending": ended here, and the Provider still has to be told."""
Reach: TypeAlias = Literal["told", "pending", "local", "elsewhere", "untold"]
"""How far an end went: the Provider was told, will be, offers no way to be, was the one who ended it, or never was."""
Tone: TypeAlias = Literal["good", "warn", "bad", "plain"]

Hidden: TypeAlias = tuple[tuple[str, str], ...]
"""(name, value) of the hidden fields which a form carries besides the CSRF token."""

# "//host" and "/\\host" leave the site (WHATWG URL, special authority state), so a path begins with one slash
_FOLLOWABLE = re.compile(r"https?://|/(?![/\\])")


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """Somewhere to go on: a path of ours or a web address. Anything else, such as `javascript:`, is a ValueError."""

    label: str
    href: str

    def __post_init__(self) -> None:
        # Escaping keeps an attribute closed; it does not keep a dangerous scheme out.
        if not _FOLLOWABLE.match(self.href):
            raise ValueError("a link leads to a path or a web address")


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """What has just happened, shown once on top of a page."""

    tone: Tone
    text: str
    link: Link | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderChoice:
    """A Provider's button. `label` is the name people know ("Google"); `asks_for` a sentence.

    `why_unavailable` is a sentence, shown when `available` is False.
    """

    registration_id: str
    provider: ProviderMark
    label: str
    asks_for: str
    available: bool = True
    why_unavailable: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientRights:
    """A Client and what the User may do for it; `rights` in words, one a line."""

    client_org: str
    name: str
    rights: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptRow:
    """An attribute that is kept: its name in words, its value, the policy's purpose, since and until when."""

    attribute: str
    value: str = field(repr=False)
    purpose: str
    since: int
    until: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Attention:
    """The one thing to do about a Connection: why, and the Registration to connect again."""

    why: str
    registration_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionCard:
    """A live Connection. `account` is the account as the User knows it; `scopes` in words."""

    connection_id: str
    provider: ProviderMark
    provider_name: str
    account: str | None = field(repr=False)
    state: ConnectionState
    kept: tuple[KeptRow, ...]
    scopes: tuple[str, ...]
    connected_at: int
    last_used_at: int | None = None
    last_used_by: str | None = None
    attention: Attention | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EndedConnection:
    """A Connection that has ended. `settings` is where the User can look at the Provider's side.

    `next_try_at`: when a Provider that could not be reached is told again.
    """

    provider: ProviderMark
    provider_name: str
    account: str | None = field(repr=False)
    ended_at: int
    reach: Reach
    settings: Link | None = None
    next_try_at: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectOffer:
    """A Registration through which another account can be connected."""

    registration_id: str
    provider: ProviderMark
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Staying:
    """Something that stays after an end, and why."""

    what: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionRow:
    """A signed-in browser. `device` in words ("Firefox on Linux"); `place` only where policy keeps it."""

    session_id: str
    device: str
    started_at: int
    last_seen_at: int
    provider: ProviderMark
    provider_name: str
    current: bool
    place: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplicationCard:
    """An Application with access. `own`: it is Partner Ops' own. `sees` and `acts_for` in words, the latter Clients.

    `in_use` False: it has nothing that works now, but the User's word to come back. `narrowed`: to these Clients alone.
    """

    application_id: str
    name: str
    own: bool
    in_use: bool
    while_away: bool
    sees: tuple[str, ...]
    acts_for: tuple[str, ...]
    narrowed: bool
    since: int
    last_used_at: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OldKeyWarning:
    """Somebody used an old refresh token of an Application's, and its access was ended `at` that moment.

    `of_sign_in`: it was the code of a sign-in, which had been used before.
    """

    grant_id: str
    application: str
    at: int
    of_sign_in: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedAttribute:
    """An attribute an Application asks for: its name in words, its value as it would be released, the purpose."""

    attribute: str
    value: str | None = field(repr=False)
    purpose: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentClient:
    """A Client on whose behalf the Application would act. `chosen`: ticked at first, where there is a choice."""

    client_org: str
    name: str
    rights: tuple[str, ...]
    chosen: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A heading and its paragraphs."""

    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LegalText:
    """A document to be accepted: which version of it, in short, and its words."""

    title: str
    href: str
    version: str
    revised: int
    sections: tuple[Section, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class OptionRow:
    """Something that may be agreed to. `comes_with` is a sentence about what is kept then, "" for nothing.

    `since`: when it was agreed to; None while it is not. `ends`: a sentence for each Provider at which something ends
    when it is taken back. `ticked`: it just was agreed to, on a page that has to be sent again.
    """

    subject: str
    label: str
    purpose: str
    comes_with: str = ""
    since: int | None = None
    ends: tuple[str, ...] = ()
    ticked: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyRow:
    """A line of the attribute policy: what is kept, for what purpose, and for what it may be released, if at all."""

    attribute: str
    purpose: str
    released_for: str | None = None
    until: str = ""
    optional: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderPolicy:
    """What is kept from one Provider; no rows means nothing is."""

    provider_name: str
    rows: tuple[PolicyRow, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReachAt:
    """How far an ending goes at a Provider, in a sentence."""

    provider_name: str
    reach: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasedAt:
    """What a Provider was told when the account was erased. `page`: where the person can look there."""

    provider_name: str
    result: str
    page: str | None = None
