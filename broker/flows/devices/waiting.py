"""Owns the step that the page and the answer share: which device waits behind a code, and may this User let it in?

Refuses codes that are unknown, late or answered, and tells none of these from another. Writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.application import Application
from broker.domain.client_org import rights_by_client
from broker.domain.device_request import DeviceRequest, typed_user_code
from broker.domain.errors import Refusal
from broker.domain.grant import NOT_ENTITLED, lacking, narrowed
from broker.domain.ids import ClientOrgId
from broker.flows.found import HeldAuthorizations, LiveSession
from broker.flows.ports import Ports


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceAsks:
    """A device that waits for this person. `user_code` as it shows it; `clients`: whose rights, of those held."""

    user_code: str
    request: DeviceRequest
    application: Application
    held: HeldAuthorizations
    clients: tuple[ClientOrgId, ...]


async def waiting_device(typed: str, signed_in: LiveSession, ports: Ports) -> DeviceAsks:
    """Raises `Refusal`: `unknown_user_code`, or `access_denied` where the User's Authorizations do not suffice."""
    user_code = typed_user_code(typed)
    if user_code is None:
        raise unknown_user_code("malformed")
    found = await ports.store.device_by_user_code(ports.secrets.keyed_hash("user_code", user_code))
    if found is None or not found.request.waits(ports.clock.now()):
        raise unknown_user_code("unknown" if found is None else "late or answered")
    held = await ports.store.held_authorizations(signed_in.user.id)
    rights = rights_by_client(held.authorizations, held.clients)
    detail = lacking(found.request.organization, found.application, rights)
    if detail is not None:
        raise Refusal("access_denied", NOT_ENTITLED, detail=detail)
    return DeviceAsks(
        user_code=user_code,
        request=found.request,
        application=found.application,
        held=held,
        clients=tuple(narrowed(rights, found.request.organization)),
    )


def unknown_user_code(detail: str) -> Refusal:
    """The one answer to a code behind which no device waits; `detail` is for the log."""
    return Refusal("unknown_user_code", "No device waits with this code.", detail=detail)
