"""Which URLs a database may have."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.storage.database_url import sqlite_path


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///var/broker.db", Path("var/broker.db")),
        ("sqlite:////var/lib/broker.db", Path("/var/lib/broker.db")),
        ("postgresql://broker@db/broker", None),
        ("postgresql://broker:secret@db:5432/broker?sslmode=require", None),
    ],
)
def test_two_databases_are_known(url: str, path: Path | None) -> None:
    """By the names that everybody uses."""
    assert sqlite_path(url) == path


@pytest.mark.parametrize(
    "url",
    ["", "sqlite:///", "sqlite://", "broker.db", "postgresql+asyncpg://u:secret@db/b", "mysql://u:secret@db/b"],
)
def test_anything_else_is_refused_without_repeating_it(url: str) -> None:
    """A driver's name too: which one it is is the broker's own affair."""
    with pytest.raises(ValueError, match="a database URL begins with") as refused:
        sqlite_path(url)

    assert "secret" not in str(refused.value)
