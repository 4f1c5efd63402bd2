"""Owns the narrow waist: which attributes may be kept and released, each with its purpose. Default deny.

Refuses wildcards, empty purposes, unknown attributes, release of what is not kept, and a Client that widens.
Nothing is stored, cached or logged of a profile before `AttributePolicy.select` has chosen it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from broker.domain.ids import ClientOrgId, RegistrationId
from broker.domain.scope import ATTRIBUTE_SCOPES

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Narrowing:
    """What one Client leaves of a section's attributes."""

    keep: frozenset[str]
    release: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """The policy for one registration: attribute -> purpose."""

    keep: Mapping[str, str]
    release: Mapping[str, str]
    narrowed: Mapping[ClientOrgId, Narrowing]


@dataclass(frozen=True, kw_only=True, slots=True)
class Selected:
    """What the policy let through, and the names (never the values) of attributes whose values were malformed."""

    values: Mapping[str, str] = field(repr=False)
    malformed: tuple[str, ...]


_NOTHING = Section(keep={}, release={}, narrowed={})


@dataclass(frozen=True, kw_only=True, slots=True)
class AttributePolicy:
    """The whole policy; a registration without a section keeps nothing."""

    sections: Mapping[RegistrationId, Section]

    def keeps(self, registration: RegistrationId, clients: Collection[ClientOrgId] = ()) -> Mapping[str, str]:
        """Attribute -> purpose of what may be kept for a User of these Clients.

        A Connection serves all of a User's Clients, so an attribute stays as long as one of them still allows it.
        """
        section = self.sections.get(registration, _NOTHING)
        if not clients:
            return section.keep
        allowed = frozenset[str]().union(*(_kept_for(section, client_org) for client_org in clients))
        return {name: purpose for name, purpose in section.keep.items() if name in allowed}

    def releases(self, registration: RegistrationId, clients: Collection[ClientOrgId] = ()) -> Mapping[str, str]:
        """Attribute -> purpose of what may stand in a token that speaks of these Clients: what every one allows."""
        section = self.sections.get(registration, _NOTHING)
        narrowings = [section.narrowed[c] for c in clients if c in section.narrowed]
        return {
            name: purpose
            for name, purpose in section.release.items()
            if all(name in n.release and name in n.keep for n in narrowings)
        }

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

    def select(
        self,
        registration: RegistrationId,
        profile: Mapping[str, object],
        clients: Collection[ClientOrgId] = (),
    ) -> Selected:
        """Choose from a verified profile. The only way from "claims verified" to "anything saved"."""
        values: dict[str, str] = {}
        malformed: list[str] = []
        for name in self.keeps(registration, clients):
            value = profile.get(name)
            if value is None or value == "":
                continue
            if isinstance(value, str) and len(value) <= MAX_VALUE and _is_line(value):
                values[name] = value
            else:
                malformed.append(name)
        return Selected(values=values, malformed=tuple(malformed))


def _is_line(value: str) -> bool:
    """Whether it can be shown as one line: no control, no character that turns or breaks a line, nothing unassigned."""
    ends = value[0], value[-1]
    return not any(end in INSIDE_NAMES for end in ends) and value.translate(_WITHOUT_INSIDE).isprintable()


_WITHOUT_INSIDE = dict.fromkeys(map(ord, INSIDE_NAMES))


def _kept_for(section: Section, client_org: ClientOrgId) -> Collection[str]:
    narrowing = section.narrowed.get(client_org)
    return section.keep.keys() if narrowing is None else narrowing.keep


def parse(document: Mapping[str, Any], known: Mapping[RegistrationId, Collection[str]]) -> AttributePolicy:
    """Read a parsed `policy.toml`.

    `known` names, for each registration of this deployment, the attributes which its Provider can tell.
    Raises `PolicyProblems` with every problem at once.
    """
    problems: list[str] = []
    sections: dict[RegistrationId, Section] = {}
    for name, body in document.items():
        registration = RegistrationId(name)
        if registration not in known:
            problems.append(f"[{name}]: there is no registration of this name in the settings")
        elif not isinstance(body, Mapping):
            problems.append(f"[{name}]: must be a table with keep, release and clients")
        else:
            sections[registration] = _parse_section(name, body, known[registration], problems)
    if problems:
        raise PolicyProblems(tuple(problems))
    return AttributePolicy(sections=sections)


def _parse_section(name: str, body: Mapping[str, Any], known: Collection[str], problems: list[str]) -> Section:
    for key in body:
        if key not in ("keep", "release", "clients"):
            problems.append(f"[{name}]: unknown key {key!r}; there are keep, release and clients")
    keep = _parse_purposes(f"{name}.keep", body.get("keep", {}), known, problems)
    release = _parse_purposes(f"{name}.release", body.get("release", {}), known, problems)
    for attribute in release:
        if attribute not in keep:
            problems.append(f"[{name}.release] {attribute}: must be kept too, but [{name}.keep] does not name it")
        if attribute not in ATTRIBUTE_SCOPES:
            problems.append(
                f"[{name}.release] {attribute}: can never be released, as no scope of an Application covers it; "
                f"remove it here, [{name}.keep] may go on naming it"
            )
    narrowed: dict[ClientOrgId, Narrowing] = {}
    clients = body.get("clients", {})
    if not isinstance(clients, Mapping):
        problems.append(f"[{name}.clients]: must be a table of Clients")
        clients = {}
    for client_org, narrowing in clients.items():
        where = f"{name}.clients.{client_org}"
        if not isinstance(narrowing, Mapping) or narrowing.keys() - {"keep", "release"}:
            problems.append(f"[{where}]: must have keep and release, and nothing else")
            continue
        kept = _parse_narrowing(f"[{where}] keep", narrowing.get("keep", []), keep, problems)
        released = _parse_narrowing(f"[{where}] release", narrowing.get("release", []), release, problems)
        for attribute in sorted(released - kept):
            problems.append(f"[{where}] release: {attribute} must be in this Client's keep too")
        narrowed[ClientOrgId(client_org)] = Narrowing(keep=kept, release=released)
    return Section(keep=keep, release=release, narrowed=narrowed)


def _parse_purposes(where: str, table: Any, known: Collection[str], problems: list[str]) -> dict[str, str]:
    if not isinstance(table, Mapping):
        problems.append(f'[{where}]: must be a table of attribute = "purpose"')
        return {}
    purposes: dict[str, str] = {}
    for attribute, purpose in table.items():
        if attribute in RESERVED_CLAIMS:
            problems.append(f"[{where}] {attribute}: is a reserved claim and can never be an attribute")
        elif attribute not in known:
            problems.append(f"[{where}] {attribute}: this Provider has no such attribute; it has {_listed(known)}")
        elif not isinstance(purpose, str) or not purpose.strip():
            problems.append(f"[{where}] {attribute}: its purpose must be a sentence")
        else:
            purposes[attribute] = purpose.strip()
    return purposes


def _parse_narrowing(where: str, names: Any, wider: Mapping[str, str], problems: list[str]) -> frozenset[str]:
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        problems.append(f"{where}: must be a list of attributes")
        return frozenset()
    for extra in sorted(set(names) - wider.keys()):
        problems.append(f"{where}: {extra} is not allowed by the policy above, and a Client may only narrow")
    return frozenset(names) & wider.keys()


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"
