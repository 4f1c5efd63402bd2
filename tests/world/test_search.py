"""The search finds what is planted, in every spelling and packing, and does not find what is not there."""

from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
import json
import lzma
import secrets
import zlib
from collections.abc import Callable
from urllib.parse import quote, urlencode

import pytest

from tests.world.search import search

SIXTEEN = secrets.token_hex(8)
VALUES = [SIXTEEN, f"Zoë {SIXTEEN}/+&=?", f"{SIXTEEN}@somewhere.example", f"1//0{secrets.token_urlsafe(32)}"]


def _jwt(value: str) -> bytes:
    parts = (json.dumps(part, ensure_ascii=False).encode() for part in ({"alg": "none"}, {"deep": {"claim": [value]}}))
    return b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts) + b"."


WAYS: dict[str, Callable[[str], bytes]] = {
    "as it is": lambda value: value.encode(),
    "in lower case": lambda value: value.lower().encode(),
    "in a row of UTF-16": lambda value: f"before {value} after".encode("utf-16-le"),
    "in a query": lambda value: urlencode({"a": "b", "c": value}).encode(),
    "in a path": lambda value: f"/x/{quote(value)}/y".encode(),
    "in JSON": lambda value: json.dumps({"a": [value]}).encode(),
    "in a page": lambda value: f"<p>{value.replace('&', '&amp;')}</p>".encode(),
    "in hex": lambda value: value.encode().hex().encode(),
    "in upper hex": lambda value: value.encode().hex().upper().encode(),
    "in base64": lambda value: base64.b64encode(value.encode()),
    "in base64, one on": lambda value: base64.b64encode(b"x" + value.encode() + b"yy"),
    "in base64, two on": lambda value: base64.urlsafe_b64encode(b"xy" + value.encode() + b"z"),
    "in base64 twice": lambda value: base64.b64encode(b"x" + base64.b64encode(b"xy" + value.encode()) + b"z"),
    "in a token": _jwt,
    "in a token in a log": lambda value: b'{"event":"request","token":"' + _jwt(value) + b'"}',
    "gzipped": lambda value: b"\x01\x02" + gzip.compress(f'{{"a": "{value}"}}'.encode()) + b"\x03",
    "deflated": lambda value: b"\x01" + zlib.compress(value.encode() * 3),
    "deflated and cut off": lambda value: zlib.compress(value.encode() + secrets.token_bytes(400))[:-200],
    "in bzip2": lambda value: bz2.compress(value.encode()),
    "in xz": lambda value: lzma.compress(value.encode()),
    "gzipped in base64": lambda value: b"cookie=" + base64.b64encode(gzip.compress(value.encode())),
    "gzipped in hex": lambda value: gzip.compress(value.encode()).hex().encode(),
    "hashed": lambda value: hashlib.sha256(value.encode()).digest(),
    "hashed in hex": lambda value: hashlib.md5(value.encode()).hexdigest().encode(),
    "hashed in base64": lambda value: base64.urlsafe_b64encode(hashlib.sha512(value.encode()).digest()),
}


@pytest.mark.parametrize("value", VALUES, ids=["word", "letters of all kinds", "address", "token"])
@pytest.mark.parametrize("way", WAYS)
def test_a_planted_value_is_found(way: str, value: str) -> None:
    """Between bytes that could be anything."""
    around = secrets.token_bytes(1000)
    haystacks = {"table.column": [b"", around, around[:500] + WAYS[way](value) + around[500:]], "elsewhere": [around]}

    found = search(haystacks, {"planted": value, "another": secrets.token_hex(8)})

    assert found
    assert all(line.startswith("planted in table.column as ") for line in found)


def test_what_is_found_is_named_and_not_shown() -> None:
    """A failing test must not print what it protects."""
    found = search({"log": [SIXTEEN.encode()]}, {"email": SIXTEEN})

    assert found == ["email in log as text", "email in log as lower case", *found[2:]]
    assert SIXTEEN not in "".join(found)


def test_nothing_is_found_where_nothing_is() -> None:
    """Megabytes of random bytes, text and compressed text hold no value by chance."""
    random = secrets.token_bytes(1 << 20)
    haystacks = {"bytes": [random], "text": [random.hex().encode()[: 1 << 17]], "packed": [gzip.compress(random)]}

    assert search(haystacks, {f"canary {number}": secrets.token_hex(8) for number in range(100)}) == []


def test_a_value_that_is_too_short_is_refused() -> None:
    """It would be found by chance, or overlooked by a search that must not find it by chance."""
    with pytest.raises(ValueError, match=r"too short to be looked for: \['name'\]"):
        search({}, {"name": "Ada"})
