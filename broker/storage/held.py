"""Owns two conditions that reads and writes of retention share: nobody is held, and of which class an event is.

Refuses to be worked out beforehand: who is held is looked up by the statement that deletes, in its own moment.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BindParameter, Column, ColumnElement, Integer, Text, and_, bindparam, literal_column, or_, select

from broker.storage.driver_sql import is_one_of
from broker.storage.tables import holds, ledger


def not_held(user_id: Column[Any]) -> ColumnElement[bool]:
    """Whether this is nobody who is held; NULL is nobody."""
    return or_(user_id.is_(None), user_id.not_in(select(holds.c.user_id)))


def of_class() -> ColumnElement[bool]:
    """Whether an event is of these `actions`, or of all `others`."""
    actions: BindParameter[str] = bindparam("actions", type_=Text)
    others: BindParameter[int] = bindparam("others", type_=Integer)
    return or_(
        and_(others == literal_column("1"), ~is_one_of(ledger.c.action, actions)),
        and_(others != literal_column("1"), is_one_of(ledger.c.action, actions)),
    )
