"""The PostgreSQL of the tests."""

from __future__ import annotations

import asyncpg
import pytest

from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.anyio


async def _tables(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return [row["tablename"] for row in rows]
    finally:
        await connection.close()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("turn", [1, 2])
async def test_every_test_gets_an_empty_database(postgres_url: str, turn: int) -> None:
    """What one test creates, the next does not see."""
    assert await _tables(postgres_url) == []

    await _execute(postgres_url, f"CREATE TABLE left_by_turn_{turn} (id integer)")

    assert await _tables(postgres_url) == [f"left_by_turn_{turn}"]


async def test_a_database_can_be_copied(worker_postgres: PostgresServer, postgres_url: str) -> None:
    """A migrated database serves as a template, so that a test does not migrate again."""
    await _execute(postgres_url, "CREATE TABLE migrated (id integer)")

    copy = worker_postgres.create_database(template=postgres_url.rsplit("/", 1)[1])
    try:
        assert await _tables(worker_postgres.url(copy)) == ["migrated"]
    finally:
        worker_postgres.drop_database(copy)


async def test_a_connection_left_open_does_not_keep_a_database_alive(worker_postgres: PostgresServer) -> None:
    """Dropping ends what a test forgot to close."""
    name = worker_postgres.create_database()
    connection = await asyncpg.connect(worker_postgres.url(name))

    worker_postgres.drop_database(name)

    with pytest.raises(asyncpg.exceptions.PostgresConnectionError):
        await connection.fetch("SELECT 1")
    connection.terminate()


async def test_the_password_is_asked_for(worker_postgres: PostgresServer, postgres_url: str) -> None:
    """Other people's processes on a developer's machine stay outside."""
    with pytest.raises(asyncpg.exceptions.InvalidPasswordError):
        await asyncpg.connect(postgres_url.replace(worker_postgres.password, "guess"))


def test_the_password_has_no_repr(worker_postgres: PostgresServer) -> None:
    """A failing test's report does not print it."""
    assert worker_postgres.password not in repr(worker_postgres)
