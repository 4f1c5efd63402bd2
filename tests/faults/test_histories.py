"""G21: two broker processes, sixteen who use them at random, and one who kills them: what everybody was told holds."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random

import httpx2
import pytest

from broker.crypto.ledger_heads import read_head
from broker.flows.ledger.verify import verify
from broker.storage.store import SqlStore
from tests.faults.application import Application
from tests.faults.asking import Asking
from tests.faults.browser import Browser
from tests.faults.checks import as_expected, consents_kept, nothing_lost, once_only, one_chain, over_for_good, told_once
from tests.faults.history import Line, Recorder, read_history
from tests.faults.membership import only_what_was_given, signed_by_us
from tests.faults.nemesis import Government, Nemesis
from tests.faults.pair import USERS, Pair, pair
from tests.faults.possessions import Family
from tests.faults.worker import Worker

pytestmark = pytest.mark.anyio

SEED = os.environ.get("BROKER_HISTORY_SEED", "2606")
SECONDS = float(os.environ.get("BROKER_HISTORY_SECONDS", "0"))
WORKERS, OPERATIONS = 16, 3000
EVERY_FAULT, EVERY_CHANGE = 200, 40
"""So many answers are between two faults, and between two changes of the Authorizations."""
TRIES = 5
PATIENCE = 600.0
"""Seconds more than it takes on any machine: a broker that answers nothing fails, too."""
LEDGER = "SELECT action, outcome, request_id FROM ledger"
CONNECTED = "SELECT user_id FROM connections WHERE status = 'active'"


async def test_what_everybody_was_told_holds(tmp_path: Path, postgres_url: str, artefacts: Path) -> None:
    """G21-01 to G21-04 and G21-06 to G21-08, with R1, R8 and R9, however the processes run beside each other."""
    print(f"BROKER_HISTORY_SEED={SEED}")
    with kept_when_it_fails(tmp_path, artefacts):
        async with pair(tmp_path, postgres_url) as two:
            with Recorder(tmp_path / "history.jsonl") as recorder:
                async with asyncio.timeout(SECONDS + PATIENCE):
                    await run(two, recorder)
            ledger = [Line(**row) for row in await two.rows(LEDGER)]
            connected = {row["user_id"] for row in await two.rows(CONNECTED)}
            async with SqlStore(postgres_url) as store:
                proven = await verify(store, read_head, two.issuer, None)
        history = read_history(tmp_path / "history.jsonl")
        problems = [
            *as_expected(history),
            *once_only(history),
            *one_chain(history),
            *over_for_good(history),
            *nothing_lost(history),
            *consents_kept(history),
            *only_what_was_given(history),
            *signed_by_us(history, two.issuer),
            *told_once(history, ledger),
            *proven.problems,
        ]

        assert problems == []
        assert proven.position > 0
        assert {operation.subject for operation in history} - {""} <= connected
        assert len(connected) <= len(USERS)


async def run(two: Pair, recorder: Recorder) -> None:
    """Everybody at once until it is enough; then each thing once more, at brokers that are well."""
    government = Government(two, recorder, Random(f"{SEED} government"))
    nemesis = Nemesis(two, recorder, Random(f"{SEED} nemesis"))
    ends = time.monotonic() + SECONDS

    def enough() -> bool:
        return nemesis.rounds > 0 and recorder.completed >= OPERATIONS and time.monotonic() > ends

    async with httpx2.AsyncHTTPTransport() as http, asyncio.TaskGroup() as group:
        asking = Asking(two, recorder, Random(f"{SEED} asking"), http)
        workers = [Worker(asking, Random(f"{SEED} worker {number}")) for number in range(WORKERS)]
        group.create_task(government.govern(every=EVERY_CHANGE))
        await recorder.after(1)
        await asyncio.gather(*(Application(asking).keys(number) for number in range(2)))
        group.create_task(nemesis.break_things(every=EVERY_FAULT))
        await asyncio.gather(*(worker.work(enough) for worker in workers))
        recorder.release()
        await asking.hear_out()
    async with httpx2.AsyncHTTPTransport() as http:
        asking = Asking(two, recorder, Random(f"{SEED} last"), http)
        await asyncio.gather(*(ask_once_more(asking, worker) for worker in workers))
        await asyncio.gather(*(Application(asking).keys(number) for number in range(2)))


async def ask_once_more(asking: Asking, worker: Worker) -> None:
    """After each Session and each family that it ever had, until there is an answer."""
    browser, application = Browser(asking, last=True), Application(asking, last=True)
    for session in worker.sessions:
        await until(partial(browser.look, session))
    for family in worker.families:
        if family.tokens:
            family.over = False
            await until(partial(is_known, application, family))


async def is_known(application: Application, family: Family) -> bool:
    """Whether the broker now says that a family lives, or that it does not."""
    return await application.refresh(family, family.tokens[-1]) is not None or family.over


async def until(asked: Callable[[], Awaitable[bool]]) -> None:
    """Ask again where no answer came."""
    for _ in range(TRIES):
        if await asked():
            return


@contextmanager
def kept_when_it_fails(folder: Path, artefacts: Path) -> Iterator[None]:
    """The history, and what both brokers logged, for people to look at."""
    try:
        yield
    except BaseException:
        for file in (*folder.glob("*.jsonl"), *folder.glob("broker-*.log")):
            shutil.copy(file, artefacts / file.name)
        raise
