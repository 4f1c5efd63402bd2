"""Owns the view models of the documents and of erasing an account, as views.py does for other pages."""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.web.pages.parts import (
    ConnectOffer,
    ErasedAt,
    LegalText,
    ProviderPolicy,
    ReachAt,
    Staying,
)
from broker.web.pages.shell import Shell


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
