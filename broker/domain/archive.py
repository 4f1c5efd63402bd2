"""Owns the archive that a User takes along: its one form as bytes, what its signature says, and the file they make.

Refuses a file of which two readers could read two things: a name that comes twice, a fraction, a number too large.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from broker.domain.ids import UserId

TYPE = "archive+jwt"
"""The signature's header `typ`, so that it is taken for nothing else (RFC 8725 section 3.11)."""
VERSION = 1
"""Of the form that docs/reference/archive.schema.json describes; a member may be added to it, none changed."""
_LARGEST = 2**53 - 1
"""RFC 8785 section 3.2.2.3: what every reader of JSON tells exactly."""


class ArchiveRefused(Exception):
    """Why a file is no archive with a signature; the text is for whoever has it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedArchive:
    """An archive and the compact JWS about it."""

    archive: Mapping[str, Any] = field(repr=False)
    signature: str = field(repr=False)

    def to_bytes(self) -> bytes:
        """The file: to be read by people too, so in lines. The signature does not mind."""
        document = {"archive": self.archive, "signature": self.signature}
        return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def canonical(document: object) -> bytes:
    """The one form of a document of texts, whole numbers, lists and so on: RFC 8785, the JSON Canonicalization Scheme.

    Names sorted, no white space, UTF-8, and escaped only what has to be.
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(archive: Mapping[str, Any]) -> str:
    """What a signature is about."""
    return f"sha-256:{hashlib.sha256(canonical(archive)).hexdigest()}"


def signature_claims(archive: Mapping[str, Any], *, issuer: str, user_id: UserId, now: int) -> dict[str, Any]:
    """What is signed: whose archive it is, when it was made, and what is in it. It never ends."""
    return {"iss": issuer, "sub": user_id, "iat": now, "archive_digest": digest(archive)}


def read(content: bytes) -> SignedArchive:
    """The inverse of `to_bytes`, whatever the layout. Raises `ArchiveRefused`."""
    try:
        document = json.loads(
            content.decode(),
            object_pairs_hook=_once,
            parse_int=_exact,
            parse_float=_no_number,
            parse_constant=_no_number,
        )
        canonical(document)
    except (ValueError, RecursionError):
        raise ArchiveRefused("is not JSON in UTF-8") from None
    if not isinstance(document, dict) or document.keys() != {"archive", "signature"}:
        raise ArchiveRefused("must have archive and signature, and nothing else")
    archive, signature = document["archive"], document["signature"]
    if not isinstance(archive, dict) or not isinstance(signature, str):
        raise ArchiveRefused("archive must be an object, signature a text")
    if archive.get("version") != VERSION:
        raise ArchiveRefused(f"is of another version than {VERSION}")
    return SignedArchive(archive=archive, signature=signature)


def is_about(claims: Mapping[str, Any] | None, archive: Mapping[str, Any]) -> bool:
    """Whether what was signed is this archive. `claims`: of a signature that was verified; None: it was not."""
    return claims is not None and claims.get("archive_digest") == digest(archive)


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise ArchiveRefused("has a name twice in one object")
    return read


def _exact(text: str) -> int:
    if len(text) > len(str(-_LARGEST)) or abs(int(text)) > _LARGEST:
        _no_number(text)
    return int(text)


def _no_number(_text: str) -> NoReturn:
    raise ArchiveRefused("has a number that is not whole, or too large")
