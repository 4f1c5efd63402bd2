"""The published test vectors, made anew: `python -m tests.crypto.vectors` writes docs/reference/envelope-vectors.json.

Every byte comes from a hash of its name, so that anybody makes the same file. Refuses randomness.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from broker.crypto.envelope import FORMAT, additional_data, seal
from broker.crypto.kek import WrapContext, with_check
from broker.crypto.keyring import NamedKey
from broker.crypto.local_kek import LocalKek
from broker.crypto.secrets import KeyringSecrets
from broker.domain.sealing import SYSTEM_OWNER, Place
from broker.domain.signing_key import place_of
from tests.crypto import independent_reader
from tests.crypto.examples import KEYRING, drawn, flipped
from tests.crypto.two_keys import ciphertext_for_two_keys

FILE = Path(__file__).parent.parent.parent / "docs" / "reference" / "envelope-vectors.json"
Vector = dict[str, Any]

PLACE = Place(
    table="connections",
    column="sealed_tokens",
    row_id="con_a7tq",
    owner="usr_m2ve",
    registration="google",
    generation=5,
)
DEK_ID = "dek_k4zd"


def made(name: str, length: int = 32) -> bytes:
    """Bytes that nobody could have chosen."""
    return hashlib.shake_256(f"partner-ops-broker test vector: {name}".encode()).digest(length)


def document() -> Vector:
    """The whole file."""
    opened = envelopes()
    wrapped = asyncio.run(wrapped_keys())
    return {
        "specification": "envelope.md",
        "envelopes": opened,
        "refused_envelopes": refused_envelopes(opened[0], opened[-1]),
        "wrapped_keys": wrapped,
        "refused_wrapped_keys": refused_wrapped_keys(wrapped[0]),
        "checked_keys": [_checked("in a KMS", made("kms blob", 96)), _checked("a short answer", b"\x00")],
        "refused_checked_keys": refused_checked_keys(),
        "keyed_hashes": [
            _hashed("session", "example"),
            _hashed("code", "example"),
            _hashed("email", "grüß@example.com"),
            _hashed("session", ""),
        ],
    }


def text() -> str:
    """As it is published."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def envelopes() -> list[Vector]:
    """What opens. The last one decrypts under two record keys."""
    odd = Place(table="", column="", row_id="röw", owner="用户", registration="", client_org="", generation=0)
    own = replace(PLACE, registration="corp", client_org="acme", generation=2**53 - 1)
    json_text = b'{"access_token":"example"}'
    return [
        _sealed("a Provider's tokens", json_text),
        _sealed("nothing inside", b""),
        _sealed("a Client's own registration, a large generation", b"\0", place=own),
        _sealed("empty fields, text beyond ASCII", "grüß dich".encode(), dek_id="dek_ü🔑", place=odd),
        _sealed("an id of one byte", made("300 bytes", 300), dek_id="d"),
        _sealed("an id of 255 bytes", made("16 bytes", 16), dek_id="d" * 255),
        _sealed("the private half of a signing key", made("138 bytes", 138), dek_id="dek_sys", place=place_of("kid-1")),
        _for_two_keys(),
    ]


def _sealed(name: str, plaintext: bytes, *, dek_id: str = DEK_ID, place: Place = PLACE) -> Vector:
    data_key, salt, nonce = made(f"{name}, data key"), made(f"{name}, salt"), made(f"{name}, nonce", 12)
    return _vector(name, data_key, dek_id, place, salt, nonce, plaintext) | {
        "envelope": seal(data_key, dek_id, place, plaintext, drawn(salt, nonce)).hex()
    }


def _for_two_keys() -> Vector:
    name = "decrypts under two record keys, committed to this one"
    salt, nonce = made(f"{name}, salt"), made(f"{name}, nonce", 12)
    data_key, other = made(f"{name}, data key"), made(f"{name}, other data key")
    (record_key, commitment), (other_record_key, _) = (
        independent_reader.derive(key, salt) for key in (data_key, other)
    )
    aad = additional_data(PLACE, DEK_ID)
    sealed = ciphertext_for_two_keys(record_key, other_record_key, nonce, aad)
    plaintext = AESGCM(record_key).decrypt(nonce, sealed, aad)
    envelope = FORMAT + bytes([len(DEK_ID)]) + DEK_ID.encode() + salt + commitment + nonce + sealed
    return _vector(name, data_key, DEK_ID, PLACE, salt, nonce, plaintext) | {"envelope": envelope.hex()}


