"""Is the Application that asks the one that it says it is? By its secret, or by a key of its own."""

from __future__ import annotations

from typing import Any

import pytest

from broker.domain.application import Application
from broker.domain.assertion import KEPT_LONGER
from broker.domain.changes import TakeAssertion
from broker.domain.errors import OAuthRefusal
from broker.domain.ids import ApplicationId
from broker.flows.authenticated import Credentials, authenticated
from tests.flows.asserted import JWKS, assertion
from tests.flows.refusals import refusal
from tests.flows.setting import APPLICATIONS, ISSUER, NOW, SECRETS
from tests.flows.world import World

pytestmark = pytest.mark.anyio

KEYED = APPLICATIONS | {
    "reports": {name: value for name, value in APPLICATIONS["reports"].items() if name != "secret"} | {"jwks": JWKS},
    "crm": APPLICATIONS["crm"] | {"jwks": JWKS},
}


async def proven(world: World, application: str = "reports", *, by: str | None = None, **changes: Any) -> Application:
    """By an assertion that holds, but for the changes."""
    proof = by or assertion(application, ISSUER, world.clock.now(), **changes)
    credentials = Credentials(application_id=ApplicationId(application), secret=None, assertion=proof)
    return await authenticated(credentials, None, world.ports)


async def test_a_key_will_do(world: World) -> None:
    """Of it only a keyed hash of its name stays, until no process would take it any more."""
    await world.declare(applications=KEYED)
    world.forget()

    assert (await proven(world)).id == "reports"
    (change,) = world.written
    assert isinstance(change, TakeAssertion)
    assert change.expires_at == NOW + 60 + KEPT_LONGER
    assert len(change.assertion) == 64


async def test_it_works_once(world: World) -> None:
    """G10-03: the name is what counts, so that nothing comes of signing it again either."""
    await world.declare(applications=KEYED)
    await proven(world)

    for exp in (NOW + 60, NOW + 120):
        with refusal(OAuthRefusal, "invalid_client"):
            await proven(world, exp=exp)
    assert (await proven(world, jti="two")).id == "reports"


async def test_each_application_has_names_of_its_own(world: World) -> None:
    """Nobody uses up another's."""
    await world.declare(applications=KEYED)

    assert (await proven(world)).id == "reports"
    assert (await proven(world, "crm")).id == "crm"


async def test_a_refused_one_is_not_used_up(world: World) -> None:
    """Nothing is written for who is not the Application."""
    await world.declare(applications=KEYED)
    world.forget()
    bent: list[dict[str, Any]] = [{"aud": [ISSUER]}, {"sub": "crm"}, {"exp": NOW}, {"jti": ...}]
    for changes in bent:
        with refusal(OAuthRefusal, "invalid_client"):
            await proven(world, **changes)
    with refusal(OAuthRefusal, "invalid_client"):
        await proven(world, by="a.b.c")

    assert world.written == []
    assert (await proven(world)).id == "reports"


@pytest.mark.parametrize("application", ["demo-app", "robot", "nobody"])
async def test_who_has_no_key_cannot_use_one(world: World, application: str) -> None:
    """Public, with a secret only, unknown."""
    await world.declare(applications=KEYED)

    with refusal(OAuthRefusal, "invalid_client"):
        await proven(world, application)


async def test_with_a_key_alone_no_secret_is_good(world: World) -> None:
    """Not the one it had, none, nor an empty one."""
    await world.declare(applications=KEYED)

    for secret in (SECRETS["reports"], "", None):
        with refusal(OAuthRefusal, "invalid_client"):
            await authenticated(world.credentials("reports", secret=secret or None), None, world.ports)


async def test_both_are_good_while_it_changes_over(world: World) -> None:
    """Its secret goes when the operator takes it out."""
    await world.declare(applications=KEYED)

    assert (await proven(world, "crm")).id == "crm"
    assert (await authenticated(world.credentials("crm"), None, world.ports)).id == "crm"


def test_proofs_are_not_shown() -> None:
    """In a log, say."""
    assert "canary" not in repr(Credentials(application_id=ApplicationId("x"), secret="canary", assertion="canary"))
