"""Owns the writes about keys that sign, and what the keyring is recognised by, in the form of writes.py."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnClause, bindparam, delete, func, insert, literal_column, or_, update

from broker.domain import changes
from broker.domain.changes import Change
from broker.storage.kinds import Kind, Write, add, compare_and_set
from broker.storage.tables import key_checks, signing_keys

_TRUE: ColumnClause[int] = literal_column("1")
_FALSE: ColumnClause[int] = literal_column("0")
_this_key = signing_keys.c.kid == bindparam("kid")
_no_bytes = func.substr(signing_keys.c.sealed_private, _TRUE, _FALSE)

KEY_WRITES: Mapping[type[Change], Write] = {
    changes.AddSigningKey: add(signing_keys, "key"),
    changes.PromoteSigningKey: compare_and_set(
        update(signing_keys)
        .where(
            _this_key,
            signing_keys.c.active == _FALSE,
            signing_keys.c.retired_at.is_(None),
            signing_keys.c.revoked_at.is_(None),
        )
        .values(active=_TRUE, activated_at=bindparam("at"))
    ),
    changes.RetireSigningKey: compare_and_set(
        update(signing_keys)
        .where(_this_key, signing_keys.c.retired_at.is_(None), signing_keys.c.revoked_at.is_(None))
        .values(active=_FALSE, retired_at=bindparam("at"))
    ),
    changes.RevokeSigningKey: compare_and_set(
        update(signing_keys)
        .where(_this_key, signing_keys.c.revoked_at.is_(None))
        .values(active=_FALSE, revoked_at=bindparam("at"), sealed_private=_no_bytes)
    ),
    changes.RemoveSigningKey: Write(
        kind=Kind.USE_UP,
        statement=delete(signing_keys).where(
            _this_key, or_(signing_keys.c.retired_at.is_not(None), signing_keys.c.revoked_at.is_not(None))
        ),
    ),
    changes.AddKeyCheck: Write(
        kind=Kind.ADD, statement=insert(key_checks).values(name=bindparam("name"), value=bindparam("value"))
    ),
}
"""What `WRITES` takes in."""
