"""Owns the reading of Server-Sent Events (WHATWG HTML section 9.2.6): bytes in any pieces become events.

Refuses lines and events beyond a bound. Does no input or output.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_LINE_END: Final = re.compile(rb"\r\n|\n|\r")


class StreamBroken(Exception):
    """What arrives is no stream of events, or one larger than we are ready to hold."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One event: its kind, its data, and the last id that was seen, which may be of an earlier one."""

    kind: str
    data: str
    last_id: str


class EventReader:
    """Reads one connection. `most`: bytes of one event."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._size = 0
        self._line: list[bytes] = []
        self._after_return = False
        self._kind = ""
        self._data: list[str] = []
        self._last_id = ""
        self._first_line = True

    def read(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes. Raises `StreamBroken`."""
        if self._after_return and chunk.startswith(b"\n"):  # the second half of a line's end
            chunk = chunk[1:]
            self._after_return = False
        if not chunk:
            return []
        self._after_return = chunk.endswith(b"\r")
        begun, *lines = _LINE_END.split(chunk)
        self._add(begun)
        events = []
        for following in lines:
            line = b"".join(self._line)
            self._line = []
            if (event := self._end_of(line)) is not None:
                events.append(event)
            self._add(following)
        return events

    def _add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._most:
            raise StreamBroken("an event is too large")
        if piece:
            self._line.append(piece)

    def _end_of(self, line: bytes) -> Event | None:
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            raise StreamBroken("not UTF-8") from None
        if self._first_line:
            self._first_line = False
            text = text.removeprefix("\ufeff")
        if text:
            self._take(text)
            return None
        return self._dispatch()

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._kind = value
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._last_id = value

    def _dispatch(self) -> Event | None:
        kind, data = self._kind or "message", self._data
        self._kind, self._data, self._size = "", [], 0
        return Event(kind=kind, data="\n".join(data), last_id=self._last_id) if data else None
