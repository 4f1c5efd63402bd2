"""Owns what a User may agree to: each subject with its reasons, and the attributes that come and go with it.

Refuses to offer what the policy does not call optional: that is kept without asking, or not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from broker.domain.ids import RegistrationId
from broker.domain.policy import AttributePolicy, Keep, OptionalPurpose


@dataclass(frozen=True, kw_only=True, slots=True)
class OptionalAttribute:
    """An attribute that is kept while its User agrees, and for what."""

    registration: RegistrationId
    name: str
    keep: Keep


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """One thing to say yes or no to. `purpose` is None where an attribute is optional by itself: then it is alone."""

    subject: str
    purpose: OptionalPurpose | None
    attributes: tuple[OptionalAttribute, ...]


def options(policy: AttributePolicy, kept: Mapping[RegistrationId, Mapping[str, Keep]]) -> tuple[Option, ...]:
    """The optional purposes, then the attributes that are optional by themselves, both in the policy's order.

    `kept`: what may be kept from each account that it is about.
    """
    attributes = [
        OptionalAttribute(registration=registration, name=name, keep=keep)
        for registration, keeps in kept.items()
        for name, keep in keeps.items()
        if keep.consent is not None
    ]
    alone = dict.fromkeys(a.keep.consent for a in attributes if a.keep.consent not in policy.purposes)
    return tuple(
        Option(
            subject=subject,
            purpose=policy.purposes.get(subject),
            attributes=tuple(a for a in attributes if a.keep.consent == subject),
        )
        for subject in (*policy.purposes, *filter(None, alone))
    )


def offered(found: Collection[Option]) -> frozenset[str]:
    """The subjects that somebody was asked about: nobody can agree to anything else."""
    return frozenset(option.subject for option in found)
