"""Owns the view models of what people accept and agree to; `views` has the others, and the same rules."""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.web.pages.parts import Hidden, LegalText, Notice, OptionRow, PolicyRow
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
