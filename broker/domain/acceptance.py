"""Owns what a User has agreed to: the legal documents, each by its version, and optional things, each by its subject.

Refuses to take silence for a yes: what nobody agreed to has no row here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from broker.domain.ids import UserId
from broker.domain.legal_document import ADULT, Documents


class Accepted(StrEnum):
    """What can be accepted. `ADULT` is the person's word that they are old enough; its version is the age."""

    PRIVACY = "privacy"
    TERMS = "terms"
    ADULT = "adult"


@dataclass(frozen=True, kw_only=True, slots=True)
class Acceptance:
    """A User accepted this version. A line of history: none is ever changed."""

    user_id: UserId
    document: Accepted
    version: str
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What a User last said about a subject, which is one of `AttributePolicy.consents()`."""

    user_id: UserId
    subject: str
    agreed: bool
    at: int


def acceptances(documents: Documents, user_id: UserId, now: int) -> tuple[Acceptance, ...]:
    """Everything that is in force, accepted at once."""
    versions = {Accepted.PRIVACY: documents.privacy, Accepted.TERMS: documents.terms}
    named = {kind: document.version for kind, document in versions.items() if document is not None}
    return tuple(
        Acceptance(user_id=user_id, document=kind, version=version, at=now)
        for kind, version in {**named, Accepted.ADULT: str(ADULT)}.items()
    )
