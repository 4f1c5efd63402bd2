"""The memory of unwrapped data keys: bounded in number and in time."""

from __future__ import annotations

from dataclasses import dataclass, replace

from broker.crypto.unwrapped import UnwrappedKeys
from broker.domain.ids import DataKeyId
from broker.domain.sealing import WrappedKey


@dataclass
class Watch:
    """A clock that is set by hand."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def row(number: int = 1) -> WrappedKey:
    """A User's row."""
    return WrappedKey(
        id=DataKeyId(f"dek_{number}"), owner=f"usr_{number}", kek_id="local:main:1", wrapped=b"w", created_at=0
    )


def test_a_key_is_found_by_its_whole_row() -> None:
    """A row that differs in anything is not the one it was unwrapped from."""
    keys = UnwrappedKeys()
    keys.keep(row(), b"key")

    assert keys.find(row()) == b"key"
    for other in (
        row(2),
        replace(row(), wrapped=b"v"),
        replace(row(), kek_id="local:main:2"),
        replace(row(), owner="x"),
    ):
        assert keys.find(other) is None


def test_the_one_that_rested_longest_makes_room() -> None:
    """Never more than there is room for."""
    keys = UnwrappedKeys(many=2)
    keys.keep(row(1), b"1")
    keys.keep(row(2), b"2")
    assert keys.find(row(1)) == b"1"
    keys.keep(row(3), b"3")

    assert [keys.find(row(n)) for n in (1, 2, 3)] == [b"1", None, b"3"]
    assert len(keys) == 2


def test_no_room_is_no_memory() -> None:
    """Nothing is kept."""
    keys = UnwrappedKeys(many=0)
    keys.keep(row(), b"key")

    assert keys.find(row()) is None


def test_time_runs_from_unwrapping_not_from_use() -> None:
    """What is used all day must be unwrapped again and again, or a KEK could never be taken away."""
    watch = Watch()
    keys = UnwrappedKeys(seconds=300.0, monotonic=watch)
    keys.keep(row(), b"key")
    for watch.now in (100.0, 200.0, 299.0):
        assert keys.find(row()) == b"key"
    watch.now = 300.0

    assert keys.find(row()) is None
    assert len(keys) == 0
    keys.keep(row(), b"key")
    watch.now = 599.0
    assert keys.find(row()) == b"key"


def test_keys_that_are_kept_again_count_once() -> None:
    """Two requests of one User may unwrap at the same time."""
    keys = UnwrappedKeys(many=2)
    for number in (1, 2, 1, 1):
        keys.keep(row(number), b"key")

    assert len(keys) == 2
    assert keys.find(row(2)) == b"key"
