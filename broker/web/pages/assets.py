"""Owns the files that pages refer to (stylesheet, marks, favicon, the one script), each under a name with its own hash.

Refuses a name that is not among them. A changed file gets a new name, so that an answer may be cached for ever
(RFC 8246, `immutable`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

CACHE_CONTROL = "public, max-age=31536000, immutable"
"""RFC 8246 section 2; a year is what RFC 9111's caches treat as for ever."""

_FOLDER = Path(__file__).resolve().parent.parent / "assets"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """A file as it is answered. `etag` is a strong entity tag with its quotes (RFC 9110 section 8.8.3)."""

    content: bytes = field(repr=False)
    content_type: str
    etag: str


def asset_path(name: str) -> str:
    """Where a file is, under the issuer's path: "broker.css" at "/assets/broker.<hash>.css". KeyError if not."""
    return _PATHS[name]


def packed(stylesheet: bytes) -> bytes:
    """A stylesheet without its comments and needless space: those are for who reads the file.

    Inside quotes it must have no space beside any of `{};,` and none after a colon; a test holds that.
    """
    bare = re.sub(rb"\s+", b" ", re.sub(rb"/\*.*?\*/", b"", stylesheet, flags=re.DOTALL))
    return re.sub(rb" ?([{};,]) ?", rb"\1", bare).replace(b": ", b":").replace(b";}", b"}").strip()


def _load() -> tuple[dict[str, Asset], dict[str, str]]:
    assets: dict[str, Asset] = {}
    paths: dict[str, str] = {}
    for file in sorted(_FOLDER.iterdir()):
        if file.suffix not in _TYPES:
            continue
        content = packed(file.read_bytes()) if file.suffix == ".css" else file.read_bytes()
        digest = hashlib.sha256(content).hexdigest()[:16]
        path = f"/assets/{file.stem}.{digest}{file.suffix}"
        assets[path] = Asset(content=content, content_type=_TYPES[file.suffix], etag=f'"{digest}"')
        paths[file.name] = path
    return assets, paths


_assets, _PATHS = _load()

ASSETS: Mapping[str, Asset] = MappingProxyType(_assets)
"""Every file by its path under the issuer's path."""
