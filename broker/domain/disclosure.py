"""Owns disclosures: which of a User's attributes an Application was told, and when that is worth a line of the ledger.

Refuses values: an attribute is a name here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from broker.domain import scope
from broker.domain.application import Application
from broker.domain.grant import Grant
from broker.domain.ids import ApplicationId, ClientOrgId, GrantId, RegistrationId

CONSENT = "consent"
FIRST_PARTY = "first_party"
"""Grounds: the User allowed it, or the Application is Partner Ops' own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Disclosure:
    """What an Application was told of a User, from this moment on and until it is told something else.

    `policy`: the content hash of the attribute policy in force then; "" where none was noted before.
    """

    at: int
    application_id: ApplicationId
    registration: RegistrationId | None
    client_org: ClientOrgId | None
    grant_id: GrantId
    attributes: tuple[str, ...]
    ground: str
    policy: str


def ground_of(application: Application) -> str:
    """On what ground it is told anything."""
    return FIRST_PARTY if application.first_party else CONSENT


def remembered_now(grant: Grant, told: Collection[str]) -> tuple[str, ...]:
    """What is last told under a Grant, when a token with these scopes tells `told`: of what the scopes do not cover it
    tells nothing new."""
    beyond = (name for name in grant.released if not scope.covers(grant.scopes, name))
    return tuple(sorted({*told, *beyond}))
