"""Owns how two attribute policies differ: what becomes of which attribute, and for whose Users.

Refuses to count lines of a file: it compares what would be kept and released, whatever Clients a User acts for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from broker.domain.ids import ClientOrgId, RegistrationId
from broker.domain.policy import AttributePolicy, Keep, Release, Section

Terms = Keep | Release


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyDifference:
    """What becomes of one attribute, to "keep" or to "release". `before` and `after`: on which
    terms; None: not allowed.

    `others`: it holds for everybody but those who act only for Clients in `spared`. Else only for Users of `clients`.
    """

    registration: RegistrationId
    verb: str
    attribute: str
    before: Terms | None
    after: Terms | None
    others: bool
    clients: tuple[ClientOrgId, ...]
    spared: tuple[ClientOrgId, ...]

    @property
    def widens(self) -> bool:
        """Whether somebody would have more kept or released, longer, or for another purpose than they were told."""
        if isinstance(self.before, Keep) and isinstance(self.after, Keep):
            return self.after.exceeds(self.before)
        if isinstance(self.before, Release) and isinstance(self.after, Release):
            return self.after.exceeds(self.before)
        return self.after is not None

    @property
    def sign(self) -> str:
        """ "+" allowed now, "-" no longer, "~" on other terms."""
        return "+" if self.before is None else "-" if self.after is None else "~"

    @property
    def whose(self) -> str:
        """For whom, in words."""
        if not self.others:
            return f"for Users of {', '.join(self.clients)}"
        return "for everybody" + (f" but Users of {', '.join(self.spared)}" if self.spared else "")

    def __str__(self) -> str:
        terms = " -> ".join(str(terms) for terms in (self.before, self.after) if terms is not None)
        return f"{self.sign} [{self.registration}.{self.verb}] {self.attribute} {self.whose}: {terms}"


def differences(old: AttributePolicy, new: AttributePolicy) -> tuple[PolicyDifference, ...]:
    """Everything that changes for anybody, the registrations in their order; empty when nothing does.

    It is enough to look at one Client at a time. What is kept for several is what one of them allows, and what is
    released for several is what each of them allows: more for several is more for one of them.
    """
    registrations = dict.fromkeys((*old.sections, *new.sections))
    return tuple(
        difference
        for registration in registrations
        for verb, allowed in _VERBS.items()
        for difference in _of_verb(registration, verb, allowed, old, new)
    )


_Allowed = Callable[[AttributePolicy, RegistrationId, tuple[ClientOrgId, ...]], Mapping[str, Terms]]
_VERBS: Mapping[str, _Allowed] = {"keep": AttributePolicy.keeps, "release": AttributePolicy.releases}


def _of_verb(
    registration: RegistrationId, verb: str, allowed: _Allowed, old: AttributePolicy, new: AttributePolicy
) -> list[PolicyDifference]:
    named = _narrowed(old.sections.get(registration)) | _narrowed(new.sections.get(registration))
    # None: whoever acts for no Client, or for one that neither policy narrows. To both, the section gives the same.
    audiences: tuple[ClientOrgId | None, ...] = (None, *sorted(named))
    found: dict[tuple[str, Terms | None, Terms | None], list[ClientOrgId | None]] = {}
    for client_org in audiences:
        clients = () if client_org is None else (client_org,)
        before, after = (allowed(policy, registration, clients) for policy in (old, new))
        for attribute in dict.fromkeys((*before, *after)):
            change = (before.get(attribute), after.get(attribute))
            if change[0] != change[1]:
                found.setdefault((attribute, *change), []).append(client_org)
    return [
        PolicyDifference(
            registration=registration,
            verb=verb,
            attribute=attribute,
            before=terms_before,
            after=terms_after,
            others=None in meant,
            clients=tuple(client_org for client_org in meant if client_org is not None),
            spared=tuple(client_org for client_org in sorted(named) if client_org not in meant),
        )
        for (attribute, terms_before, terms_after), meant in found.items()
    ]


def _narrowed(section: Section | None) -> frozenset[ClientOrgId]:
    return frozenset() if section is None else frozenset(section.narrowed)
