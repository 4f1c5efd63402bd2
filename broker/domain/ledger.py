"""Owns what is written down about decisions: ids and codes. Refuses values, tokens and free text."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.ids import ApplicationId, ClientOrgId, RegistrationId, UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEvent:
    """One decision. `action` says what was asked ("sign_in.finish"), `outcome` "done", "refused" or "failed".

    `reason` is the code of the refusal or failure. When done it is "", unless there is more to say: what the Provider
    answered, what a Grant was revoked for, which error the Application that waited was told, that a value was not kept.
    `object_id` names the thing decided about, if it has an id.
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
