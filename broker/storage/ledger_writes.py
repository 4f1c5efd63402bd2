"""Owns the writes to the ledger and to the chain over it, in the form of writes.py.

Refuses to delete a link: what was in the ledger can be told for good.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Text, bindparam, delete, insert, or_, select

from broker.domain import changes
from broker.domain.changes import Change
from broker.storage.driver_sql import is_one_of
from broker.storage.held import not_held, of_class
from broker.storage.kinds import Kind, Write, add, from_noun
from broker.storage.tables import ledger, ledger_heads, ledger_links

_these = select(ledger_links.c.event_id).where(
    ledger_links.c.position >= bindparam("first"), ledger_links.c.position <= bindparam("last")
)

LEDGER_WRITES: Mapping[type[Change], Write] = {
    changes.Record: add(ledger, "event"),
    changes.AddLink: Write(
        kind=Kind.APPEND, statement=insert(ledger_links).values(from_noun("link", ledger_links.columns))
    ),
    changes.AddLedgerHead: Write(
        kind=Kind.ADD,
        statement=insert(ledger_heads).values({column: bindparam(column.name) for column in ledger_heads.columns}),
    ),
    changes.PruneLedger: Write(
        kind=Kind.SET,
        statement=delete(ledger).where(
            ledger.c.id.in_(_these),
            ledger.c.at <= bindparam("before"),
            or_(ledger.c.user_id.is_(None), ~is_one_of(ledger.c.user_id, bindparam("spared", type_=Text))),
            of_class(),
            not_held(ledger.c.user_id),
        ),
    ),
}
