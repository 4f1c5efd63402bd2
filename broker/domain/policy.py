"""Owns the narrow waist: which attributes may be kept and released, each with its purpose. Default deny.

Nothing is stored, cached or logged of a profile before `AttributePolicy.select` has chosen it.
Refuses to keep an optional attribute of whoever has not agreed to it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, TypeGuard

from broker.domain.erasure import ErasureRules
from broker.domain.identity import normalise_email
from broker.domain.ids import ClientOrgId, RegistrationId
from broker.domain.ledger_rules import LedgerRules
from broker.domain.legal_document import NOTHING_ASKED, Documents
from broker.domain.retention import RetentionRules

MAX_VALUE = 1024
"""Characters. A longer value is dropped: no attribute we know of needs more, and a bound keeps rows small."""
INSIDE_NAMES = "\u00a0\u200c\u200d"
"""No-break space, and what keeps letters apart or joins them: Persian and Indic names are not written without (Unicode
core specification, section 23.2). Only between other characters: at either end they would be seen by nobody."""
RESERVED_CLAIMS = frozenset(
    {
        *("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "typ", "events", "epoch"),
        *("auth_time", "acr", "amr", "azp", "nonce", "sid", "at_hash", "c_hash", "s_hash", "sub_jwk"),
        *("cnf", "act", "may_act", "authorization_details", "_claim_names", "_claim_sources"),
        *("authorizations", "authorizations_ref", "org_id", "groups", "roles", "entitlements"),
    }
)
"""Names that an attribute can never take in a token: they say who may do what (RFC 9068 section 2.2, OpenID Connect
Core sections 2 and 5.6.2, RFC 8693 section 4, RFC 9396 section 9.1, and our own)."""


class PolicyProblems(Exception):
    """Everything that is wrong with a policy, in the order of the file; it is refused whole."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Update(StrEnum):
    """At which sign-ins a value is taken from the Provider; least often first."""

    NEVER = "never"
    FIRST = "first"
    EVERY = "every"


class Context(StrEnum):
    """Where a released attribute may stand."""

    TOKENS = "tokens"
    USERINFO = "userinfo"


