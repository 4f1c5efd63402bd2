"""What runs by the clock: how often a purge goes through everything, and that no Application waits for another."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from broker.crypto.current_keys import CurrentKeys
from broker.domain.changes import EndSession
from broker.domain.errors import Fault
from broker.domain.logout import LogoutResult
from broker.flows.privacy.purge import LEASE, LEASE_SECONDS
from broker.flows.privacy.retain import LEASE as RETENTION
from broker.jobs import PURGE_AGAIN, PURGE_EVERY, Job, by_the_clock, jobs_of
from broker.web.measure import Measures
from tests.fakes.applications import ScriptedApplications
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, APPLICATIONS, GRACE, NOW, POLICY
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
    jobs = jobs_of(ports, ScriptedApplications(), measures, keys, algorithm="ES256", key_age=86400)
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


URLS = {name: f"https://{name}.example/logout" for name in ("demo-app", "reports")}


async def both_to_tell(world: World) -> None:
    """Ada was at two Applications, and has signed out of both."""
    told = {name: APPLICATIONS[name] | {"backchannel_logout_uri": url} for name, url in URLS.items()}
    await world.declare(applications=APPLICATIONS | told)
    for name in URLS:
        await world.redeem(await world.code(application=name), name)
    for session in list(world.store.tables.sessions.values()):
        await world.store.write(EndSession(session_id=session.id, user_id=session.user_id, at=NOW))


async def until(condition: Callable[[], object]) -> None:
    """Let everything else run until it holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.01)


def tries(measures: Measures, result: str) -> int:
    """What the metric says."""
    found = re.findall(
        rf'^broker_logouts_told_total{{result="{result}"}} (\S+)$', measures.text().decode(), re.MULTILINE
    )
    return int(float(found[0])) if found else 0


async def test_an_application_that_hangs_delays_no_other(world: World) -> None:
    """G12-07: nor does a store that is away for a moment end the job, or cut short what was begun."""
    applications, measures = ScriptedApplications(), Measures()
    hung = applications.slow[URLS["demo-app"]] = asyncio.Event()
    keys = CurrentKeys(world.signer, world.store, world.ports.vault, lambda: None)
    jobs = jobs_of(world.ports, applications, measures, keys, algorithm="ES256", key_age=86400)
    await both_to_tell(world)
    with captured() as log:
        async with by_the_clock(*(job for job in jobs if job.name == "deliver_logouts")):
            await until(lambda: tries(measures, "delivered") == 1)
            assert sorted(url for url, _ in applications.told) == sorted(URLS.values())
            world.store.down = True
            await until(lambda: "storage_unavailable" in log.text)
            hung.set()  # and what was delivered cannot be written down
            await until(lambda: log.text.count("storage_unavailable") >= 2)
            world.store.down = False
            applications.answers[URLS["demo-app"]] = LogoutResult.PENDING
            world.clock.advance(60)
            await until(lambda: "application does not answer" in log.text)
            applications.slow[URLS["demo-app"]] = asyncio.Event()
            world.clock.advance(60)
            await until(lambda: len(applications.told) == 4)

    assert (tries(measures, "delivered"), tries(measures, "pending")) == (1, 1)
    assert [task for task in asyncio.all_tasks() if "_tell_of_logouts" in repr(task.get_coro())] == []


def job_of(world: World, name: str) -> Job:
    """One that every process does."""
    keys = CurrentKeys(world.signer, world.ports.store, world.ports.vault, lambda: None)
    jobs = jobs_of(world.ports, ScriptedApplications(), Measures(), keys, algorithm="ES256", key_age=86400)
    return next(job for job in jobs if job.name == name)


async def test_the_ledger_is_chained_and_its_end_signed_into_the_log(world: World) -> None:
    """Once for each end; of the chaining itself nothing is told, as it never ends."""
    chains, signs = job_of(world, "chain_ledger"), job_of(world, "sign_ledger_head")
    with captured() as log:
        assert [await signs.run(), await chains.run(), await signs.run(), await signs.run()] == [0, 0, 0, 0]
    lines = [json.loads(line) for line in log.text.splitlines()]
    head = await world.store.last_head()

    assert head is not None
    assert head.position == len(world.store.tables.ledger)
    assert [(line["event"], line["position"], line["signed"]) for line in lines] == [
        ("ledger head", head.position, head.signed)
    ]


def removed(measures: Measures) -> dict[str, int]:
    """What the metric says, of what there was any of."""
    found = re.findall(r'^broker_retention_removed_total{kind="(\w+)"} (\S+)$', measures.text().decode(), re.MULTILINE)
    return {kind: int(float(number)) for kind, number in found if float(number)}


def retention_job(world: World, measures: Measures) -> Job:
    """That of a process which has tokens go after a day."""
    ports = world.with_policy(POLICY | {"retention": {"idle_tokens": 1}})
    keys = CurrentKeys(world.signer, ports.store, ports.vault, lambda: None)
    jobs = jobs_of(ports, ScriptedApplications(), measures, keys, algorithm="ES256", key_age=86400)
    return next(job for job in jobs if job.name == "retention")


async def test_what_is_over_goes_soon_after_the_start_and_then_seldom(world: World) -> None:
    """And is counted by its kind."""
    measures = Measures()
    job = retention_job(world, measures)
    await world.signed_in(ADA)
    await world.signed_in(GRACE)
    assert (await job.run(), removed(measures)) == (0, {})
    world.clock.advance(86400)
    assert (await job.run(), removed(measures)) == (2, {"tokens": 2})
    world.forget()
    world.clock.advance(PURGE_AGAIN - 1)
    assert (await job.run(), world.store.received) == (0, [])


async def test_a_retention_that_another_process_is_at_comes_back_soon(world: World) -> None:
    """That one may know an older policy. What does not open is told, by the first Connection's id."""
    measures = Measures()
    job = retention_job(world, measures)
    await world.signed_in(ADA)
    await world.signed_in(GRACE)
    damaged = await world.damage(GRACE, sealed_attributes=b"\x01\x01damaged")
    world.clock.advance(86400)
    await world.store.take_lease(RETENTION, "another", world.clock.now(), LEASE_SECONDS)
    assert await job.run() == 0
    world.clock.advance(LEASE_SECONDS)
    with captured() as log:
        assert await job.run() == 1

    (line,) = map(json.loads, log.text.splitlines())
    assert (line["event"], line["unreadable"], line["first"]) == ("retention", 1, damaged.id)
