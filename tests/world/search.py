"""Looking for values which must not be there: in every spelling that software gives them, and inside what is packed.

Finds a value as text or bytes, escaped, in hex, in base64 at any alignment, hashed without a key; plain or compressed,
in a token, or in several of these at once. Says where, never what.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import hashlib
import html
import json
import lzma
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus, unquote_to_bytes

SHORTEST = 8  # characters, or bytes; what is shorter may be there by chance
_DEEPEST = 3
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}")
_HEX = re.compile(rb"[0-9A-Fa-f]{16,}")
_PERCENT = re.compile(rb"%[0-9A-Fa-f]{2}")
_PACKED = re.compile(rb"\x1f\x8b\x08|BZh[1-9]|\xfd7zXZ\x00|\x78[\x01\x5e\x9c\xda]", re.DOTALL)


def search(haystacks: Mapping[str, Iterable[bytes]], needles: Mapping[str, str]) -> list[str]:
    """Every needle that is in a haystack, as "needle in haystack as spelling". Names are told, values are not.

    Raises `ValueError` for a needle too short to mean anything.
    """
    if short := [name for name, value in needles.items() if len(value) < SHORTEST]:
        raise ValueError(f"too short to be looked for: {short}")
    beginnings: dict[bytes, list[tuple[str, str, bytes]]] = {}
    for name, value in needles.items():
        for spelling, form in spellings(value).items():
            beginnings.setdefault(form[:SHORTEST], []).append((name, spelling, form))
    found: dict[str, None] = {}  # in the order of finding, each once
    for place, pieces in haystacks.items():
        for data in (inner for piece in pieces for inner in unpack(piece)):
            for at in range(len(data) - SHORTEST + 1):
                for name, spelling, form in beginnings.get(data[at : at + SHORTEST], ()):
                    if data.startswith(form, at):
                        found[f"{name} in {place} as {spelling}"] = None
    return list(found)


def spellings(value: str) -> dict[str, bytes]:
    """The forms in which a value could lie somewhere, by name."""
    raw = value.encode()
    forms = {
        "text": raw,
        "lower case": value.lower().encode(),
        "UTF-16": value.encode("utf-16-le"),
        "URL": quote(value, safe="").encode(),
        "form": quote_plus(value, safe="").encode(),
        "JSON": json.dumps(value)[1:-1].encode(),
        "HTML": html.escape(value).encode(),
    }
    for name, data in {"": raw, **_digests(raw)}.items():
        forms[f"{name} hex".strip()] = data.hex().encode()
        forms[f"{name} HEX".strip()] = data.hex().upper().encode()
        for offset in range(3):
            standard = _aligned(data, offset)
            forms[f"{name} base64+{offset}".strip()] = standard
            forms[f"{name} base64url+{offset}".strip()] = standard.translate(bytes.maketrans(b"+/", b"-_"))
    return forms | _digests(raw)


def unpack(data: bytes, deepest: int = _DEEPEST) -> Iterator[bytes]:
    """The data, and whatever is compressed or encoded in it, and what is in that."""
    yield data
    if deepest == 0:
        return
    for inner in _inside(data):
        if len(inner) >= SHORTEST:
            yield from unpack(inner, deepest - 1)


def _digests(raw: bytes) -> dict[str, bytes]:
    """Hashed without a key: anybody who can guess the value can tell that it is there."""
    return {name: hashlib.new(name, raw).digest() for name in ("md5", "sha1", "sha256", "sha512")}


def _aligned(data: bytes, offset: int) -> bytes:
    """The characters of base64 that depend on `data` alone, when `offset` bytes come before it."""
    encoded = base64.b64encode(bytes(offset) + data + bytes(2))
    return encoded[-(-offset * 8 // 6) : (offset + len(data)) * 8 // 6]


def _inside(data: bytes) -> Iterator[bytes]:
    for start in (match.start() for match in _PACKED.finditer(data)):
        yield _decompressed(data[start:])
    for run in _BASE64.findall(data):
        text = run.translate(bytes.maketrans(b"-_", b"+/"))
        for offset in range(4):  # something else may stand before it without a gap
            cut = text[offset:]
            yield base64.b64decode(cut[: len(cut) // 4 * 4] + _rest(cut))
    for run in _HEX.findall(data):
        for cut in (run, run[1:]):
            yield binascii.unhexlify(cut[: len(cut) // 2 * 2])
    if _PERCENT.search(data):
        yield unquote_to_bytes(data)


def _rest(text: bytes) -> bytes:
    """The last, incomplete group of base64 without padding, padded; nothing where it cannot be one."""
    rest = text[len(text) // 4 * 4 :]
    return rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""


def _decompressed(data: bytes) -> bytes:
    """As much as can be had from the start of a stream, which may end too early or be none."""
    packed: zlib._Decompress | bz2.BZ2Decompressor | lzma.LZMADecompressor
    if data.startswith(b"BZh"):
        packed = bz2.BZ2Decompressor()
    elif data.startswith(b"\xfd7zXZ"):
        packed = lzma.LZMADecompressor()
    else:
        packed = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # zlib or gzip, as its header says
    out = bytearray()
    try:
        for start in range(0, len(data), 64):  # so that what came before a fault is not lost
            out += packed.decompress(data[start : start + 64])
            if packed.eof:
                break
    except (zlib.error, OSError, lzma.LZMAError):
        return bytes(out)
    return bytes(out)
