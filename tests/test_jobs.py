"""What runs by the clock: how often a purge really goes through everything, and what it tells the operator."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from broker.crypto.current_keys import CurrentKeys
from broker.domain.errors import Fault
from broker.flows.privacy.purge import LEASE, LEASE_SECONDS
from broker.jobs import PURGE_AGAIN, PURGE_EVERY, Job, jobs_of
from broker.web.measure import Measures
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, GRACE, NOW, POLICY
from tests.flows.world import World, open_world
from tests.world.log import captured

pytestmark = pytest.mark.anyio

TIGHTER = {"google": {"keep": {"email": "Contact address"}}, "corp": POLICY["corp"]}


@pytest.fixture
async def world() -> World:
    """A broker of one's own, with nobody in it."""
    return await open_world()


def purge_job(world: World, measures: Measures, document: Mapping[str, Any] = TIGHTER) -> Job:
    """That of a process which knows this policy."""
    ports = world.with_policy(document)
    keys = CurrentKeys(world.signer, ports.store, ports.vault, lambda: None)
    jobs = jobs_of(ports, measures, keys, algorithm="ES256", key_age=86400)
    return next(job for job in jobs if job.name == "purge")


def counted(measures: Measures) -> float:
    """What the metric says."""
    (number,) = re.findall(r"^broker_attributes_purged_total (\S+)$", measures.text().decode(), re.MULTILINE)
    return float(number)


def looked(world: World) -> bool:
    """Whether the Connections were gone through since `forget`."""
    return "connections_keeping" in {call[0] for call in world.store.received}


async def test_a_purge_runs_at_the_start_and_then_seldom(world: World) -> None:
    """Between two of them nothing is even looked at; what an older process kept meanwhile goes with the next."""
    measures = Measures()
    job = purge_job(world, measures)
    await world.signed_in(ADA)
    assert (await job.run(), counted(measures), job.every) == (1, 1.0, PURGE_EVERY)

    await world.sign_in(ADA)  # at a process with the older policy
    world.forget()
    world.clock.advance(PURGE_AGAIN - 1)
    assert (await job.run(), looked(world)) == (0, False)
    world.clock.advance(1)
    assert (await job.run(), counted(measures)) == (1, 2.0)
    assert [attribute.name for attribute in await world.kept()] == ["email"]


async def test_a_process_that_finds_another_at_it_comes_back_soon(world: World) -> None:
    """The other one may know an older policy."""
    job = purge_job(world, Measures())
    await world.signed_in(ADA)
    await world.store.take_lease(LEASE, "another", NOW, LEASE_SECONDS)
    assert await job.run() == 0

    world.clock.advance(LEASE_SECONDS)
    assert await job.run() == 1


async def test_a_purge_that_failed_is_tried_again_soon(world: World) -> None:
    """Not after six hours."""
    job = purge_job(world, Measures())
    await world.signed_in(ADA)
    world.store.stop_before("write")
    with refusal(Fault, "storage_unavailable"):
        await job.run()
    world.store.down = False

    assert await job.run() == 1


async def test_what_does_not_open_is_told_to_the_operator(world: World) -> None:
    """By the id of the first Connection, and by nothing that is in it."""
    await world.signed_in(GRACE)
    damaged = await world.damage(GRACE, sealed_attributes=b"\x01\x01damaged")
    with captured() as log:
        await purge_job(world, Measures()).run()

    (line,) = map(json.loads, log.text.splitlines())
    assert (line["event"], line["unreadable"], line["first"]) == ("purge", 1, damaged.id)
    assert line.keys() == {"event", "level", "timestamp", "unreadable", "first"}