def _vector(
    name: str, data_key: bytes, dek_id: str, place: Place, salt: bytes, nonce: bytes, plaintext: bytes
) -> Vector:
    record_key, commitment = independent_reader.derive(data_key, salt)
    return {
        "name": name,
        "data_key": data_key.hex(),
        "dek_id": dek_id,
        "place": asdict(place),
        "salt": salt.hex(),
        "nonce": nonce.hex(),
        "plaintext": plaintext.hex(),
        "additional_data": additional_data(place, dek_id).hex(),
        "record_key": record_key.hex(),
        "commitment": commitment.hex(),
    }


def refused_envelopes(good: Vector, for_two_keys: Vector) -> list[Vector]:
    """What does not open: the first envelope, damaged, moved, or asked for wrongly."""
    envelope = bytes.fromhex(good["envelope"])
    start = 3 + len(DEK_ID)
    salt, commitment, nonce, ciphertext = start, start + 32, start + 64, start + 76
    damaged = {
        "no bytes": b"",
        "version 0": b"\0" + envelope[1:],
        "version 2": b"\2" + envelope[1:],
        "algorithm 0": envelope[:1] + b"\0" + envelope[2:],
        "algorithm 2": envelope[:1] + b"\2" + envelope[2:],
        "length of the id too large": envelope[:2] + bytes([len(DEK_ID) + 1]) + envelope[3:],
        "length of the id too small": envelope[:2] + bytes([len(DEK_ID) - 1]) + envelope[3:],
        "length of the id 255": envelope[:2] + b"\xff" + envelope[3:],
        "another id in the envelope": flipped(envelope, 3),
        "ends after the id": envelope[:start],
        "one byte shorter than an empty value": envelope[: start + 91],
        "ends without the last byte of the tag": envelope[:-1],
        "one byte too many": envelope + b"\0",
        "one bit of the salt flipped": flipped(envelope, salt),
        "one bit of the commitment flipped": flipped(envelope, commitment),
        "one bit of the nonce flipped": flipped(envelope, nonce),
        "one bit of the ciphertext flipped": flipped(envelope, ciphertext),
        "one bit of the tag flipped": flipped(envelope, len(envelope) - 1),
        "commitment all zero": envelope[:commitment] + bytes(32) + envelope[nonce:],
    }
    moved = {
        "another table": {"table": "signing_keys"},
        "another column": {"column": "sealed_attributes"},
        "another row_id": {"row_id": "con_a7tr"},
        "another owner": {"owner": "usr_m2vf"},
        "another registration": {"registration": "corp"},
        "another client_org": {"client_org": "acme"},
        "an earlier generation": {"generation": 4},
        "a later generation": {"generation": 6},
        "one letter moved from table to column": {"table": "connection", "column": "ssealed_tokens"},
    }
    asked = {member: good[member] for member in ("data_key", "dek_id", "place")}
    other_key = {"data_key": made("decrypts under two record keys, committed to this one, other data key").hex()}
    return [
        *({"why": why, **asked, "envelope": spoiled.hex()} for why, spoiled in damaged.items()),
        {"why": "another id expected", **asked, "dek_id": "dek_k4ze", "envelope": good["envelope"]},
        {"why": "another data key", **asked, "data_key": made("another").hex(), "envelope": good["envelope"]},
        *(
            {"why": why, **asked, "place": good["place"] | changed, "envelope": good["envelope"]}
            for why, changed in moved.items()
        ),
        {
            "why": "decrypts under this record key too, but is committed to another",
            **asked,
            **other_key,
            "envelope": for_two_keys["envelope"],
        },
    ]


