"""Owns what is written down about decisions: ids and codes. Refuses values, tokens and free text.

What is a person's own, such as where they signed in from, is there sealed under their key, or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.domain.ids import ApplicationId, ClientOrgId, RegistrationId, UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEvent:
    """One decision. `action` says what was asked ("sign_in.finish"), `outcome` "done", "refused" or "failed".

    `reason` is the code of the refusal or failure. When done it is "", unless there is more to say: what the Provider
    answered, what a Grant was revoked for, which error the Application that waited was told, that a value was not kept.
    `object_id` names the thing decided about, if it has an id. `released`: the names of the attributes that the
    Application was told, in order, on the `ground` that is a code too. `sealed`: an envelope under the User's data key.
    """

    at: int
    action: str
    outcome: str
    reason: str = ""
    request_id: str = ""
    user_id: UserId | None = None
    application_id: ApplicationId | None = None
    registration: RegistrationId | None = None
    client_org: ClientOrgId | None = None
    object_id: str | None = None
    released: tuple[str, ...] = ()
    ground: str = ""
    sealed: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """An event as it lies in the ledger. Ids grow, and have gaps."""

    id: int
    event: AuditEvent
