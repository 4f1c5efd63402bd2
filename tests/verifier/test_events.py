"""Server-Sent Events: read alike in whatever pieces they arrive."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_ops_verifier.events import Event, EventReader, StreamBroken

STREAM = (
    b"\xef\xbb\xbf: welcome\n\nid: 1\nevent: revoked\ndata: {}\n\n"
    b"event:heartbeat\r\ndata:\r\n\r\nid: 2\rdata: a\rdata:  b\r\r"
    b"retry: 5\nnonsense\nid: 3\n\ndata\nevent: snapshot\ndata: \xc3\xa4\n\ndata: never ended\n"
)
EVENTS = [
    Event(kind="revoked", data="{}", last_id="1"),
    Event(kind="heartbeat", data="", last_id="1"),
    Event(kind="message", data="a\n b", last_id="2"),
    Event(kind="snapshot", data="\nä", last_id="3"),
]


def read(*chunks: bytes, most: int = 1000) -> list[Event]:
    reader = EventReader(most=most)
    return [event for chunk in chunks for event in reader.read(chunk)]


def test_events_are_read_as_the_standard_says() -> None:
    """Comments, ends of lines of three kinds, several lines of data, an id that stays, an event that is not ended."""
    assert read(STREAM) == EVENTS


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_pieces_make_no_difference(cuts: list[int]) -> None:
    """Also between the two bytes of a line's end, and within a character."""
    places = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[start:end] for start, end in itertools.pairwise(places)]

    assert read(*chunks) == EVENTS
    assert read(*(STREAM[place : place + 1] for place in range(len(STREAM)))) == EVENTS


def test_an_id_that_could_not_be_sent_back_is_ignored() -> None:
    """With a NUL in it."""
    assert [event.last_id for event in read(b"id: 1\0\ndata: a\n\n")] == [""]


@pytest.mark.parametrize("chunks", [[b"data: " + b"a" * 100], [b"data: aaaaaaaa\n"] * 10, [b"a"] * 101])
def test_an_event_too_large_breaks_the_stream(chunks: list[bytes]) -> None:
    """In one line, in many, in many pieces."""
    with pytest.raises(StreamBroken):
        read(*chunks, most=100)


def test_many_events_are_not_one_large_one() -> None:
    """The bound is for each."""
    assert len(read(*[b"data: " + b"a" * 80 + b"\n\n"] * 50, most=100)) == 50


def test_what_is_not_utf_8_breaks_the_stream() -> None:
    """As it may be anything."""
    with pytest.raises(StreamBroken):
        read(b"data: \xff\n\n")
