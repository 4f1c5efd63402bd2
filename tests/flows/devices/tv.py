"""A television of Ada's, without a browser, and the Applications on it: one of ours, one of somebody else's."""

from __future__ import annotations

from typing import Any

from broker.domain.ids import ApplicationId
from broker.flows.authenticated import Credentials
from broker.flows.devices.answer import answer_device
from broker.flows.devices.begin import DeviceAuthorization, begin_device
from broker.flows.devices.poll import poll
from broker.flows.devices.waiting import DeviceAsks
from broker.flows.found import LiveSession
from broker.flows.issued import Tokens
from broker.flows.possession import SentProof
from tests.flows.setting import APPLICATIONS
from tests.flows.world import World

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
_TV = {
    "name": "Demo on TV",
    "type": "public",
    "grants": [DEVICE_CODE, "refresh_token"],
    "audience": "https://api.partner-ops.example",
    "first_party": True,
}
DEVICES: dict[str, Any] = {
    "tv": _TV,
    "gated-tv": _TV | {"requires_authorization": True},
    "films": _TV | {"name": "Films", "first_party": False, "grants": [DEVICE_CODE]},
    "box": _TV | {"type": "confidential", "secret": "box-secret-canary"},
}
SECRETS = {"box": "box-secret-canary"}


class Tv:
    """It begins, shows its code, and asks until it is let in."""

    def __init__(self, world: World, application: str = "tv") -> None:
        self.world = world
        self.credentials = Credentials(application_id=ApplicationId(application), secret=SECRETS.get(application))

    async def begin(self, scope: str | None = "openid email", organization: str | None = None) -> DeviceAuthorization:
        return await begin_device(self.credentials, scope, organization, self.world.ports)

    async def poll(self, begun: DeviceAuthorization, *, after: int = 0, proof: SentProof | None = None) -> Tokens:
        """Ask, so many seconds later."""
        self.world.clock.advance(after)
        return await poll(self.credentials, begun.device_code, proof, self.world.ports, request_id="req-poll")

    async def answer(self, begun: DeviceAuthorization, by: LiveSession, *, allow: bool = True) -> DeviceAsks:
        """Somebody types the code, and answers."""
        return await answer_device(begun.user_code, by, self.world.ports, allow=allow, request_id="req-answer")


async def declare_devices(world: World) -> None:
    """`broker apply`, with these Applications beside the others."""
    await world.declare(applications=APPLICATIONS | DEVICES)
    world.forget()
