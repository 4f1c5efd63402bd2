"""What is acknowledged has its line in the ledger, in the same write: no flow, and nothing else, may forget it."""

from __future__ import annotations

import ast
import re
from typing import get_args

import pytest

from broker.domain import changes as c
from broker.domain.changes import Change
from broker.flows.connections.revoke import revoke
from broker.storage import upkeep
from tests.fakes.complete import WITHOUT_EVENT, NotRecorded, require_event
from tests.fakes.store import MemoryStore
from tests.flows.setting import ADA
from tests.flows.world import World
from tests.rules.tree import product_modules, text, told, tree
from tests.storage import world as w

pytestmark = pytest.mark.anyio

FORGETFUL = """
async def forgets(store, change):
    await store.write(change)
"""


async def by_a_flow(store: MemoryStore, change: Change) -> None:
    """As a flow would write it that has forgotten the ledger."""
    names: dict[str, object] = {"__name__": "broker.flows.forgetful"}
    exec(FORGETFUL, names)
    await names["forgets"](store, change)  # type: ignore[operator]


def test_what_needs_no_line_says_why() -> None:
    """Every other Change needs one, also those to come."""
    assert set(WITHOUT_EVENT) < set(get_args(Change))
    assert all(len(reason) > 20 for reason in WITHOUT_EVENT.values())


@pytest.mark.parametrize("change", [c.AddUser(user=w.user()), c.PutConsent(consent=w.consent())], ids=repr)
async def test_a_flow_that_forgets_the_ledger_fails_its_tests(change: Change) -> None:
    """The in-memory store, on which every flow is tested, refuses it; what tests write themselves it takes."""
    with pytest.raises(NotRecorded, match=type(change).__name__):
        await by_a_flow(MemoryStore(), change)
    require_event([change])


async def test_a_line_in_another_write_is_none(world: World) -> None:
    """A flow that is stopped between the two has changed something which nobody can account for."""
    await world.signed_in(ADA)
    connection = (await world.connection()).connection
    before = len(world.store.writes)
    await revoke(connection.id, connection.user_id, world.ports, request_id="req")

    (changes,) = world.store.writes[before:]
    assert sum(isinstance(change, c.Record) for change in changes) == 1


def test_nothing_but_the_store_writes() -> None:
    """Flows write by `write` alone; beside that there are leases, and what is forgotten, which has its own lines."""
    found = set()
    for path in (path for path in product_modules() if "self.engine" in text(path)):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and re.fullmatch(r"self\.engine\.(write|change)", ast.unparse(node.func)):
                found.add((told(path), ast.unparse(node)))

    assert found == {
        ("broker/storage/store.py", "self.engine.write(changes)"),
        ("broker/storage/store.py", "self.engine.change(statement, note=note, **times)"),
        (
            "broker/storage/store.py",
            "self.engine.change(upkeep.TAKE_LEASE, name=name, holder=holder, expires_at=now + seconds, now=now)",
        ),
    }
    without_line = [str(statement.table) for statement, note in upkeep.FORGET if note is None]
    assert without_line == ["leases"]
