"""Owns the keyring: the secret document that `broker keys new` makes.

Refuses a document with any fault, and names every fault at once, by its position in the document: so no message
can hold a piece of a key.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from dataclasses import dataclass, field

from broker.crypto.masked import Masked
from broker.crypto.randomness import FreshRandom, Random
from broker.domain.errors import BrokerError

VERSION = 1
KEY_BYTES = 32
_NAME = r"[a-z0-9][a-z0-9-]{0,31}"
_KEK_ID = re.compile(rf"(?:local|aws):{_NAME}:[1-9][0-9]{{0,5}}")
# A key, not an alias: an alias can be pointed at another key, which has never wrapped anything here.
_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{1,64}")
_KEY_ID = re.compile(_NAME)
_LISTS = {"keks": _KEK_ID, "lookup_keys": _KEY_ID, "cookie_keys": _KEY_ID}


class KeyringRefused(BrokerError):
    """The keyring cannot be used; `problems` has one sentence for each reason."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("keyring_refused", "The keyring cannot be used.", detail="; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedKey:
    """32 secret bytes and their public name."""

    id: str
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", Masked(self.key))


@dataclass(frozen=True, kw_only=True, slots=True)
class ArnKek:
    """A KEK in AWS KMS: "aws:<name>:<version>", and the ARN of the key. Nothing about it is secret."""

    id: str
    arn: str


KekEntry = NamedKey | ArnKek


@dataclass(frozen=True, kw_only=True, slots=True)
class Keyring:
    """`keks` wrap data keys, the first one, and unwrap, all; their ids are "<adapter>:<name>:<version>".

    `lookup_keys` make keyed hashes; there is exactly one, since under another one no stored hash would be found again.
    `cookie_keys` seal cookies, the first one, and open them, all.
    """

    keks: tuple[KekEntry, ...]
    lookup_keys: tuple[NamedKey, ...]
    cookie_keys: tuple[NamedKey, ...]


def new_keyring(random: Random = os.urandom) -> str:
    """A fresh document: JSON text with one key of each kind."""
    draw = FreshRandom(random)
    first = {"keks": "local:main:1", "lookup_keys": "lookup-1", "cookie_keys": "c1"}
    lists = {
        name: [{"id": key_id, "key": base64.b64encode(draw(KEY_BYTES)).decode("ascii")}]
        for name, key_id in first.items()
    }
    return json.dumps({"version": VERSION, **lists}, indent=2) + "\n"


def new_kek(kek_id: str, random: Random = os.urandom) -> str:
    """One entry for `keks`, JSON text, with a fresh key. Raises `KeyringRefused` for what is no id of a local KEK."""
    if _KEK_ID.fullmatch(kek_id) is None or not kek_id.startswith("local:"):
        raise KeyringRefused(("a KEK whose key is in the keyring is named local:<name>:<version>",))
    return json.dumps({"id": kek_id, "key": base64.b64encode(FreshRandom(random)(KEY_BYTES)).decode("ascii")})


def parse_keyring(text: str) -> Keyring:
    """The keyring of such a document. Raises `KeyringRefused`."""
    document = _json_object(text)
    if document is None:
        raise KeyringRefused(("not a JSON object in which every member occurs once",))
    reading = _Reading()
    version = document.get("version")
    if isinstance(version, bool) or version != VERSION:
        reading.problems.append("version: 1 is the only known one")
    if not document.keys() <= {"version", *_LISTS}:
        reading.problems.append("an unknown member; known are: version, " + ", ".join(_LISTS))
    keks = reading.entries(document, "keks")
    lists = {name: reading.keys(document, name) for name in ("lookup_keys", "cookie_keys")}
    if len(lists["lookup_keys"]) > 1:
        reading.problems.append("lookup_keys: more than one; nothing that is stored would be found under another")
    if reading.problems:
        raise KeyringRefused(tuple(reading.problems))
    return Keyring(keks=keks, **lists)


class _Reading:
    """What was wrong so far, and which keys occurred so far."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._seen: dict[bytes, str] = {}

    def keys(self, document: dict[str, object], name: str) -> tuple[NamedKey, ...]:
        """A list whose entries all have their key in them."""
        return tuple(entry for entry in self.entries(document, name) if isinstance(entry, NamedKey))

    def entries(self, document: dict[str, object], name: str) -> tuple[KekEntry, ...]:
        entries = document.get(name)
        if not isinstance(entries, list) or not entries:
            self.problems.append(f"{name}: missing, empty, or not a list")
            return ()
        ids: set[str] = set()
        read: list[KekEntry] = []
        for number, entry in enumerate(entries):
            at = f"{name}[{number}]"
            member = "arn" if name == "keks" and _is_elsewhere(entry) else "key"
            if not isinstance(entry, dict) or entry.keys() != {"id", member}:
                self.problems.append(f"{at}: must have exactly the members id and {member}")
                continue
            key_id = self._id(at, entry["id"], _LISTS[name])
            if key_id in ids:
                self.problems.append(f"{at}.id: occurs a second time")
            ids.add(key_id)
            if member == "arn":
                read.append(ArnKek(id=key_id, arn=self._arn(at, entry["arn"])))
            else:
                read.append(NamedKey(id=key_id, key=self._key(at, entry["key"])))
        return tuple(read)

    def _id(self, at: str, value: object, shape: re.Pattern[str]) -> str:
        if isinstance(value, str) and shape.fullmatch(value):
            return value
        wanted = "local:<name>:<version> or aws:<name>:<version>" if shape is _KEK_ID else "<name>"
        self.problems.append(f"{at}.id: must look like {wanted}, in lower-case letters, digits and hyphens")
        return at

    def _arn(self, at: str, value: object) -> str:
        if isinstance(value, str) and _ARN.fullmatch(value):
            return value
        self.problems.append(f"{at}.arn: must look like arn:aws:kms:<region>:<account>:key/<id>, and be no alias")
        return ""

    def _key(self, at: str, value: object) -> bytes:
        key = _base64(value)
        if key is None:
            self.problems.append(f"{at}.key: not base64 (RFC 4648 section 4, with padding)")
            return b""
        if len(key) != KEY_BYTES:
            self.problems.append(f"{at}.key: {len(key)} bytes, must be {KEY_BYTES}")
        elif len(set(key)) == 1:
            self.problems.append(f"{at}.key: not random")
        elif key in self._seen:
            self.problems.append(f"{at}.key: the same as {self._seen[key]}.key")
        self._seen.setdefault(key, at)
        return key


def _is_elsewhere(entry: object) -> bool:
    key_id = entry.get("id") if isinstance(entry, dict) else None
    return isinstance(key_id, str) and key_id.startswith("aws:")


def _json_object(text: str) -> dict[str, object] | None:
    # None instead of the parser's own error: a JSONDecodeError carries the whole document with it.
    try:
        document = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError
    return document


def _base64(value: object) -> bytes | None:
    if not isinstance(value, str):
        return None
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode("ascii") == value else None
