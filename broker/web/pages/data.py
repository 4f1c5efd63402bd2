"""Owns the view models of `/account/data`: what is kept, why, until when, who was told, and what one can do about it.

Refuses the types of storage and domain, as views.py does. Times are seconds since the epoch, UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.web.pages.parts import Link, Notice
from broker.web.pages.shell import Shell


@dataclass(frozen=True, kw_only=True, slots=True)
class DataRow:
    """An attribute that is kept. `attribute` is its name in words, `name` the policy's; `told` names Applications.

    `subject`: what was agreed to for it, and can be taken back; None: it is needed. `until` None: no end of its own.
    """

    attribute: str
    name: str
    value: str = field(repr=False)
    purpose: str
    since: int
    until: int | None = None
    subject: str | None = None
    correctable: bool = False
    corrected: bool = False
    told: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class MissingRow:
    """An attribute that is not kept, and that its User could add."""

    attribute: str
    name: str
    purpose: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DataGroup:
    """What is kept from one account; `title` such as "From Google, ada@acme.example". Damaged, it is not `readable`."""

    title: str = field(repr=False)
    provider_name: str
    connection_id: str
    rows: tuple[DataRow, ...]
    missing: tuple[MissingRow, ...] = ()
    readable: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class BesideRow:
    """Something that is kept beside the attributes: what and how much, why, and until when, in words."""

    what: str
    why: str
    until: str
    where: Link | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DataView:
    """`/account/data`."""

    shell: Shell
    groups: tuple[DataGroup, ...]
    beside: tuple[BesideRow, ...] = ()
    notice: Notice | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CorrectView:
    """Puts one attribute right. `back`: whether the Provider's value can be had again; `wrong`: what was typed cannot
    be kept. `comes_back` is a sentence on when."""

    shell: Shell
    connection_id: str
    name: str
    attribute: str
    provider_name: str
    purpose: str
    typed: str = field(default="", repr=False)
    back: bool = False
    comes_back: str = ""
    wrong: str = ""
