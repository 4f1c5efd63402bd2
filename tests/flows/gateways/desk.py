"""The service desk, an Application behind a gateway, and Ada's way to it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from broker.domain.application import Application
from broker.domain.ids import ApplicationId
from broker.flows.authenticated import Credentials
from broker.flows.gateway_application import gateway_application
from broker.flows.gateways.check import Admitted, Shown, check
from broker.flows.gateways.come_back import Answer, Arrival, come_back
from broker.flows.gateways.start import Departure, start
from broker.flows.ports import Ports
from broker.flows.sign_in.authorize import Answered, authorize
from broker.flows.tokens.redeem import Redemption, redeem
from tests.flows.setting import ADA, APPLICATIONS
from tests.flows.texts import answer_of
from tests.flows.world import World

DESK, BOARD = ApplicationId("desk"), ApplicationId("board")
DECLARED: dict[str, Any] = APPLICATIONS | {
    name: {
        "name": name.title(),
        "type": "public",
        "redirect_uris": [f"https://{name}.example/.partner-ops/callback"],
        "audience": f"https://{name}.example",
        "first_party": True,
        "gateway": True,
    }
    for name in (DESK, BOARD)
}


async def desk(world: World) -> Application:
    """Declared, and found again."""
    await world.declare(applications=DECLARED)
    return await gateway_application(DESK, world.ports)


async def answered(world: World, departure: Departure, **changes: str | None) -> dict[str, str]:
    """The broker's answer to a departure of Ada's, who has just signed in."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(departure.url).query).items()}
    parameters = {name: [value] for name, value in (asked | changes).items() if value is not None}
    answer = await authorize(parameters, await world.signed_in(ADA), world.ports, request_id="req-authorize")
    assert isinstance(answer, Answered)
    return answer_of(answer.url)


async def arrival(world: World, departure: Departure, **changes: str | None) -> Arrival:
    """Back with a code, which is redeemed."""
    application = await gateway_application(DESK, world.ports)
    answer = await answered(world, departure, **changes)
    told = Answer(state=answer["state"], code=answer["code"], error=None, iss=answer["iss"])
    arrived = await come_back(application, told, departure.cookie, world.ports)
    await redeem(
        Credentials(application_id=DESK, secret=None),
        Redemption(code=arrived.code, redirect_uri=application.redirect_uris[0], code_verifier=arrived.code_verifier),
        None,
        world.ports,
        request_id="req-redeem",
    )
    return arrived


async def a_pass(world: World, *, organization: str | None = None, **changes: str | None) -> str:
    """What admits Ada's browser to the desk."""
    departure = start(await desk(world), "/", organization, world.ports)
    return (await arrival(world, departure, **changes)).cookie


async def ask(
    world: World,
    *,
    cookie: str | None = None,
    bearer: str | None = None,
    application: ApplicationId = DESK,
    host_only: bool = True,
    ports: Ports | None = None,
) -> Admitted:
    """As the gateway does."""
    return await check(application, Shown(bearer=bearer, cookie=cookie, host_only=host_only), ports or world.ports)


async def no_gateway_any_more(world: World) -> None:
    """The operator declares the desk without one."""
    await world.declare(applications=DECLARED | {DESK: DECLARED[DESK] | {"gateway": False}})
