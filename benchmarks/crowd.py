"""Users by the hundred thousand: some who have signed in, and copies of one of them, made in bulk by the database.

Refuses to go on with another number of Users than was asked for. Copies never sign in: their hashes are nobody's.
"""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.databases import DurablePostgres
from benchmarks.driver import Load, Watched, measure
from benchmarks.scenarios import Scenario
from benchmarks.worker import Place, Worker
from broker.storage.pool import KEY_SCHEMA
from tests.servers.process import NotReady

LONGEST = 300.0
"""Seconds that the first thousand may take to sign in."""

_KEYS = f"{KEY_SCHEMA}.data_keys"
_OWNER = {"users": "id", _KEYS: "owner"}
"""The column that says whose a row is; in all other tables it is `user_id`."""


async def sign_up(place: Place, people: int, watched: Watched) -> None:
    """Everybody signs in once, for an Application with refresh tokens. Raises `NotReady`."""
    once = Scenario(name="sign_up", told="first sign-in", once=Worker.prepare_refresh, names_provider=True)
    window = await measure(place, once, Load(workers=16, seconds=LONGEST, operations=people), watched)
    if window.operations != people:
        raise NotReady(f"{window.operations} of {people} signed in: {window.errors}")


def fill(postgres: DurablePostgres, database: str, users: int) -> None:
    """Copy one User until there are `users`, and let the database look at its tables. Raises `NotReady`."""
    one, there = postgres.ask("SELECT min(user_id), (SELECT count(*) FROM users) FROM grants", database).split("|")
    if (more := users - int(there)) > 0:
        copies = (_copies(table, differ, one, more) for table, differ in _DIFFER.items())
        postgres.ask("; ".join(copies), database)
    postgres.ask("VACUUM (ANALYZE)", database)
    postgres.ask("CHECKPOINT", database)
    counts = {table: int(postgres.ask(f"SELECT count(*) FROM {table}", database)) for table in _DIFFER}
    if counts["users"] != users or min(counts.values()) < users:
        raise NotReady(f"other numbers of rows than {users}: {counts}")


def _copies(table: str, differ: Mapping[str, str], user: str, many: int) -> str:
    """One statement: `many` rows like the one that `user` has, but for the columns that `differ`."""
    columns = ", ".join(f"'{column}', {value}" for column, value in differ.items())
    owner = _OWNER.get(table, "user_id")
    return (
        f"INSERT INTO {table} SELECT copy.*"
        f" FROM (SELECT original FROM {table} original WHERE {owner} = '{user}' LIMIT 1) found,"
        f" generate_series(1, {many}) number,"
        f" LATERAL jsonb_populate_record(found.original, jsonb_build_object({columns})) copy"
    )


def _id(kind: str) -> str:
    return f"'{kind}_' || left(md5('{kind}' || number), 26)"


def _hash(kind: str) -> str:
    """As long as a keyed hash, and spread over the whole index as one."""
    return f"md5('{kind}' || number) || md5(number || '{kind}')"


_DIFFER: Mapping[str, Mapping[str, str]] = {
    "users": {"id": _id("usr")},
    _KEYS: {"id": _id("dek"), "owner": _id("usr")},
    "identities": {"id": _id("idn"), "hash": _hash("identity"), "user_id": _id("usr")},
    "connections": {"id": _id("con"), "user_id": _id("usr"), "identity_id": _id("idn")},
    "sessions": {
        "id": _id("ses"),
        "secret": _hash("session"),
        "user_id": _id("usr"),
        "connection_id": _id("con"),
    },
    "grants": {"id": _id("gnt"), "code": _hash("code"), "user_id": _id("usr"), "session_id": _id("ses")},
    "authorizations": {"id": _id("atz"), "invited_email": _hash("email"), "user_id": _id("usr")},
}
"""Table -> column -> what it is in the copy with this `number`. Those who are referred to come first."""
