"""Owns the view models of the pages about privacy: documents, acceptance, choices, erasing. As views.py does for others."""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.web.pages.parts import (
    ConnectOffer,
    ErasedAt,
    Hidden,
    LegalText,
    Notice,
    OptionRow,
    PolicyRow,
    ProviderPolicy,
    ReachAt,
    Staying,
)
from broker.web.pages.shell import Shell


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptView:
    """Asks, before anything is kept, to accept the documents and to be an adult; what is optional is asked beside.

    `changed`: they have changed while the page was open. `not_accepted`, `not_adult`: what was missing from the answer;
    `accepted` and `adult` were there.
    """

    shell: Shell
    provider_name: str
    application: str | None
    connecting: bool = False
    documents: tuple[LegalText, ...]
    kept: tuple[PolicyRow, ...]
    options: tuple[OptionRow, ...]
    hidden: Hidden = field(default=(), repr=False)
    changed: bool = False
    not_accepted: bool = False
    not_adult: bool = False
    accepted: bool = False
    adult: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ChoicesView:
    """`/account/choices`."""

    shell: Shell
    options: tuple[OptionRow, ...]
    notice: Notice | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PrivacyView:
    """`/privacy`: words, and the attribute policy as it is."""

    shell: Shell
    document: LegalText | None
    providers: tuple[ProviderPolicy, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TermsView:
    """`/terms`."""

    shell: Shell
    document: LegalText | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EraseView:
    """`/account/erase`: asks before the account is erased. `word` is to be typed; `wrong`: another one was.

    Unless `fresh`, the person has to sign in `again` first. `grace_days` 0: it is erased at once.
    """

    shell: Shell
    word: str
    goes: tuple[str, ...]
    reaches: tuple[ReachAt, ...]
    stays: tuple[Staying, ...]
    grace_days: int
    fresh: bool = True
    wrong: bool = False
    again: tuple[ConnectOffer, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasedView:
    """After it: when it will be done, or that it was, with the receipt and what each Provider was told."""

    shell: Shell
    erase_at: int | None = None
    told: tuple[ErasedAt, ...] = ()
    receipt: str = field(default="", repr=False)