@dataclass(frozen=True, kw_only=True, slots=True)
class Keep:
    """On which terms an attribute is kept.

    `days`: how long after it was last taken from the Provider; None: as long as the Connection. `consent`: what the
    User has to have agreed to, None where they need not. `correctable`: whether the User may put it right.
    """

    purpose: str
    update: Update = Update.EVERY
    days: int | None = None
    consent: str | None = None
    correctable: bool = False

    def exceeds(self, other: Keep) -> bool:
        """Whether it permits anything that `other` does not."""
        return (
            self.purpose != other.purpose
            or list(Update).index(self.update) > list(Update).index(other.update)
            or (other.days is not None and (self.days is None or self.days > other.days))
            or (other.consent is not None and self.consent != other.consent)
        )

    def __str__(self) -> str:
        terms = [f"{self.days} days"] if self.days is not None else []
        terms += [] if self.update is Update.EVERY else [f"updated: {self.update}"]
        terms += [] if self.consent is None else [f"if agreed to {self.consent}"]
        terms += ["correctable"] if self.correctable else []
        return f'"{self.purpose}"' + (f" ({', '.join(terms)})" if terms else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """What an attribute is released for, and where it may stand."""

    purpose: str
    contexts: frozenset[Context] = frozenset(Context)

    def exceeds(self, other: Release) -> bool:
        """Whether it permits anything that `other` does not."""
        return self.purpose != other.purpose or bool(self.contexts - other.contexts)

    def __str__(self) -> str:
        where = "" if self.contexts == frozenset(Context) else f" (in {', '.join(sorted(self.contexts))})"
        return f'"{self.purpose}"{where}'


@dataclass(frozen=True, kw_only=True, slots=True)
class OptionalPurpose:
    """Something that a User may allow, and does not unless they say so. `label` names it, `purpose` explains it."""

    label: str
    purpose: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Narrowing:
    """What one Client leaves of a section's attributes."""

    keep: frozenset[str]
    release: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """The policy for one registration, by attribute."""

    keep: Mapping[str, Keep]
    release: Mapping[str, Release]
    narrowed: Mapping[ClientOrgId, Narrowing]


@dataclass(frozen=True, kw_only=True, slots=True)
class Selected:
    """What the policy let through, and the names (never the values) of attributes whose values were malformed."""

    values: Mapping[str, str] = field(repr=False)
    malformed: tuple[str, ...]


_NOTHING = Section(keep={}, release={}, narrowed={})


@dataclass(frozen=True, kw_only=True, slots=True)
class AttributePolicy:
    """The whole policy; a registration without a section keeps nothing. `purposes`: the optional ones, by name."""

    sections: Mapping[RegistrationId, Section]
    purposes: Mapping[str, OptionalPurpose] = field(default_factory=dict)
    documents: Documents = NOTHING_ASKED
    retention: RetentionRules = field(default_factory=RetentionRules)
    erasure: ErasureRules = field(default_factory=ErasureRules)
    ledger: LedgerRules = field(default_factory=LedgerRules)

    def keeps(
        self,
        registration: RegistrationId,
        clients: Collection[ClientOrgId] = (),
        agreed: Collection[str] | None = None,
    ) -> Mapping[str, Keep]:
        """What may be kept for a User of these Clients, by attribute.

        A Connection serves all of a User's Clients, so an attribute stays as long as one of them still allows it.
        `agreed`: to what the User has agreed; None: whatever they might agree to.
        """
        section = self.sections.get(registration, _NOTHING)
        if not clients and agreed is None:
            return section.keep
        allowed = frozenset[str]().union(*(_kept_for(section, client_org) for client_org in clients))
        return {
            name: keep
            for name, keep in section.keep.items()
            if (not clients or name in allowed) and (agreed is None or keep.consent is None or keep.consent in agreed)
        }

    def releases(
        self, registration: RegistrationId, clients: Collection[ClientOrgId] = (), context: Context | None = None
    ) -> Mapping[str, Release]:
        """What may be told where it speaks of these Clients: what every one allows. `context` None: anywhere."""
        section = self.sections.get(registration, _NOTHING)
        narrowings = [section.narrowed[c] for c in clients if c in section.narrowed]
        return {
            name: release
            for name, release in section.release.items()
            if (context is None or context in release.contexts)
            and all(name in n.release and name in n.keep for n in narrowings)
        }

    def consents(self) -> frozenset[str]:
        """Everything that a User can agree to: the optional purposes, and attributes optional by themselves."""
        alone = {k.consent for section in self.sections.values() for k in section.keep.values() if k.consent}
        return frozenset(self.purposes) | alone

    def unknown_clients(self, known: Collection[ClientOrgId]) -> tuple[str, ...]:
        """A sentence for each Client that the policy narrows and that is not among `known`.

        Most likely its name is misspelt, and the Client that was meant is not narrowed.
        """
        return tuple(
            f"policy: [{registration}.clients.{client_org}]: there is no Client of this name, so this narrows nobody; "
            "correct the name, or declare the Client with broker apply"
            for registration, section in self.sections.items()
            for client_org in section.narrowed
            if client_org not in known
        )

    def digest(self) -> str:
        """SHA-256, in hex, of all that it says: the same for files that differ in their layout or order only."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True, default=_written).encode()).hexdigest()

    def select(
        self,
        registration: RegistrationId,
        profile: Mapping[str, object],
        clients: Collection[ClientOrgId] = (),
        agreed: Collection[str] | None = None,
    ) -> Selected:
        """Choose from a verified profile. The only way from "claims verified" to "anything saved"."""
        values: dict[str, str] = {}
        malformed: list[str] = []
        for name in self.keeps(registration, clients, agreed):
            value = profile.get(name)
            if value is None or value == "":
                continue
            if is_a_value(value):
                values[name] = value
            else:
                malformed.append(name)
        return Selected(values=values, malformed=tuple(malformed))


def is_a_correction(name: str, value: object) -> TypeGuard[str]:
    """Whether a User can put `name` right with it: a value with nothing around it, and an address where one is due."""
    if not is_a_value(value) or value != value.strip():
        return False
    return name != "email" or normalise_email(value) is not None


def is_a_value(value: object) -> TypeGuard[str]:
    """Whether it can be kept: text, not too long, that can be shown as one line.

    So no control, no character that turns or breaks a line, nothing unassigned.
    """
    if not isinstance(value, str) or not 0 < len(value) <= MAX_VALUE:
        return False
    if value.isprintable():
        return True
    ends = value[0], value[-1]
    return not any(end in INSIDE_NAMES for end in ends) and value.translate(_WITHOUT_INSIDE).isprintable()


def _written(value: Any) -> object:
    return sorted(value) if isinstance(value, frozenset) else str(value)


_WITHOUT_INSIDE = dict.fromkeys(map(ord, INSIDE_NAMES))


def _kept_for(section: Section, client_org: ClientOrgId) -> Collection[str]:
    narrowing = section.narrowed.get(client_org)
    return section.keep.keys() if narrowing is None else narrowing.keep
