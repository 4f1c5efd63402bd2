"""Owns reading a policy document: registrations by name, and what is the same for all of them.

Refuses wildcards, empty purposes, unknown attributes, release of what is not kept, and a Client that widens.
Names every problem at once.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from broker.domain.ids import ClientOrgId, RegistrationId
from broker.domain.policy import (
    RESERVED_CLAIMS,
    AttributePolicy,
    Context,
    Keep,
    Narrowing,
    OptionalPurpose,
    PolicyProblems,
    Release,
    Section,
    Update,
)
from broker.domain.policy_rules import LONGEST_DAYS, RULES, parse_rules
from broker.domain.scope import ATTRIBUTE_SCOPES

RESERVED_NAMES = frozenset({*RULES, "purposes"})
"""Tables of the policy that are about all registrations, so that none of these can be called so."""
_KEEP_TERMS = ("purpose", "update", "days", "optional", "correctable")
_RELEASE_TERMS = ("purpose", "in")
_PURPOSE = re.compile(r"[a-z][a-z0-9_-]{0,31}")


def parse(document: Mapping[str, Any], known: Mapping[RegistrationId, Collection[str]]) -> AttributePolicy:
    """Read a parsed `policy.toml`.

    `known` names, for each registration of this deployment, the attributes which its Provider can tell. Of a legal
    document, `text` is its words, `revised` in seconds since the epoch. Raises `PolicyProblems` with every problem at
    once.
    """
    problems: list[str] = []
    purposes = _parse_optional_purposes(document.get("purposes", {}), problems)
    rules = parse_rules(document, problems)
    sections: dict[RegistrationId, Section] = {}
    for name, body in document.items():
        registration = RegistrationId(name)
        if name in RESERVED_NAMES:
            continue
        if registration not in known:
            problems.append(f"[{name}]: there is no registration of this name in the settings")
        elif not isinstance(body, Mapping):
            problems.append(f"[{name}]: must be a table with keep, release and clients")
        else:
            sections[registration] = _parse_section(name, body, known[registration], purposes, problems)
    if problems:
        raise PolicyProblems(tuple(problems))
    return AttributePolicy(sections=sections, purposes=purposes, **rules)


def _parse_optional_purposes(table: Any, problems: list[str]) -> dict[str, OptionalPurpose]:
    if not isinstance(table, Mapping):
        problems.append("[purposes]: must be a table of purposes")
        return {}
    purposes: dict[str, OptionalPurpose] = {}
    for name, body in table.items():
        where = f"[purposes.{name}]"
        if _PURPOSE.fullmatch(name) is None:
            problems.append(f"{where}: a name is 1 to 32 lower-case letters, digits, dashes or underscores")
        elif not isinstance(body, Mapping) or body.keys() != {"label", "purpose"}:
            problems.append(f"{where}: must have label and purpose, and nothing else")
        elif not all(map(is_sentence, body.values())):
            problems.append(f"{where}: label and purpose must be sentences")
        else:
            purposes[name] = OptionalPurpose(label=body["label"].strip(), purpose=body["purpose"].strip())
    return purposes


def _parse_section(
    name: str,
    body: Mapping[str, Any],
    known: Collection[str],
    purposes: Collection[str],
    problems: list[str],
) -> Section:
    for key in body:
        if key not in ("keep", "release", "clients"):
            problems.append(f"[{name}]: unknown key {key!r}; there are keep, release and clients")
    keep: dict[str, Keep] = {}
    for attribute, terms in _parse_terms(f"{name}.keep", body.get("keep", {}), _KEEP_TERMS, known, problems).items():
        keep[attribute] = _parse_keep(name, attribute, terms, purposes, problems)
    release: dict[str, Release] = {}
    for attribute, terms in _parse_terms(
        f"{name}.release", body.get("release", {}), _RELEASE_TERMS, known, problems
    ).items():
        release[attribute] = _parse_release(f"[{name}.release] {attribute}", terms, problems)
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


def _parse_terms(
    where: str, table: Any, keys: Collection[str], known: Collection[str], problems: list[str]
) -> dict[str, Mapping[str, Any]]:
    """Attribute -> its terms, those with a purpose; a purpose alone is short for a table with nothing else."""
    if not isinstance(table, Mapping):
        problems.append(f'[{where}]: must be a table of attribute = "purpose"')
        return {}
    found: dict[str, Mapping[str, Any]] = {}
    for attribute, written in table.items():
        terms = written if isinstance(written, Mapping) else {"purpose": written}
        if attribute in RESERVED_CLAIMS:
            problems.append(f"[{where}] {attribute}: is a reserved claim and can never be an attribute")
        elif attribute not in known:
            problems.append(f"[{where}] {attribute}: this Provider has no such attribute; it has {_listed(known)}")
        elif not is_sentence(terms.get("purpose")):
            problems.append(f"[{where}] {attribute}: its purpose must be a sentence")
        elif unknown := terms.keys() - set(keys):
            problems.append(f"[{where}] {attribute}: unknown {_listed(unknown)}; there are {', '.join(keys)}")
        else:
            found[attribute] = terms
    return found


def _parse_keep(
    name: str, attribute: str, terms: Mapping[str, Any], purposes: Collection[str], problems: list[str]
) -> Keep:
    where = f"[{name}.keep] {attribute}"
    update, days = terms.get("update", Update.EVERY), terms.get("days")
    if update not in list(Update):
        problems.append(f"{where}: update must be one of {_listed(list(Update))}")
        update = Update.EVERY
    if days is not None and not is_days(days):
        problems.append(f"{where}: days must be a number from 1 to {LONGEST_DAYS}")
    optional, correctable = terms.get("optional", False), terms.get("correctable", False)
    if isinstance(optional, str) and optional not in purposes:
        problems.append(f"{where}: optional names the purpose {optional!r}, and there is no [purposes.{optional}]")
    if not isinstance(optional, bool | str) or not isinstance(correctable, bool):
        problems.append(f"{where}: optional must be true, false or a purpose's name, correctable true or false")
    consent = optional if isinstance(optional, str) else f"{name}.{attribute}" if optional else None
    return Keep(
        purpose=terms["purpose"].strip(),
        update=Update(update),
        days=days,
        consent=consent,
        correctable=correctable is True,
    )


def _parse_release(where: str, terms: Mapping[str, Any], problems: list[str]) -> Release:
    contexts = terms.get("in", list(Context))
    if not isinstance(contexts, list) or not contexts or not all(c in list(Context) for c in contexts):
        problems.append(f"{where}: in must be a list out of {_listed(list(Context))}")
        contexts = []
    return Release(purpose=terms["purpose"].strip(), contexts=frozenset(map(Context, contexts)))


def _parse_narrowing(where: str, names: Any, wider: Collection[str], problems: list[str]) -> frozenset[str]:
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        problems.append(f"{where}: must be a list of attributes")
        return frozenset()
    for extra in sorted(set(names) - set(wider)):
        problems.append(f"{where}: {extra} is not allowed by the policy above, and a Client may only narrow")
    return frozenset(names) & frozenset(wider)


def is_sentence(value: object) -> bool:
    """Whether it is a text that says something."""
    return isinstance(value, str) and bool(value.strip())


def is_days(value: object) -> bool:
    """Whether it is a number of days, at least one."""
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LONGEST_DAYS


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"
