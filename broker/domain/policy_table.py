"""Owns the attribute policy as rows to read: what is kept, from which claim, why, released how, and who leaves it out.

Refuses values: a row is about an attribute, never about a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from broker.domain.ids import ClientOrgId, RegistrationId
from broker.domain.policy import AttributePolicy
from broker.domain.scope import ATTRIBUTE_SCOPES


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyRow:
    """One attribute of one registration.

    `claim`: where its Provider tells it, steps joined by dots. `update`, `days`, `consent`, `correctable`: as in
    `Keep`. `scope` and `released_for`: what an Application has to ask for, and the purpose; None where it is not
    released. `released_in`: where it may stand. `not_kept_for`, `not_released_for`: Clients that narrow.
    """

    registration: RegistrationId
    attribute: str
    claim: str
    purpose: str
    update: str
    days: int | None
    consent: str | None
    correctable: bool
    scope: str | None
    released_for: str | None
    released_in: tuple[str, ...]
    not_kept_for: tuple[ClientOrgId, ...]
    not_released_for: tuple[ClientOrgId, ...]


def table(policy: AttributePolicy, claims: Mapping[RegistrationId, Mapping[str, str]]) -> tuple[PolicyRow, ...]:
    """Every attribute that may be kept, in the order of the file. `claims`: registration -> attribute -> claim."""
    return tuple(
        PolicyRow(
            registration=registration,
            attribute=attribute,
            claim=claims.get(registration, {}).get(attribute, attribute),
            purpose=keep.purpose,
            update=keep.update.value,
            days=keep.days,
            consent=keep.consent,
            correctable=keep.correctable,
            scope=ATTRIBUTE_SCOPES.get(attribute) if attribute in section.release else None,
            released_for=section.release[attribute].purpose if attribute in section.release else None,
            released_in=tuple(sorted(section.release[attribute].contexts)) if attribute in section.release else (),
            not_kept_for=tuple(c for c, narrowing in section.narrowed.items() if attribute not in narrowing.keep),
            not_released_for=tuple(
                c
                for c, narrowing in section.narrowed.items()
                if attribute in section.release and attribute not in narrowing.release
            ),
        )
        for registration, section in policy.sections.items()
        for attribute, keep in section.keep.items()
    )
