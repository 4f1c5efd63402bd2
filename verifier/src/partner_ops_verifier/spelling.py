"""Owns how tokens are spelt: base64url without padding (RFC 7515 section 2), JSON objects (RFC 8259).

Refuses every second spelling of the same bytes, members named twice, NaN, Infinity, and other encodings than UTF-8.
"""

from __future__ import annotations

import json
import math
from binascii import a2b_base64
from typing import Any, Final

_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_NOWHERE: Final = 0  # a byte that occurs in no alphabet, so that the decoder stops at it


def _table() -> bytes:
    table = bytearray([_NOWHERE] * 256)
    for byte in _ALPHABET + b".":
        table[byte] = byte
    table[ord("-")], table[ord("_")] = ord("+"), ord("/")
    return bytes(table)


_TO_STANDARD: Final = _table()
"""From the URL-safe alphabet to the one that the decoder knows; "+", "/", "=" and the rest lead nowhere."""
_PADDING: Final = (b"", b"", b"==", b"=")
_LAST: Final = (b"", b"", b"AQgw", b"AEIMQUYcgkosw048")
"""The last characters that carry no stray bits (RFC 4648 section 3.5), by the length modulo four."""


def standard(text: bytes) -> bytes:
    """`text` in the alphabet that `decode` takes; full stops stay."""
    return text.translate(_TO_STANDARD)


def decode(segment: bytes) -> bytes:
    """The bytes of one segment in the standard alphabet. Raises `ValueError`, also for an empty one."""
    over = len(segment) % 4
    if not segment or over == 1 or (over and segment[-1] not in _LAST[over]):
        raise ValueError("not base64url")
    return a2b_base64(segment + _PADDING[over], strict_mode=True)


def base64url(text: str) -> bytes:
    """The bytes that `text` spells. Raises `ValueError`."""
    return decode(standard(text.encode("ascii")))


def json_object(data: bytes) -> dict[str, Any]:
    """A JSON object in UTF-8. Raises `ValueError` for everything else."""
    text = data.decode("utf-8")
    try:
        if text.startswith("{"):  # no white space around it, so there is none to be searched for: half a microsecond
            value, end = _STRICT.raw_decode(text)
            if end == len(text):
                return _object(value)
        return _object(_STRICT.decode(text))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _object(value: Any) -> dict[str, Any]:
    if type(value) is not dict:
        raise ValueError("not a JSON object")
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):  # RFC 7515 section 4, RFC 7519 section 4: names are unique
        raise ValueError("a member is named twice")
    return members


def _constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError("a number too large")
    return value


_STRICT: Final = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_constant, parse_float=_finite)
