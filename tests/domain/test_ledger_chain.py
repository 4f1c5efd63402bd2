"""What is hashed of an event, and how one link follows from another."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.ledger_chain import (
    COLUMNS,
    GENESIS,
    PRUNE,
    Column,
    Head,
    Row,
    chain_hash,
    encoded,
    event_hash,
    head_claims,
    head_of,
    linked,
    pruned_to,
    pruning,
)

VECTORS = json.loads(
    (Path(__file__).parent.parent.parent / "docs" / "reference" / "ledger-vectors.json").read_text("utf-8")
)
values: st.SearchStrategy[Column] = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.text(max_size=4), st.binary(max_size=4)
)
rows = st.builds(lambda columns: Row(columns=tuple(columns)), st.lists(values, max_size=5))


@given(rows, rows)
def test_no_two_events_have_one_text(one: Row, other: Row) -> None:
    """Whatever is in the columns, and however many there are: what is hashed can be read in one way only."""
    same = [type(a) is type(b) and a == b for a, b in zip(one.columns, other.columns, strict=False)]
    assert (encoded(one) == encoded(other)) is (len(one.columns) == len(other.columns) and all(same))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c"), ("a", "bc")),
        (("a", None), ("a",)),
        (("",), (None,)),
        (("1",), (1,)),
        (("a",), (b"a",)),
        ((12, 3), (1, 23)),
    ],
)
def test_look_alikes_are_told_apart(one: tuple[Column, ...], other: tuple[Column, ...]) -> None:
    """Where one column ends, of which kind it is, and whether it is there at all."""
    assert event_hash(Row(columns=one)) != event_hash(Row(columns=other))


@pytest.mark.parametrize("value", [1.5, "\ud800"])
def test_what_no_column_can_hold_has_no_hash(value: Column) -> None:
    """SQLite would hold it."""
    with pytest.raises(ValueError, match=r"float|surrogates"):
        event_hash(Row(columns=(value,)))


@pytest.mark.parametrize("vector", VECTORS["events"], ids=lambda vector: vector["what"])
def test_the_vectors_hold(vector: dict[str, object]) -> None:
    """As docs/reference/ledger.md has them: the text, its hash, and the chain so far."""
    columns = vector["columns"]
    assert isinstance(columns, dict)
    assert tuple(columns) == COLUMNS
    sealed = None if columns["sealed"] is None else bytes.fromhex(columns["sealed"])
    row = Row(columns=(*list(columns.values())[:-1], sealed))

    assert encoded(row).hex() == vector["encoded"]
    assert event_hash(row).hex() == vector["event_hash"]


def test_the_vectors_make_a_chain() -> None:
    """Each link's hash is of the one before."""
    before = GENESIS
    for position, vector in enumerate(VECTORS["events"], start=1):
        before = chain_hash(before, bytes.fromhex(vector["event_hash"]), position)
        assert before.hex() == vector["chain_hash"]


def test_links_go_on_where_the_chain_ends() -> None:
    """In several goes it is the same chain as in one."""
    events = [Row(columns=(number, "sign_in.finish")) for number in (3, 7, 8)]
    whole = linked(None, events)
    first = linked(None, events[:1])

    assert [link.position for link in whole] == [1, 2, 3]
    assert [link.event_id for link in whole] == [3, 7, 8]
    assert (*first, *linked(first[-1], events[1:])) == whole
    assert linked(None, []) == ()
    assert whole[0].chain_hash == hashlib.sha256(GENESIS + whole[0].event_hash + bytes([0] * 7 + [1])).digest()


def test_a_head_tells_the_end_of_the_chain() -> None:
    """By whom, when, and at which position."""
    (link,) = linked(None, [Row(columns=(1, "redeem"))])
    claims = head_claims("https://id.example", link, 5)

    assert head_of(claims) == Head(issuer="https://id.example", position=1, chain_hash=link.chain_hash.hex(), at=5)


@pytest.mark.parametrize(
    "wrong",
    [{"position": "1"}, {"position": True}, {"iat": 1.0}, {"iss": None}, {"chain_hash": 7}],
    ids=repr,
)
def test_other_claims_are_no_head(wrong: dict[str, object]) -> None:
    """Absent, empty or of another kind."""
    (link,) = linked(None, [Row(columns=(1, "redeem"))])
    claims = head_claims("https://id.example", link, 5)

    assert head_of(claims | wrong) is None
    assert head_of({}) is None


def test_a_pruning_says_how_far_events_may_be_missing() -> None:
    """The furthest counts; what says nothing of the kind allows nothing."""
    event = pruning(41, 5)

    assert (event.action, event.outcome, event.at) == (PRUNE, "done", 5)
    assert pruned_to([event.object_id, "7", None, "", "-99", "many", "٣"]) == 41
    assert pruned_to([]) == 0


def test_an_event_is_called_by_its_id() -> None:
    """Which is the first column."""
    row = Row(columns=(7, "redeem"))

    assert row.id == 7
    assert replace(row, columns=(None,)).id == 0