async def wrapped_keys() -> list[Vector]:
    """Data keys under KEKs of the keyring."""
    return [
        await _wrapped("a User's", "local:main:1", "dek_cjz4jreayj2ifbtgcfvkz7s63e", PLACE.owner),
        await _wrapped(
            "the system's, under a second version", "local:main:2", "dek_e36btxjh6gtwx42sbnjoxrnumu", SYSTEM_OWNER
        ),
    ]


async def _wrapped(name: str, kek_id: str, dek_id: str, owner: str) -> Vector:
    kek, nonce, data_key = made(f"KEK {kek_id}"), made(f"{name}, nonce", 12), made(f"{name}, data key")
    context = WrapContext(kek_id=kek_id, data_key_id=dek_id, owner=owner)
    wrapped = await LocalKek(NamedKey(id=kek_id, key=kek), drawn(nonce)).wrap(context, data_key)
    return {
        "name": name,
        "kek_id": kek_id,
        "kek": kek.hex(),
        "dek_id": dek_id,
        "owner": owner,
        "nonce": nonce.hex(),
        "data_key": data_key.hex(),
        "wrapped": wrapped.hex(),
    }


def refused_wrapped_keys(good: Vector) -> list[Vector]:
    """What does not unwrap."""
    wrapped = bytes.fromhex(good["wrapped"])
    spoiled: dict[str, Vector] = {
        "no bytes": {"wrapped": ""},
        "version 0": {"wrapped": "00" + good["wrapped"][2:]},
        "version 2": {"wrapped": "02" + good["wrapped"][2:]},
        "one bit of the nonce flipped": {"wrapped": flipped(wrapped, 1).hex()},
        "one bit of the key flipped": {"wrapped": flipped(wrapped, 13).hex()},
        "one bit of the tag flipped": {"wrapped": flipped(wrapped, 60).hex()},
        "one byte too few": {"wrapped": wrapped[:-1].hex()},
        "one byte too many": {"wrapped": (wrapped + b"\0").hex()},
        "another KEK of the same name": {"kek": made("KEK local:main:2").hex()},
        "the same KEK under another name": {"kek_id": "local:main:2"},
        "another data key's": {"dek_id": "dek_e36btxjh6gtwx42sbnjoxrnumu"},
        "another owner's": {"owner": "usr_m2vf"},
    }
    asked = {member: good[member] for member in ("kek_id", "kek", "dek_id", "owner", "wrapped")}
    return [{"why": why, **asked, **changed} for why, changed in spoiled.items()]


def _checked(name: str, answered: bytes) -> Vector:
    data_key = made(f"{name}, data key")
    return {
        "name": name,
        "data_key": data_key.hex(),
        "answered": answered.hex(),
        "wrapped": with_check(data_key, answered).hex(),
    }


def refused_checked_keys() -> list[Vector]:
    """Answers of a KMS that are not the key which was wrapped, and rows that hold none."""
    good = _checked("in a KMS", made("kms blob", 96))
    wrapped = good["wrapped"]
    return [
        {"why": "another key", "data_key": made("another").hex(), "wrapped": wrapped},
        {"why": "half of it", "data_key": good["data_key"][:32], "wrapped": wrapped},
        {
            "why": "one bit of the check flipped",
            "data_key": good["data_key"],
            "wrapped": wrapped[:2] + f"{int(wrapped[2:4], 16) ^ 1:02x}" + wrapped[4:],
        },
        {"why": "version 1", "data_key": good["data_key"], "wrapped": "01" + wrapped[2:]},
        {"why": "nothing was answered", "data_key": good["data_key"], "wrapped": wrapped[:66]},
        {"why": "no bytes", "data_key": good["data_key"], "wrapped": ""},
    ]


def _hashed(kind: str, value: str) -> Vector:
    lookup_key = NamedKey(id="lookup-1", key=made("lookup key"))
    secrets = KeyringSecrets(replace(KEYRING, lookup_keys=(lookup_key,)))
    return {
        "lookup_key": made("lookup key").hex(),
        "kind": kind,
        "value": value,
        "hash": secrets.keyed_hash(kind, value),
    }


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
