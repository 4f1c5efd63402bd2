"""Pushes an Application's authorize request, and brings the browser with what stands for it."""

from __future__ import annotations

from urllib.parse import parse_qs

from broker.domain.authorize_request import AuthorizeRequest, Parameters
from broker.flows.asked import asked as asked_by
from broker.flows.found import LiveSession
from broker.flows.sign_in.authorize import Answered, ConsentNeeded, SignInNeeded, authorize
from broker.flows.sign_in.push import push
from tests.flows.setting import asked
from tests.flows.world import World


async def pushed(world: World, application: str = "demo-app", **changes: str | None) -> dict[str, list[str]]:
    """The parameters that a browser comes with, once this request was pushed."""
    request_uri = await push(world.credentials(application), asked(application, **changes), None, world.ports)
    return {"client_id": [application], "request_uri": [request_uri]}


async def bring(
    world: World, parameters: Parameters | str, signed_in: LiveSession | None = None, *, allow: bool = False
) -> Answered | SignInNeeded | ConsentNeeded:
    """A browser comes with them, or with this query."""
    found = parse_qs(parameters) if isinstance(parameters, str) else parameters
    return await authorize(found, signed_in, world.ports, allow=allow, request_id="req-1")


async def request_of(world: World, parameters: Parameters) -> AuthorizeRequest:
    """The request that they stand for."""
    return (await asked_by(parameters, world.ports)).request
