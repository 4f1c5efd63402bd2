"""A browser's trip from a service behind a gateway to the broker and back."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from broker.domain.errors import NotFound, OAuthRefusal, Refusal
from broker.domain.ids import ApplicationId
from broker.flows.gateway_application import PASS, gateway_application
from broker.flows.gateways.come_back import Answer, come_back
from broker.flows.gateways.start import start
from tests.flows.gateways.desk import arrival, desk
from tests.flows.refusals import refusal
from tests.flows.setting import ISSUER
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def test_it_departs_with_an_ordinary_authorize_request(world: World) -> None:
    """Public, with PKCE; nothing is written; what is secret is in the cookie and unreadable."""
    application = await desk(world)
    world.forget()
    departure = start(application, "/reports?year=2026", "acme", world.ports)
    url = urlsplit(departure.url)
    asked = {name: values[0] for name, values in parse_qs(url.query).items()}

    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{ISSUER}/oauth/authorize"
    assert asked.pop("state") == departure.state
    assert len(asked.pop("code_challenge")) == 43
    assert asked == {
        "client_id": "desk",
        "redirect_uri": "https://desk.example/.partner-ops/callback",
        "response_type": "code",
        "scope": "openid email profile",
        "code_challenge_method": "S256",
        "organization": "acme",
    }
    assert departure.state not in departure.cookie
    assert world.written == []


@pytest.mark.parametrize(
    ("asked", "url"), [("/a?b=c", "https://desk.example/a?b=c"), ("//evil", "https://desk.example/")]
)
async def test_it_comes_back_to_where_it_was_going(world: World, asked: str, url: str) -> None:
    """On the service's own host, wherever that leads."""
    departure = start(await desk(world), asked, None, world.ports)

    assert (await arrival(world, departure)).url == url


async def test_every_other_answer_is_refused(world: World) -> None:
    """Without the cookie, with another's or a forged one; declined; failed; with an unknown code."""
    application = await desk(world)
    departure, other = (start(application, "/", None, world.ports) for _ in range(2))
    good: dict[str, Any] = {"state": departure.state, "code": "x", "error": None, "iss": ISSUER}
    for cookie, change, kind, code in (
        (None, {}, Refusal, "invalid_state"),
        ("", {}, Refusal, "invalid_state"),
        (departure.cookie[:-2], {}, Refusal, "invalid_state"),
        (other.cookie, {}, Refusal, "invalid_state"),
        (world.ports.secrets.seal_cookie(PASS, b"{}"), {}, Refusal, "invalid_state"),
        (departure.cookie, {"state": other.state}, Refusal, "invalid_state"),
        (departure.cookie, {"iss": None}, Refusal, "issuer_mismatch"),
        (departure.cookie, {"code": None, "error": "access_denied"}, Refusal, "gateway_denied"),
        (departure.cookie, {"code": None, "error": "server_error"}, Refusal, "upstream_error"),
        (departure.cookie, {}, OAuthRefusal, "invalid_grant"),
    ):
        with refusal(kind, code):
            await come_back(application, Answer(**(good | change)), cookie, world.ports)
    world.clock.advance(600)
    with refusal(Refusal, "expired_state"):
        await come_back(application, Answer(**good), departure.cookie, world.ports)


@pytest.mark.parametrize("name", ["demo-app", "nobody"])
async def test_there_is_no_way_to_what_no_gateway_guards(world: World, name: str) -> None:
    """Declared without one, or unknown."""
    await desk(world)
    with refusal(NotFound, "not_found"):
        await gateway_application(ApplicationId(name), world.ports)
