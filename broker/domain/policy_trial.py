"""Owns what the policy would make of a profile, without keeping anything: each attribute and each claim, and why.

Refuses the values of whatever the policy drops: they are in no result, not even in its repr.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from broker.domain.ids import ClientOrgId, RegistrationId
from broker.domain.policy import AttributePolicy


class Fate(StrEnum):
    """What becomes of it."""

    KEPT = "kept"
    MALFORMED = "malformed"
    NARROWED = "narrowed"
    NOT_ALLOWED = "not_allowed"
    NOT_TOLD = "not_told"
    UNKNOWN = "unknown"


_WHY = {
    Fate.MALFORMED: "the value is not one line of at most 1024 characters",
    Fate.NARROWED: "the policy names it, and none of these Clients allows it",
    Fate.NOT_ALLOWED: "the policy does not name it",
    Fate.NOT_TOLD: "may be kept, and the profile does not have it",
    Fate.UNKNOWN: "no attribute of this Provider is read from this claim",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """One attribute, or one claim that no attribute is read from. `value` only where it is kept."""

    name: str
    fate: Fate
    why: str
    value: str | None = field(default=None, repr=False)


def tried(
    policy: AttributePolicy,
    registration: RegistrationId,
    told: Mapping[str, object],
    *,
    attributes: Iterable[str],
    unread: Iterable[str] = (),
    clients: Collection[ClientOrgId] = (),
) -> tuple[Tried, ...]:
    """What is kept first, then what is not. `attributes`: all that the Provider can tell; `told`: those in the profile.

    `unread`: claims of the profile from which no attribute is read.
    """
    allowed_at_all, allowed = policy.keeps(registration), policy.keeps(registration, clients)
    selected = policy.select(registration, told, clients)
    found: list[Tried] = []
    for name in attributes:
        if name in selected.values:
            found.append(Tried(name=name, fate=Fate.KEPT, why=allowed[name].purpose, value=selected.values[name]))
        elif name in selected.malformed:
            found.append(_without_value(name, Fate.MALFORMED))
        elif name in allowed:
            found.append(_without_value(name, Fate.NOT_TOLD))
        elif told.get(name) is not None:
            found.append(_without_value(name, Fate.NARROWED if name in allowed_at_all else Fate.NOT_ALLOWED))
    found += [_without_value(claim, Fate.UNKNOWN) for claim in unread]
    return tuple(sorted(found, key=lambda one: list(Fate).index(one.fate)))


def _without_value(name: str, fate: Fate) -> Tried:
    return Tried(name=name, fate=fate, why=_WHY[fate])
