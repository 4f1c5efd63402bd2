"""A ledger is whole, or the first place that is wrong is named: whatever was done to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from broker.domain.ledger_chain import COLUMNS, Column, Head, Link, Row, linked
from broker.domain.ledger_check import Broken, Walked, Wrong, walk

SIZE = 9


def row(id_: int, **other: Column) -> Row:
    """An event with something in every column."""
    columns: dict[str, Column] = {name: f"{name} {id_}" for name in COLUMNS}
    columns |= {"id": id_, "at": 1_800_000_000 + id_, "released": '["email"]', "sealed": bytes([id_ % 256])}
    return Row(columns=tuple((columns | other).values()))


ROWS = [row(number * 10) for number in range(1, SIZE + 1)]
LINKS = list(linked(None, ROWS))


def checked(
    links: Sequence[Link],
    rows: Sequence[Row],
    heads: Mapping[int, Sequence[Head]] | None = None,
    *,
    pruned: int = 0,
    at_once: int = 4,
) -> Walked:
    """All of it, a part at a time, as the flow does it."""
    state = Walked()
    ordered = sorted(rows, key=lambda one: one.id)
    while state.broken is None:
        part = [link for link in links if link.position > state.position][:at_once]
        if not part:
            break
        between = [one for one in ordered if state.event_id < one.id <= part[-1].event_id][: at_once + 1]
        state = walk(state, part, between, heads or {}, pruned=pruned)
    return state


def head(position: int, chain_hash: bytes | None = None) -> Head:
    """What was signed at this position."""
    hashed = LINKS[position - 1].chain_hash if chain_hash is None else chain_hash
    return Head(issuer="https://id.example", position=position, chain_hash=hashed.hex(), at=5)


@pytest.mark.parametrize("at_once", [1, 2, SIZE, SIZE + 1])
def test_a_whole_ledger_is_whole(at_once: int) -> None:
    """However much of it is read at a time; so is an empty one."""
    walked = checked(LINKS, ROWS, {3: [head(3)], 9: [head(9), head(9)]}, at_once=at_once)

    assert (walked.broken, walked.position, walked.event_id) == (None, SIZE, SIZE * 10)
    assert (walked.heads, walked.missing) == (3, 0)
    assert checked([], []) == Walked()
    assert (Walked().position, Walked().event_id) == (0, 0)


@given(
    st.integers(0, SIZE - 1),
    st.sampled_from(COLUMNS[1:]),
    st.one_of(st.none(), st.integers(), st.text(max_size=3), st.binary(max_size=3), st.floats()),
    st.integers(1, SIZE),
)
def test_any_change_of_any_column_is_named(at: int, column: str, value: Column, at_once: int) -> None:
    """The event is, and its position."""
    place = COLUMNS.index(column)
    before = ROWS[at].columns
    assume(not (type(before[place]) is type(value) and before[place] == value))
    changed = Row(columns=(*before[:place], value, *before[place + 1 :]))
    rows = [*ROWS[:at], changed, *ROWS[at + 1 :]]

    assert checked(LINKS, rows, at_once=at_once).broken == Broken(
        what=Wrong.CHANGED, position=at + 1, event_id=(at + 1) * 10
    )


@given(st.sets(st.integers(0, SIZE - 1), min_size=1), st.integers(1, SIZE))
def test_the_first_of_those_removed_is_named(gone: set[int], at_once: int) -> None:
    """Also where it was the last one."""
    rows = [one for number, one in enumerate(ROWS) if number not in gone]
    first = min(gone) + 1

    assert checked(LINKS, rows, at_once=at_once).broken == Broken(
        what=Wrong.REMOVED, position=first, event_id=first * 10
    )


@given(st.integers(1, SIZE * 10), st.integers(1, SIZE))
def test_an_event_that_was_put_in_is_named(id_: int, at_once: int) -> None:
    """Wherever it stands before others; behind them it is only not chained yet."""
    assume(id_ % 10)
    walked = checked(LINKS, [*ROWS, row(id_)], at_once=at_once)

    assert walked.broken == Broken(what=Wrong.INSERTED, position=id_ // 10 + 1, event_id=id_)


def test_many_that_were_put_in_hide_nothing() -> None:
    """More than are read at a time."""
    walked = checked(LINKS, [*ROWS, *(row(id_) for id_ in range(41, 50))], at_once=2)

    assert walked.broken == Broken(what=Wrong.INSERTED, position=5, event_id=41)


@given(st.integers(0, SIZE - 2), st.integers(1, SIZE - 1), st.integers(1, SIZE))
def test_two_events_that_changed_places_are_named(one: int, step: int, at_once: int) -> None:
    """The first of them; where both are read at a time, for what was done."""
    other = min(one + step, SIZE - 1)
    rows = list(ROWS)
    for at, content in ((one, ROWS[other]), (other, ROWS[one])):
        rows[at] = Row(columns=((at + 1) * 10, *content.columns[1:]))
    broken = checked(LINKS, rows, at_once=at_once).broken

    assert broken is not None
    assert (broken.position, broken.event_id) == (one + 1, (one + 1) * 10)
    together = one // at_once == other // at_once
    assert broken.what is (Wrong.REORDERED if together else Wrong.CHANGED)


@given(st.integers(0, SIZE - 2), st.integers(1, SIZE))
def test_links_that_changed_places_are_found(one: int, at_once: int) -> None:
    """At the first of them."""
    links = list(LINKS)
    links[one] = replace(LINKS[one + 1], position=one + 1)
    links[one + 1] = replace(LINKS[one], position=one + 2)
    broken = checked(links, ROWS, at_once=at_once).broken

    assert broken is not None
    assert broken.position == one + 1
    assert broken.what in (Wrong.INSERTED, Wrong.REORDERED)


@given(
    st.integers(0, SIZE - 1), st.sampled_from(["event_id", "event_hash", "chain_hash", "position"]), st.integers(1, 4)
)
def test_any_change_of_a_link_is_found(at: int, field: str, at_once: int) -> None:
    """At its position, or where it should be."""
    was = LINKS[at]
    other = {
        "event_id": replace(was, event_id=was.event_id + 3),
        "event_hash": replace(was, event_hash=bytes(32)),
        "chain_hash": replace(was, chain_hash=bytes(32)),
        "position": replace(was, position=was.position + SIZE),
    }[field]
    links = sorted([*LINKS[:at], other, *LINKS[at + 1 :]], key=lambda link: link.position)
    broken = checked(links, ROWS, at_once=at_once).broken

    assert broken is not None
    assert broken.position == at + 1


def test_a_link_to_an_event_before_the_one_before_it_is_out_of_order() -> None:
    """Ids grow along the chain."""
    links = [*LINKS[:2], replace(LINKS[2], event_id=15), *LINKS[3:]]

    assert checked(links, ROWS).broken == Broken(what=Wrong.REORDERED, position=3, event_id=15)


def test_an_event_that_went_with_its_link_is_missed() -> None:
    """Also when all positions after it were counted anew."""
    gone = [*LINKS[:4], *LINKS[5:]]
    counted = [*LINKS[:4], *(replace(link, position=link.position - 1) for link in LINKS[5:])]
    rows = [*ROWS[:4], *ROWS[5:]]

    assert checked(gone, rows).broken == Broken(what=Wrong.REMOVED, position=5)
    assert checked(counted, rows).broken == Broken(what=Wrong.LINK, position=5, event_id=60)


def test_a_chain_that_was_made_anew_is_not_the_one_that_was_signed() -> None:
    """Whoever can change every row cannot change what was signed."""
    rows = [*ROWS[:4], row(50, reason="forged"), *ROWS[5:]]
    anew = linked(None, rows)

    assert checked(anew, rows).broken is None
    assert checked(anew, rows, {4: [head(4)]}).broken is None
    assert checked(anew, rows, {7: [head(7)]}).broken == Broken(what=Wrong.HEAD, position=7, event_id=70)


@given(st.sets(st.integers(0, SIZE - 1)), st.integers(0, SIZE), st.integers(1, SIZE))
def test_events_may_be_missing_up_to_where_they_were_pruned(gone: set[int], pruned: int, at_once: int) -> None:
    """Any of them, as a legal hold spares some; beyond that none."""
    rows = [one for number, one in enumerate(ROWS) if number not in gone]
    walked = checked(LINKS, rows, pruned=pruned, at_once=at_once)
    beyond = sorted(number + 1 for number in gone if number + 1 > pruned)

    if beyond:
        assert walked.broken == Broken(what=Wrong.REMOVED, position=beyond[0], event_id=beyond[0] * 10)
    else:
        assert (walked.broken, walked.missing) == (None, len(gone))


def test_a_pruned_ledger_still_tells_what_was_changed() -> None:
    """What was spared, and the links of what was not."""
    assert checked(LINKS, [row(20, reason="other")], pruned=SIZE).broken == Broken(
        what=Wrong.CHANGED, position=2, event_id=20
    )
    links = [*LINKS[:3], replace(LINKS[3], event_hash=bytes(32)), *LINKS[4:]]
    assert checked(links, [], pruned=SIZE).broken == Broken(what=Wrong.LINK, position=4, event_id=40)


def test_an_event_of_another_form_is_changed() -> None:
    """A column more, or less, is none that was chained."""
    rows = [Row(columns=ROWS[0].columns[:-1]), *ROWS[1:]]

    assert checked(LINKS, rows).broken == Broken(what=Wrong.CHANGED, position=1, event_id=10)


@pytest.mark.parametrize("what", list(Wrong))
def test_what_is_wrong_is_told_in_words(what: Wrong) -> None:
    """With the position, and the event if there is one."""
    assert str(Broken(what=what, position=7, event_id=70)).startswith("position 7, event 70: the ") or what in (
        Wrong.REORDERED,
    )
    assert str(Broken(what=what, position=7)).startswith("position 7: ")
