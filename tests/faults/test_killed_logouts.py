"""G12-07: a broker process that is killed after a sign-out and before an Application knows: the next one tells it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import jwt
import pytest

from broker.app import opened
from broker.domain import manifest
from broker.flows.clients.apply import apply
from tests.faults.application import Application
from tests.faults.asking import Asking
from tests.faults.browser import Browser
from tests.faults.history import Recorder
from tests.faults.pair import Pair, declared, pair
from tests.faults.possessions import Asked
from tests.security.logout_tokens import Endpoints, endpoints

pytestmark = pytest.mark.anyio

USER, APPLICATION = "user-1", "demo-app"
PATIENCE = 120.0
"""Seconds. The second try comes ten seconds after the first."""
TRIES = 20


@pytest.fixture
def heard() -> Iterator[Endpoints]:
    """What the Application hears."""
    with endpoints() as made:
        yield made


@dataclass(kw_only=True)
class Scene:
    """Of the two processes the first is up, and the second, which is to come after it, is not."""

    two: Pair
    asking: Asking

    async def sign_out(self) -> str:
        """Somebody signs in for the Application, and out; the `sid` that this ended."""
        browser, asked = Browser(self.asking), Asked(application=APPLICATION)
        trip = await browser.begin(USER, asked)
        assert trip is not None
        session, family = await browser.sign_in(USER, asked, trip)
        assert session is not None and family is not None
        await Application(self.asking).redeem(family)
        assert await browser.look(session)
        await browser.sign_out(session)
        assert session.over
        return str(jwt.decode(family.jwt, options={"verify_signature": False})["sid"])

    async def pending(self, sid: str) -> dict[str, Any]:
        """What is written down about that, past the broker."""
        (row,) = await self.two.rows(f"SELECT tries, result FROM pending_logouts WHERE about = '{sid}'")
        return row

    async def is_delivered(self, sid: str) -> None:
        """Wait until it is."""
        async with asyncio.timeout(PATIENCE):
            while (await self.pending(sid))["result"] != "delivered":  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.05)


@pytest.fixture
async def scene(tmp_path: Path, postgres_url: str, heard: Endpoints) -> AsyncIterator[Scene]:
    async with pair(tmp_path, postgres_url) as two, httpx2.AsyncHTTPTransport() as http:
        two.kill(1)
        document = declared({USER: {"acme": ["reports:read"]}})
        document["applications"][APPLICATION]["backchannel_logout_uri"] = f"{heard.url}/{APPLICATION}"
        async with opened(two.settings) as edges:
            await apply(manifest.parse(document), edges.ports, dry_run=False)
        with Recorder(tmp_path / "history.jsonl") as recorder:
            yield Scene(two=two, asking=Asking(two, recorder, Random(1), http))


def told(heard: Endpoints, sid: str) -> int:
    """How often the Application was told of this."""
    tokens = heard.tokens.get(APPLICATION, [])
    return [jwt.decode(token, options={"verify_signature": False})["sid"] for token in tokens].count(sid)


async def test_who_was_killed_before_telling_has_left_it_to_the_next(scene: Scene, heard: Endpoints) -> None:
    """The answer to the person was on its way, so the end is in the database, and with it whom to tell of it."""
    for _ in range(TRIES):
        sid = await scene.sign_out()
        scene.two.kill(0)
        if (await scene.pending(sid))["tries"] == 0:
            break
        await scene.two.start(0)  # it was quicker
    assert (await scene.pending(sid), told(heard, sid)) == ({"tries": 0, "result": "pending"}, 0)

    await scene.two.start(1)
    await scene.is_delivered(sid)
    assert told(heard, sid) == 1


async def test_who_was_killed_while_telling_is_followed_by_another(scene: Scene, heard: Endpoints) -> None:
    """Nobody knows then whether it was heard, so it is told again: by the process that is there."""
    heard.hanging.add(APPLICATION)
    sid = await scene.sign_out()
    async with asyncio.timeout(PATIENCE):
        while told(heard, sid) == 0:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.02)
    scene.two.kill(0)
    assert await scene.pending(sid) == {"tries": 1, "result": "pending"}
    heard.release.set()

    await scene.two.start(1)
    await scene.is_delivered(sid)
    assert (told(heard, sid), (await scene.pending(sid))["tries"]) == (2, 2)
