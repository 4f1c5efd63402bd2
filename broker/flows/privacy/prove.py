"""Owns the proof of what is kept: every row is read and every sealed value opened, and each is judged by the policy.

Refuses to change anything, and to show a value: it names the rows where something is that should not be.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from broker.domain.errors import SealBroken
from broker.domain.ids import UserId
from broker.domain.minimality import Tally, of_attributes, of_row, of_tokens, unreadable
from broker.flows.found import ConnectionInFull
from broker.flows.ports import Inventory, Ports
from broker.flows.sealed import open_attributes, open_tokens
from broker.flows.signed_document import signed

AT_ONCE = 1000
"""Rows in one read, so that a large database takes no more memory than a small one."""

Told = Callable[[Tally], Awaitable[None]]
"""Is told after each piece."""


async def prove_minimal(inventory: Inventory, ports: Ports, *, told: Told) -> dict[str, Any]:
    """The report, signed as `report+jwt`; docs/reference/minimality.md says what is in it. Raises `Fault`."""
    tally, now = Tally(), ports.clock.now()
    held = frozenset(hold.user_id for hold in await ports.store.holds())
    await _prove_connections(tally, ports, now, held, told)
    for table in inventory.tables:
        key, after = inventory.key(table), None
        while rows := await inventory.rows(table, after, AT_ONCE):
            for row in rows:
                tally.values += len(row)
                is_held = row.get("user_id") in held
                tally.add(of_row(table, key, row, ports.policy, now), held=is_held)
            tally.rows[table] += len(rows)
            tally.columns[table] = len(rows[0])
            after = [rows[-1][column] for column in key]
            await told(tally)
        tally.columns.setdefault(table, 0)
    return signed("report", _report(tally, ports, now), issuer=ports.issuer, now=now, signer=ports.signer)


async def _prove_connections(tally: Tally, ports: Ports, now: int, held: frozenset[UserId], told: Told) -> None:
    after = ""
    while batch := await ports.store.connections_after(after, AT_ONCE):
        for found in batch:
            await _prove_connection(found, tally, ports, now, held=found.connection.user_id in held)
        after = batch[-1].connection.id
        await told(tally)


async def _prove_connection(found: ConnectionInFull, tally: Tally, ports: Ports, now: int, *, held: bool) -> None:
    connection, key = found.connection, found.data_key
    allowed = ports.policy.keeps(connection.registration, found.clients, found.agreed)
    try:
        kept = await open_attributes(connection, key, ports.vault)
    except SealBroken:
        tally.add([unreadable(connection, "sealed_attributes")])
    else:
        tally.opened += connection.sealed_attributes is not None
        tally.attributes.update(f"{connection.registration}.{attribute.name}" for attribute in kept)
        tally.add(of_attributes(connection, kept, allowed, now), held=held)
    try:
        tokens = await open_tokens(connection, key, ports.vault)
    except SealBroken:
        tally.add([unreadable(connection, "sealed_tokens")])
    else:
        if tokens is not None:
            tally.opened += 1
            tally.add(of_tokens(connection, ports.policy, now), held=held)


def _report(tally: Tally, ports: Ports, now: int) -> dict[str, Any]:
    return {
        "issuer": ports.issuer,
        "created_at": now,
        "policy": ports.policy.digest(),
        "keks": list(ports.vault.keks),
        "tables": {table: {"rows": tally.rows[table], "columns": count} for table, count in tally.columns.items()},
        "rows": tally.rows.total(),
        "values": tally.values,
        "opened": tally.opened,
        "attributes": dict(tally.attributes),
        "held": tally.held,
        "outside_policy": tally.wrong.total(),
        "wrong": {wrong.value: count for wrong, count in tally.wrong.items()},
        "findings": [
            {"table": f.table, "column": f.column, "row": f.row, "wrong": f.wrong.value, "detail": f.detail}
            for f in tally.findings
        ],
    }
